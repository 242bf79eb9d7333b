CREATE TABLE "audit_log" (
	"operator_id" text NOT NULL,
	"sequence" bigint NOT NULL,
	"at" timestamp (6) with time zone NOT NULL,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"subject" text NOT NULL,
	"before" jsonb,
	"after" jsonb,
	"reason" text,
	"previous_hash" text NOT NULL,
	"hash" text NOT NULL,
	CONSTRAINT "audit_log_operator_id_sequence_pk" PRIMARY KEY("operator_id","sequence")
);
--> statement-breakpoint
CREATE TABLE "webhook_delivery" (
	"operator_id" text NOT NULL,
	"id" text NOT NULL,
	"endpoint_id" text NOT NULL,
	"event_id" text NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"tries" integer DEFAULT 0 NOT NULL,
	"history" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"next_try_at" timestamp (6) with time zone,
	"delivered_at" timestamp (6) with time zone,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "webhook_delivery_operator_id_id_pk" PRIMARY KEY("operator_id","id"),
	CONSTRAINT "webhook_delivery_status_known" CHECK ("webhook_delivery"."status" in ('pending', 'succeeded', 'failed', 'cancelled'))
);
--> statement-breakpoint
CREATE TABLE "webhook_endpoint" (
	"operator_id" text NOT NULL,
	"id" text NOT NULL,
	"url" text NOT NULL,
	"description" text,
	"events" text NOT NULL,
	"status" text DEFAULT 'enabled' NOT NULL,
	"disabled_reason" text,
	"api_version" text NOT NULL,
	"secret_sealed" text NOT NULL,
	"secret_n" integer DEFAULT 1 NOT NULL,
	"previous_sealed" text,
	"previous_until" timestamp (6) with time zone,
	"paused_until" timestamp (6) with time zone,
	"created_by" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"deleted_at" timestamp (6) with time zone,
	CONSTRAINT "webhook_endpoint_operator_id_id_pk" PRIMARY KEY("operator_id","id"),
	CONSTRAINT "webhook_endpoint_status_known" CHECK ("webhook_endpoint"."status" in ('enabled', 'disabled')),
	CONSTRAINT "webhook_endpoint_events" CHECK ("webhook_endpoint"."events" <> '')
);
--> statement-breakpoint
ALTER TABLE "payment" ADD COLUMN "instrument_id" text;--> statement-breakpoint
ALTER TABLE "payment" ADD COLUMN "save_instrument" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "instrument" ADD COLUMN "active_at" timestamp (6) with time zone;--> statement-breakpoint
ALTER TABLE "webhook_delivery" ADD CONSTRAINT "webhook_delivery_operator_id_endpoint_id_webhook_endpoint_operator_id_id_fk" FOREIGN KEY ("operator_id","endpoint_id") REFERENCES "public"."webhook_endpoint"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhook_delivery" ADD CONSTRAINT "webhook_delivery_operator_id_event_id_event_operator_id_id_fk" FOREIGN KEY ("operator_id","event_id") REFERENCES "public"."event"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "audit_log_by_subject" ON "audit_log" USING btree ("operator_id","subject","sequence");--> statement-breakpoint
CREATE UNIQUE INDEX "webhook_delivery_once" ON "webhook_delivery" USING btree ("operator_id","endpoint_id","event_id");--> statement-breakpoint
CREATE INDEX "webhook_delivery_by_event" ON "webhook_delivery" USING btree ("operator_id","event_id");--> statement-breakpoint
ALTER TABLE "instrument" ADD CONSTRAINT "instrument_type_known" CHECK ("instrument"."type" in ('card', 'wallet', 'bank', 'crypto'));--> statement-breakpoint
ALTER TABLE "instrument" ADD CONSTRAINT "instrument_owner_match_known" CHECK ("instrument"."owner_match" in ('match', 'mismatch', 'unknown'));