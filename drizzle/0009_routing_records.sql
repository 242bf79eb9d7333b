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
ALTER TABLE "decline_override" ADD CONSTRAINT "decline_override_operator_id_operator_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "fee_schedule" ADD CONSTRAINT "fee_schedule_operator_id_connection_id_connection_operator_id_id_fk" FOREIGN KEY ("operator_id","connection_id") REFERENCES "public"."connection"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "route_decision" ADD CONSTRAINT "route_decision_operator_id_operator_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "unmapped_decline" ADD CONSTRAINT "unmapped_decline_operator_id_operator_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "route_decision_by_time" ON "route_decision" USING btree ("operator_id","at");