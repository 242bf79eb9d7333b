CREATE TABLE "job" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "job_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"kind" text NOT NULL,
	"operator" text NOT NULL,
	"subject" text NOT NULL,
	"payload" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"single" boolean NOT NULL,
	"run_at" timestamp (6) with time zone NOT NULL,
	"lease" uuid,
	"leased_until" timestamp (6) with time zone,
	"revision" integer DEFAULT 0 NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"last_error" text,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "job_single" ON "job" USING btree ("operator","kind","subject") WHERE "job"."single";--> statement-breakpoint
CREATE INDEX "job_due" ON "job" USING btree ("run_at");