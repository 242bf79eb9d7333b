CREATE TABLE "breaker_state" (
	"operator_id" text NOT NULL,
	"connection_id" text NOT NULL,
	"operation" text NOT NULL,
	"method" text NOT NULL,
	"state" text NOT NULL,
	"opened_at" timestamp (6) with time zone,
	"changed_at" timestamp (6) with time zone NOT NULL,
	"trial_until" timestamp (6) with time zone,
	"trips" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"forced" text,
	"forced_reason" text,
	"forced_until" timestamp (6) with time zone,
	"forced_by" text,
	CONSTRAINT "breaker_state_operator_id_connection_id_operation_method_pk" PRIMARY KEY("operator_id","connection_id","operation","method"),
	CONSTRAINT "breaker_state_known" CHECK ("breaker_state"."state" in ('open', 'closed')),
	CONSTRAINT "breaker_open_has_time" CHECK ("breaker_state"."state" = 'closed' or "breaker_state"."opened_at" is not null),
	CONSTRAINT "breaker_forced_complete" CHECK (("breaker_state"."forced" is null) = ("breaker_state"."forced_reason" is null) and ("breaker_state"."forced" is null) = ("breaker_state"."forced_until" is null) and ("breaker_state"."forced" is null or "breaker_state"."forced" in ('open', 'closed')))
);
--> statement-breakpoint
CREATE TABLE "connection" (
	"operator_id" text NOT NULL,
	"id" text NOT NULL,
	"processor" text NOT NULL,
	"label" text NOT NULL,
	"enabled" boolean DEFAULT true NOT NULL,
	"config" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"secret_ref" text,
	"limits" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "connection_operator_id_id_pk" PRIMARY KEY("operator_id","id"),
	CONSTRAINT "connection_label_unique" UNIQUE("operator_id","label"),
	CONSTRAINT "connection_label_not_an_id" CHECK ("connection"."label" !~ '^con_' and "connection"."label" <> '*')
);
--> statement-breakpoint
CREATE TABLE "connection_float" (
	"operator_id" text NOT NULL,
	"connection_id" text NOT NULL,
	"asset" text NOT NULL,
	"minor" numeric NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "connection_float_operator_id_connection_id_asset_pk" PRIMARY KEY("operator_id","connection_id","asset"),
	CONSTRAINT "connection_float_sane" CHECK ("connection_float"."minor" >= 0 and "connection_float"."minor" < 1e38)
);
--> statement-breakpoint
CREATE TABLE "maintenance_window" (
	"operator_id" text NOT NULL,
	"connection_id" text NOT NULL,
	"starts_at" timestamp (6) with time zone NOT NULL,
	"ends_at" timestamp (6) with time zone NOT NULL,
	"reason" text NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "maintenance_window_operator_id_connection_id_starts_at_pk" PRIMARY KEY("operator_id","connection_id","starts_at"),
	CONSTRAINT "maintenance_window_forward" CHECK ("maintenance_window"."ends_at" > "maintenance_window"."starts_at")
);
--> statement-breakpoint
CREATE TABLE "publication" (
	"operator_id" text NOT NULL,
	"epoch" integer NOT NULL,
	"kind" text NOT NULL,
	"version" integer NOT NULL,
	"percent" smallint NOT NULL,
	"by_actor" text NOT NULL,
	"reason" text NOT NULL,
	"at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "publication_operator_id_epoch_pk" PRIMARY KEY("operator_id","epoch")
);
--> statement-breakpoint
CREATE TABLE "routing_active" (
	"operator_id" text PRIMARY KEY NOT NULL,
	"version" integer DEFAULT 0 NOT NULL,
	"previous_version" integer,
	"candidate" integer,
	"percent" smallint DEFAULT 0 NOT NULL,
	"steps" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"step_seconds" integer DEFAULT 0 NOT NULL,
	"next_step_at" timestamp (6) with time zone,
	"guard_points" smallint DEFAULT 0 NOT NULL,
	"stage_started_at" timestamp (6) with time zone,
	"scheduled_version" integer,
	"scheduled_at" timestamp (6) with time zone,
	"scheduled_by" text,
	"revert_at" timestamp (6) with time zone,
	"epoch" integer DEFAULT 0 NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "routing_active_percent" CHECK ("routing_active"."percent" between 0 and 100),
	CONSTRAINT "routing_active_staged" CHECK (("routing_active"."candidate" is null) = ("routing_active"."stage_started_at" is null)),
	CONSTRAINT "routing_active_scheduled" CHECK (("routing_active"."scheduled_version" is null) = ("routing_active"."scheduled_at" is null))
);
--> statement-breakpoint
CREATE TABLE "ruleset" (
	"operator_id" text NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"document" jsonb NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	"status" text NOT NULL,
	"base_version" integer,
	"editors" text[] NOT NULL,
	"created_by" text NOT NULL,
	"updated_by" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "ruleset_operator_id_id_pk" PRIMARY KEY("operator_id","id"),
	CONSTRAINT "ruleset_status_known" CHECK ("ruleset"."status" in ('draft', 'approval_requested', 'approved', 'published', 'discarded'))
);
--> statement-breakpoint
CREATE TABLE "ruleset_approval" (
	"operator_id" text NOT NULL,
	"ruleset_id" text NOT NULL,
	"revision" integer NOT NULL,
	"requested_by" text NOT NULL,
	"reason" text NOT NULL,
	"requested_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"decision" text,
	"decided_by" text,
	"decision_reason" text,
	"decided_at" timestamp (6) with time zone,
	CONSTRAINT "ruleset_approval_operator_id_ruleset_id_revision_pk" PRIMARY KEY("operator_id","ruleset_id","revision"),
	CONSTRAINT "ruleset_approval_by_another" CHECK ("ruleset_approval"."decided_by" is null or "ruleset_approval"."decided_by" <> "ruleset_approval"."requested_by"),
	CONSTRAINT "ruleset_approval_complete" CHECK (("ruleset_approval"."decision" is null) = ("ruleset_approval"."decided_by" is null) and ("ruleset_approval"."decision" is null or "ruleset_approval"."decision" in ('approved', 'rejected')))
);
--> statement-breakpoint
CREATE TABLE "ruleset_version" (
	"operator_id" text NOT NULL,
	"version" integer NOT NULL,
	"ruleset_id" text NOT NULL,
	"revision" integer NOT NULL,
	"document" text NOT NULL,
	"sha256" text NOT NULL,
	"author" text NOT NULL,
	"approved_by" text,
	"break_glass_until" timestamp (6) with time zone,
	"reason" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "ruleset_version_operator_id_version_pk" PRIMARY KEY("operator_id","version"),
	CONSTRAINT "ruleset_version_once" UNIQUE("operator_id","ruleset_id","revision"),
	CONSTRAINT "ruleset_version_by_two" CHECK ("ruleset_version"."approved_by" is null or "ruleset_version"."approved_by" <> "ruleset_version"."author"),
	CONSTRAINT "ruleset_version_positive" CHECK ("ruleset_version"."version" > 0)
);
--> statement-breakpoint
ALTER TABLE "breaker_state" ADD CONSTRAINT "breaker_state_operator_id_connection_id_connection_operator_id_id_fk" FOREIGN KEY ("operator_id","connection_id") REFERENCES "public"."connection"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "connection" ADD CONSTRAINT "connection_operator_id_operator_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "connection_float" ADD CONSTRAINT "connection_float_operator_id_connection_id_connection_operator_id_id_fk" FOREIGN KEY ("operator_id","connection_id") REFERENCES "public"."connection"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "maintenance_window" ADD CONSTRAINT "maintenance_window_operator_id_connection_id_connection_operator_id_id_fk" FOREIGN KEY ("operator_id","connection_id") REFERENCES "public"."connection"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "publication" ADD CONSTRAINT "publication_operator_id_operator_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "routing_active" ADD CONSTRAINT "routing_active_operator_id_operator_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "routing_active" ADD CONSTRAINT "routing_active_operator_id_candidate_ruleset_version_operator_id_version_fk" FOREIGN KEY ("operator_id","candidate") REFERENCES "public"."ruleset_version"("operator_id","version") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ruleset" ADD CONSTRAINT "ruleset_operator_id_operator_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ruleset_approval" ADD CONSTRAINT "ruleset_approval_operator_id_ruleset_id_ruleset_operator_id_id_fk" FOREIGN KEY ("operator_id","ruleset_id") REFERENCES "public"."ruleset"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ruleset_version" ADD CONSTRAINT "ruleset_version_operator_id_operator_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ruleset_version" ADD CONSTRAINT "ruleset_version_operator_id_ruleset_id_ruleset_operator_id_id_fk" FOREIGN KEY ("operator_id","ruleset_id") REFERENCES "public"."ruleset"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "maintenance_window_by_end" ON "maintenance_window" USING btree ("operator_id","ends_at");