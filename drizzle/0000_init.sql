CREATE TABLE "api_client" (
	"id" text PRIMARY KEY NOT NULL,
	"owner_id" text NOT NULL,
	"name" text NOT NULL,
	"scopes" text NOT NULL,
	"api_version" text,
	"jwks" jsonb,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"disabled_at" timestamp (6) with time zone,
	"tokens_valid_from" timestamp (6) with time zone
);
--> statement-breakpoint
CREATE TABLE "client_secret" (
	"client_id" text NOT NULL,
	"id" text NOT NULL,
	"hash" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp (6) with time zone,
	"revoked_at" timestamp (6) with time zone,
	CONSTRAINT "client_secret_client_id_id_pk" PRIMARY KEY("client_id","id")
);
--> statement-breakpoint
CREATE TABLE "rate_bucket" (
	"key" text PRIMARY KEY NOT NULL,
	"empty_at_ms" double precision NOT NULL
);
--> statement-breakpoint
CREATE TABLE "revoked_token" (
	"jti" text PRIMARY KEY NOT NULL,
	"client_id" text NOT NULL,
	"expires_at" timestamp (6) with time zone NOT NULL,
	"revoked_at" timestamp (6) with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "signing_key" (
	"kid" text PRIMARY KEY NOT NULL,
	"public_jwk" jsonb NOT NULL,
	"sealed_private" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"active_at" timestamp (6) with time zone NOT NULL,
	"retired_at" timestamp (6) with time zone
);
--> statement-breakpoint
CREATE TABLE "used_assertion" (
	"client_id" text NOT NULL,
	"jti" text NOT NULL,
	"expires_at" timestamp (6) with time zone NOT NULL,
	CONSTRAINT "used_assertion_client_id_jti_pk" PRIMARY KEY("client_id","jti")
);
--> statement-breakpoint
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
	"created_at" timestamp (6) with time zone DEFAULT clock_timestamp() NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "connection_operator_id_id_pk" PRIMARY KEY("operator_id","id"),
	CONSTRAINT "connection_label_unique" UNIQUE("operator_id","label"),
	CONSTRAINT "connection_label_not_an_id" CHECK ("connection"."label" !~ '^con_' and "connection"."label" <> '*')
);
--> statement-breakpoint
CREATE TABLE "connection_directory" (
	"connection_id" text PRIMARY KEY NOT NULL,
	"operator" text NOT NULL
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
CREATE TABLE "dispute" (
	"operator_id" text NOT NULL,
	"id" text NOT NULL,
	"deposit_id" text NOT NULL,
	"attempt_id" text NOT NULL,
	"connection_id" text NOT NULL,
	"player_id" text NOT NULL,
	"reference" text NOT NULL,
	"asset" text NOT NULL,
	"amount" numeric NOT NULL,
	"stage" text NOT NULL,
	"status" text NOT NULL,
	"taken" numeric DEFAULT 0 NOT NULL,
	"owed" numeric DEFAULT 0 NOT NULL,
	"borne" numeric DEFAULT 0 NOT NULL,
	"counted" numeric DEFAULT 0 NOT NULL,
	"rounds" integer DEFAULT 0 NOT NULL,
	"sequence" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "dispute_operator_id_id_pk" PRIMARY KEY("operator_id","id"),
	CONSTRAINT "dispute_amount" CHECK ("dispute"."amount" > 0 and "dispute"."amount" < 1e38 and scale("dispute"."amount") = 0),
	CONSTRAINT "dispute_money" CHECK (0 <= "dispute"."borne" and "dispute"."borne" <= "dispute"."owed" and "dispute"."owed" <= "dispute"."taken" and "dispute"."taken" < 1e38
        and 0 <= "dispute"."counted" and "dispute"."counted" <= "dispute"."taken"),
	CONSTRAINT "dispute_stage_known" CHECK ("dispute"."stage" in ('inquiry', 'chargeback', 'pre_arbitration', 'arbitration')),
	CONSTRAINT "dispute_status_known" CHECK ("dispute"."status" in ('opened', 'evidence_due', 'evidence_submitted', 'accepted', 'won', 'lost', 'withdrawn', 'expired'))
);
--> statement-breakpoint
CREATE TABLE "dispute_news" (
	"operator_id" text NOT NULL,
	"dispute_id" text NOT NULL,
	"stage" text NOT NULL,
	"status" text NOT NULL,
	"asset" text NOT NULL,
	"amount" numeric NOT NULL,
	"at" timestamp (6) with time zone NOT NULL,
	CONSTRAINT "dispute_news_operator_id_dispute_id_stage_status_pk" PRIMARY KEY("operator_id","dispute_id","stage","status"),
	CONSTRAINT "dispute_news_stage_known" CHECK ("dispute_news"."stage" in ('inquiry', 'chargeback', 'pre_arbitration', 'arbitration')),
	CONSTRAINT "dispute_news_status_known" CHECK ("dispute_news"."status" in ('opened', 'evidence_due', 'evidence_submitted', 'accepted', 'won', 'lost', 'withdrawn', 'expired'))
);
--> statement-breakpoint
CREATE TABLE "idempotency_key" (
	"operator_id" text NOT NULL,
	"key" text NOT NULL,
	"fingerprint" text NOT NULL,
	"state" text DEFAULT 'running' NOT NULL,
	"fence" bigint DEFAULT 1 NOT NULL,
	"lease_until" timestamp (6) with time zone NOT NULL,
	"status" integer,
	"body" text,
	"headers" jsonb,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (6) with time zone NOT NULL,
	CONSTRAINT "idempotency_key_operator_id_key_pk" PRIMARY KEY("operator_id","key"),
	CONSTRAINT "idempotency_done" CHECK (("idempotency_key"."state" = 'done') = ("idempotency_key"."status" is not null and "idempotency_key"."body" is not null))
);
--> statement-breakpoint
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
CREATE TABLE "event" (
	"operator_id" text NOT NULL,
	"id" text NOT NULL,
	"type" text NOT NULL,
	"resource_id" text NOT NULL,
	"sequence" integer NOT NULL,
	"data" jsonb NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "event_operator_id_id_pk" PRIMARY KEY("operator_id","id")
);
--> statement-breakpoint
CREATE TABLE "inbound_webhook" (
	"operator_id" text NOT NULL,
	"connection_id" text NOT NULL,
	"event_id" text NOT NULL,
	"id" text NOT NULL,
	"processor" text NOT NULL,
	"content" jsonb NOT NULL,
	"status" text DEFAULT 'received' NOT NULL,
	"detail" text,
	"subject_id" text,
	"attempt_id" text,
	"tries" integer DEFAULT 0 NOT NULL,
	"processor_at_ms" bigint,
	"received_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"applied_at" timestamp (6) with time zone,
	CONSTRAINT "inbound_webhook_operator_id_connection_id_event_id_pk" PRIMARY KEY("operator_id","connection_id","event_id"),
	CONSTRAINT "inbound_status_known" CHECK ("inbound_webhook"."status" in ('received', 'applied', 'ignored', 'parked', 'quarantined'))
);
--> statement-breakpoint
CREATE TABLE "operator" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"settings" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "attempt" (
	"operator_id" text NOT NULL,
	"id" text NOT NULL,
	"flow" text NOT NULL,
	"subject_id" text NOT NULL,
	"n" integer NOT NULL,
	"connection_id" text NOT NULL,
	"processor" text NOT NULL,
	"asset" text NOT NULL,
	"amount" numeric NOT NULL,
	"status" text NOT NULL,
	"phase" text,
	"reason" text,
	"decline" jsonb,
	"step_up" boolean DEFAULT false NOT NULL,
	"processor_reference" text,
	"fact_at_ms" bigint,
	"lookups" integer DEFAULT 0 NOT NULL,
	"started_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (6) with time zone,
	CONSTRAINT "attempt_operator_id_id_pk" PRIMARY KEY("operator_id","id"),
	CONSTRAINT "attempt_amount" CHECK ("attempt"."amount" > 0 and "attempt"."amount" < 1e38 and scale("attempt"."amount") = 0),
	CONSTRAINT "attempt_status_known" CHECK ("attempt"."status" in ('sending', 'requires_action', 'pending', 'authorized', 'succeeded', 'unknown', 'integrity_hold', 'not_sent', 'declined', 'voided', 'returned', 'late_success'))
);
--> statement-breakpoint
CREATE TABLE "payment" (
	"operator_id" text NOT NULL,
	"id" text NOT NULL,
	"direction" text NOT NULL,
	"player_id" text NOT NULL,
	"asset" text NOT NULL,
	"amount" numeric NOT NULL,
	"status" text NOT NULL,
	"reference" text NOT NULL,
	"method_type" text NOT NULL,
	"method" jsonb,
	"instrument_id" text,
	"save_instrument" boolean DEFAULT false NOT NULL,
	"destination_sealed" text,
	"destination_masked" jsonb,
	"destination_fingerprint" text,
	"checks" jsonb,
	"return_url" text,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"client" jsonb,
	"decline" jsonb,
	"next_action" jsonb,
	"decision" jsonb,
	"ruleset_version" integer,
	"rule_id" text,
	"connection_id" text,
	"refunded" numeric DEFAULT 0 NOT NULL,
	"charged_back" numeric DEFAULT 0 NOT NULL,
	"run_id" text,
	"requested_by" text NOT NULL,
	"sequence" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"settled_at" timestamp (6) with time zone,
	CONSTRAINT "payment_operator_id_id_pk" PRIMARY KEY("operator_id","id"),
	CONSTRAINT "payment_amount" CHECK ("payment"."amount" > 0 and "payment"."amount" < 1e38 and scale("payment"."amount") = 0),
	CONSTRAINT "payment_refunded" CHECK ("payment"."refunded" >= 0 and "payment"."charged_back" >= 0 and "payment"."refunded" + "payment"."charged_back" <= "payment"."amount"),
	CONSTRAINT "payment_status_known" CHECK (("payment"."direction" = 'deposit' and "payment"."status" in ('requires_action', 'processing', 'unknown', 'succeeded', 'declined', 'failed', 'cancelled', 'expired'))
        or ("payment"."direction" = 'withdrawal' and "payment"."status" in ('held', 'approved', 'processing', 'unknown', 'paid', 'rejected', 'cancelled', 'failed', 'returned')))
);
--> statement-breakpoint
CREATE TABLE "refund" (
	"operator_id" text NOT NULL,
	"id" text NOT NULL,
	"deposit_id" text NOT NULL,
	"player_id" text NOT NULL,
	"asset" text NOT NULL,
	"amount" numeric NOT NULL,
	"status" text NOT NULL,
	"reason" text,
	"reference" text,
	"duplicate_of" text,
	"decline" jsonb,
	"run_id" text,
	"requested_by" text NOT NULL,
	"sequence" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "refund_operator_id_id_pk" PRIMARY KEY("operator_id","id"),
	CONSTRAINT "refund_amount" CHECK ("refund"."amount" > 0 and "refund"."amount" < 1e38 and scale("refund"."amount") = 0),
	CONSTRAINT "refund_status_known" CHECK ("refund"."status" in ('processing', 'unknown', 'succeeded', 'declined', 'failed'))
);
--> statement-breakpoint
CREATE TABLE "exclusion" (
	"operator_id" text NOT NULL,
	"id" bigint GENERATED ALWAYS AS IDENTITY (sequence name "exclusion_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"player_id" text NOT NULL,
	"type" text NOT NULL,
	"until" timestamp (6) with time zone,
	"source" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"lifted_at" timestamp (6) with time zone,
	CONSTRAINT "exclusion_operator_id_id_pk" PRIMARY KEY("operator_id","id"),
	CONSTRAINT "exclusion_type_known" CHECK ("exclusion"."type" in ('self_exclusion', 'time_out'))
);
--> statement-breakpoint
CREATE TABLE "instrument" (
	"operator_id" text NOT NULL,
	"id" text NOT NULL,
	"player_id" text NOT NULL,
	"type" text NOT NULL,
	"sealed" text NOT NULL,
	"masked" jsonb NOT NULL,
	"fingerprint" text NOT NULL,
	"verified" boolean DEFAULT false NOT NULL,
	"owner_match" text DEFAULT 'unknown' NOT NULL,
	"used_for_deposit" boolean DEFAULT false NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"active_at" timestamp (6) with time zone,
	"deleted_at" timestamp (6) with time zone,
	CONSTRAINT "instrument_operator_id_id_pk" PRIMARY KEY("operator_id","id"),
	CONSTRAINT "instrument_type_known" CHECK ("instrument"."type" in ('card', 'wallet', 'bank', 'crypto')),
	CONSTRAINT "instrument_owner_match_known" CHECK ("instrument"."owner_match" in ('match', 'mismatch', 'unknown'))
);
--> statement-breakpoint
CREATE TABLE "limit_reservation" (
	"operator_id" text NOT NULL,
	"id" text NOT NULL,
	"player_id" text NOT NULL,
	"payment_id" text NOT NULL,
	"asset" text NOT NULL,
	"amount" numeric NOT NULL,
	"state" text DEFAULT 'reserved' NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"decided_at" timestamp (6) with time zone,
	CONSTRAINT "limit_reservation_operator_id_id_pk" PRIMARY KEY("operator_id","id"),
	CONSTRAINT "reservation_state_known" CHECK ("limit_reservation"."state" in ('reserved', 'committed', 'released')),
	CONSTRAINT "reservation_positive" CHECK ("limit_reservation"."amount" > 0 and "limit_reservation"."amount" < 1e38 and scale("limit_reservation"."amount") = 0)
);
--> statement-breakpoint
CREATE TABLE "player" (
	"operator_id" text NOT NULL,
	"id" text NOT NULL,
	"country" text,
	"currency" text,
	"name" text,
	"date_of_birth" date,
	"kyc_status" text DEFAULT 'unverified' NOT NULL,
	"kyc_level" integer DEFAULT 0 NOT NULL,
	"aml_status" text DEFAULT 'clear' NOT NULL,
	"pep" boolean DEFAULT false NOT NULL,
	"sanctions_checked_at" timestamp (6) with time zone,
	"segment" text,
	"licence" text,
	"version" integer DEFAULT 1 NOT NULL,
	"edited_by" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "player_operator_id_id_pk" PRIMARY KEY("operator_id","id"),
	CONSTRAINT "kyc_status_known" CHECK ("player"."kyc_status" in ('unverified', 'pending', 'verified', 'rejected')),
	CONSTRAINT "aml_status_known" CHECK ("player"."aml_status" in ('clear', 'flagged', 'frozen'))
);
--> statement-breakpoint
CREATE TABLE "player_limit" (
	"operator_id" text NOT NULL,
	"id" text NOT NULL,
	"player_id" text NOT NULL,
	"metric" text NOT NULL,
	"period" text NOT NULL,
	"asset" text NOT NULL,
	"amount" numeric,
	"effective_at" timestamp (6) with time zone NOT NULL,
	"set_by" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"cancelled_at" timestamp (6) with time zone,
	CONSTRAINT "player_limit_operator_id_id_pk" PRIMARY KEY("operator_id","id"),
	CONSTRAINT "limit_not_negative" CHECK ("player_limit"."amount" is null or ("player_limit"."amount" >= 0 and "player_limit"."amount" < 1e38 and scale("player_limit"."amount") = 0))
);
--> statement-breakpoint
CREATE TABLE "review" (
	"operator_id" text NOT NULL,
	"id" text NOT NULL,
	"subject_id" text NOT NULL,
	"kind" text NOT NULL,
	"reasons" jsonb NOT NULL,
	"status" text DEFAULT 'open' NOT NULL,
	"approvals_needed" integer DEFAULT 1 NOT NULL,
	"requested_by" text NOT NULL,
	"edited_by" text,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"decided_at" timestamp (6) with time zone,
	CONSTRAINT "review_operator_id_id_pk" PRIMARY KEY("operator_id","id"),
	CONSTRAINT "review_status_known" CHECK ("review"."status" in ('open', 'approved', 'rejected', 'escalated'))
);
--> statement-breakpoint
CREATE TABLE "review_decision" (
	"operator_id" text NOT NULL,
	"review_id" text NOT NULL,
	"actor" text NOT NULL,
	"decision" text NOT NULL,
	"reason" text NOT NULL,
	"at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "review_decision_operator_id_review_id_actor_pk" PRIMARY KEY("operator_id","review_id","actor"),
	CONSTRAINT "review_reason_given" CHECK (length("review_decision"."reason") > 0)
);
--> statement-breakpoint
CREATE TABLE "decline_override" (
	"operator_id" text NOT NULL,
	"code" text NOT NULL,
	"processor" text NOT NULL,
	"next" text NOT NULL,
	"reason" text NOT NULL,
	"set_by" text NOT NULL,
	"set_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "decline_override_operator_id_code_processor_pk" PRIMARY KEY("operator_id","code","processor"),
	CONSTRAINT "decline_override_known" CHECK ("decline_override"."next" in ('next', 'once', 'same', 'step_up', 'player', 'never'))
);
--> statement-breakpoint
CREATE TABLE "fee_schedule" (
	"operator_id" text NOT NULL,
	"connection_id" text NOT NULL,
	"direction" text NOT NULL,
	"method" text NOT NULL,
	"asset" text NOT NULL,
	"fixed" numeric NOT NULL,
	"millionths" integer NOT NULL,
	CONSTRAINT "fee_schedule_operator_id_connection_id_direction_method_asset_pk" PRIMARY KEY("operator_id","connection_id","direction","method","asset"),
	CONSTRAINT "fee_schedule_sane" CHECK ("fee_schedule"."fixed" >= 0 and "fee_schedule"."fixed" < 1e38 and "fee_schedule"."millionths" between 0 and 1000000),
	CONSTRAINT "fee_schedule_fixed_has_asset" CHECK ("fee_schedule"."asset" <> '*' or "fee_schedule"."fixed" = 0)
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
CREATE TABLE "rate_window" (
	"operator_id" text NOT NULL,
	"bucket" timestamp (6) with time zone NOT NULL,
	"connection_id" text NOT NULL,
	"direction" text NOT NULL,
	"method" text NOT NULL,
	"asset" text NOT NULL,
	"country" text NOT NULL,
	"bin_country" text NOT NULL,
	"slot" smallint NOT NULL,
	"attempts" integer NOT NULL,
	"succeeded" integer NOT NULL,
	CONSTRAINT "rate_window_operator_id_bucket_connection_id_direction_method_asset_country_bin_country_slot_pk" PRIMARY KEY("operator_id","bucket","connection_id","direction","method","asset","country","bin_country","slot"),
	CONSTRAINT "rate_window_sane" CHECK ("rate_window"."succeeded" between 0 and "rate_window"."attempts")
);
--> statement-breakpoint
CREATE TABLE "route_decision" (
	"operator_id" text NOT NULL,
	"id" text NOT NULL,
	"payment_id" text NOT NULL,
	"at" timestamp (6) with time zone NOT NULL,
	"facts" jsonb NOT NULL,
	"asset" text NOT NULL,
	"amount" numeric NOT NULL,
	"ruleset_version" integer NOT NULL,
	"rule_id" text NOT NULL,
	"route" text[] NOT NULL,
	"first_succeeded" boolean,
	"succeeded" boolean,
	"connection_id" text,
	CONSTRAINT "route_decision_operator_id_id_pk" PRIMARY KEY("operator_id","id"),
	CONSTRAINT "route_decision_payment" UNIQUE("operator_id","payment_id")
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
CREATE TABLE "unmapped_decline" (
	"operator_id" text NOT NULL,
	"processor" text NOT NULL,
	"flow" text NOT NULL,
	"processor_code" text NOT NULL,
	"seen" integer NOT NULL,
	"first_at" timestamp (6) with time zone NOT NULL,
	"last_at" timestamp (6) with time zone NOT NULL,
	CONSTRAINT "unmapped_decline_operator_id_processor_flow_processor_code_pk" PRIMARY KEY("operator_id","processor","flow","processor_code")
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
ALTER TABLE "breaker_state" ADD CONSTRAINT "breaker_state_operator_id_connection_id_connection_operator_id_id_fk" FOREIGN KEY ("operator_id","connection_id") REFERENCES "public"."connection"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "connection" ADD CONSTRAINT "connection_operator_id_operator_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "connection_directory" ADD CONSTRAINT "connection_directory_operator_operator_id_fk" FOREIGN KEY ("operator") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "connection_float" ADD CONSTRAINT "connection_float_operator_id_connection_id_connection_operator_id_id_fk" FOREIGN KEY ("operator_id","connection_id") REFERENCES "public"."connection"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "maintenance_window" ADD CONSTRAINT "maintenance_window_operator_id_connection_id_connection_operator_id_id_fk" FOREIGN KEY ("operator_id","connection_id") REFERENCES "public"."connection"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "dispute" ADD CONSTRAINT "dispute_operator_id_deposit_id_payment_operator_id_id_fk" FOREIGN KEY ("operator_id","deposit_id") REFERENCES "public"."payment"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "dispute_news" ADD CONSTRAINT "dispute_news_operator_id_dispute_id_dispute_operator_id_id_fk" FOREIGN KEY ("operator_id","dispute_id") REFERENCES "public"."dispute"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "payment" ADD CONSTRAINT "payment_operator_id_player_id_player_operator_id_id_fk" FOREIGN KEY ("operator_id","player_id") REFERENCES "public"."player"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "refund" ADD CONSTRAINT "refund_operator_id_deposit_id_payment_operator_id_id_fk" FOREIGN KEY ("operator_id","deposit_id") REFERENCES "public"."payment"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "exclusion" ADD CONSTRAINT "exclusion_operator_id_player_id_player_operator_id_id_fk" FOREIGN KEY ("operator_id","player_id") REFERENCES "public"."player"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "instrument" ADD CONSTRAINT "instrument_operator_id_player_id_player_operator_id_id_fk" FOREIGN KEY ("operator_id","player_id") REFERENCES "public"."player"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "limit_reservation" ADD CONSTRAINT "limit_reservation_operator_id_player_id_player_operator_id_id_fk" FOREIGN KEY ("operator_id","player_id") REFERENCES "public"."player"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "player" ADD CONSTRAINT "player_operator_id_operator_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "player_limit" ADD CONSTRAINT "player_limit_operator_id_player_id_player_operator_id_id_fk" FOREIGN KEY ("operator_id","player_id") REFERENCES "public"."player"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "review_decision" ADD CONSTRAINT "review_decision_operator_id_review_id_review_operator_id_id_fk" FOREIGN KEY ("operator_id","review_id") REFERENCES "public"."review"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "decline_override" ADD CONSTRAINT "decline_override_operator_id_operator_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "fee_schedule" ADD CONSTRAINT "fee_schedule_operator_id_connection_id_connection_operator_id_id_fk" FOREIGN KEY ("operator_id","connection_id") REFERENCES "public"."connection"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "publication" ADD CONSTRAINT "publication_operator_id_operator_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "route_decision" ADD CONSTRAINT "route_decision_operator_id_operator_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "routing_active" ADD CONSTRAINT "routing_active_operator_id_operator_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "routing_active" ADD CONSTRAINT "routing_active_operator_id_candidate_ruleset_version_operator_id_version_fk" FOREIGN KEY ("operator_id","candidate") REFERENCES "public"."ruleset_version"("operator_id","version") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ruleset" ADD CONSTRAINT "ruleset_operator_id_operator_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ruleset_approval" ADD CONSTRAINT "ruleset_approval_operator_id_ruleset_id_ruleset_operator_id_id_fk" FOREIGN KEY ("operator_id","ruleset_id") REFERENCES "public"."ruleset"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ruleset_version" ADD CONSTRAINT "ruleset_version_operator_id_operator_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ruleset_version" ADD CONSTRAINT "ruleset_version_operator_id_ruleset_id_ruleset_operator_id_id_fk" FOREIGN KEY ("operator_id","ruleset_id") REFERENCES "public"."ruleset"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "unmapped_decline" ADD CONSTRAINT "unmapped_decline_operator_id_operator_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhook_delivery" ADD CONSTRAINT "webhook_delivery_operator_id_endpoint_id_webhook_endpoint_operator_id_id_fk" FOREIGN KEY ("operator_id","endpoint_id") REFERENCES "public"."webhook_endpoint"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhook_delivery" ADD CONSTRAINT "webhook_delivery_operator_id_event_id_event_operator_id_id_fk" FOREIGN KEY ("operator_id","event_id") REFERENCES "public"."event"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "revoked_token_expires_at_index" ON "revoked_token" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "used_assertion_expires_at_index" ON "used_assertion" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "audit_log_by_subject" ON "audit_log" USING btree ("operator_id","subject","sequence");--> statement-breakpoint
CREATE INDEX "maintenance_window_by_end" ON "maintenance_window" USING btree ("operator_id","ends_at");--> statement-breakpoint
CREATE UNIQUE INDEX "dispute_reference" ON "dispute" USING btree ("operator_id","connection_id","reference");--> statement-breakpoint
CREATE INDEX "dispute_by_deposit" ON "dispute" USING btree ("operator_id","deposit_id");--> statement-breakpoint
CREATE INDEX "idempotency_key_expiry" ON "idempotency_key" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "job_single" ON "job" USING btree ("operator","kind","subject") WHERE "job"."single";--> statement-breakpoint
CREATE INDEX "job_due" ON "job" USING btree ("run_at");--> statement-breakpoint
CREATE INDEX "event_by_resource" ON "event" USING btree ("operator_id","resource_id","sequence");--> statement-breakpoint
CREATE INDEX "inbound_webhook_newest" ON "inbound_webhook" USING btree ("operator_id","id");--> statement-breakpoint
CREATE INDEX "inbound_webhook_by_subject" ON "inbound_webhook" USING btree ("operator_id","subject_id");--> statement-breakpoint
CREATE UNIQUE INDEX "attempt_number" ON "attempt" USING btree ("operator_id","subject_id","n");--> statement-breakpoint
CREATE UNIQUE INDEX "attempt_one_live" ON "attempt" USING btree ("operator_id","subject_id") WHERE "attempt"."status" in ('sending', 'requires_action', 'pending', 'authorized', 'succeeded', 'unknown', 'integrity_hold');--> statement-breakpoint
CREATE INDEX "attempt_unknown" ON "attempt" USING btree ("operator_id","flow") WHERE "attempt"."status" in ('unknown', 'integrity_hold');--> statement-breakpoint
CREATE INDEX "attempt_by_processor_reference" ON "attempt" USING btree ("operator_id","connection_id","processor_reference");--> statement-breakpoint
CREATE UNIQUE INDEX "payment_reference" ON "payment" USING btree ("operator_id","reference") WHERE "payment"."status" <> 'rejected';--> statement-breakpoint
CREATE UNIQUE INDEX "payment_run_id" ON "payment" USING btree ("operator_id","run_id");--> statement-breakpoint
CREATE INDEX "payment_newest" ON "payment" USING btree ("operator_id","direction","id");--> statement-breakpoint
CREATE INDEX "payment_by_player" ON "payment" USING btree ("operator_id","player_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "refund_reference" ON "refund" USING btree ("operator_id","reference");--> statement-breakpoint
CREATE UNIQUE INDEX "refund_run_id" ON "refund" USING btree ("operator_id","run_id");--> statement-breakpoint
CREATE UNIQUE INDEX "refund_one_of_duplicate" ON "refund" USING btree ("operator_id","duplicate_of") WHERE "refund"."status" not in ('declined', 'failed');--> statement-breakpoint
CREATE INDEX "refund_by_deposit" ON "refund" USING btree ("operator_id","deposit_id");--> statement-breakpoint
CREATE INDEX "exclusion_by_player" ON "exclusion" USING btree ("operator_id","player_id");--> statement-breakpoint
CREATE INDEX "instrument_by_player" ON "instrument" USING btree ("operator_id","player_id");--> statement-breakpoint
CREATE INDEX "instrument_by_fingerprint" ON "instrument" USING btree ("operator_id","fingerprint");--> statement-breakpoint
CREATE INDEX "limit_reservation_by_player" ON "limit_reservation" USING btree ("operator_id","player_id","created_at");--> statement-breakpoint
CREATE INDEX "limit_reservation_by_payment" ON "limit_reservation" USING btree ("operator_id","payment_id");--> statement-breakpoint
CREATE INDEX "player_limit_by_player" ON "player_limit" USING btree ("operator_id","player_id");--> statement-breakpoint
CREATE UNIQUE INDEX "review_one_open" ON "review" USING btree ("operator_id","subject_id") WHERE "review"."status" in ('open', 'escalated');--> statement-breakpoint
CREATE INDEX "review_newest" ON "review" USING btree ("operator_id","status","id");--> statement-breakpoint
CREATE INDEX "route_decision_by_time" ON "route_decision" USING btree ("operator_id","at");--> statement-breakpoint
CREATE UNIQUE INDEX "webhook_delivery_once" ON "webhook_delivery" USING btree ("operator_id","endpoint_id","event_id");--> statement-breakpoint
CREATE INDEX "webhook_delivery_by_event" ON "webhook_delivery" USING btree ("operator_id","event_id");