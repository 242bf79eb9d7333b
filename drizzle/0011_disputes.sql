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
ALTER TABLE "payment" DROP CONSTRAINT "payment_refunded";--> statement-breakpoint
ALTER TABLE "payment" ADD COLUMN "charged_back" numeric DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "refund" ADD COLUMN "duplicate_of" text;--> statement-breakpoint
ALTER TABLE "dispute" ADD CONSTRAINT "dispute_operator_id_deposit_id_payment_operator_id_id_fk" FOREIGN KEY ("operator_id","deposit_id") REFERENCES "public"."payment"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "dispute_news" ADD CONSTRAINT "dispute_news_operator_id_dispute_id_dispute_operator_id_id_fk" FOREIGN KEY ("operator_id","dispute_id") REFERENCES "public"."dispute"("operator_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "dispute_reference" ON "dispute" USING btree ("operator_id","connection_id","reference");--> statement-breakpoint
CREATE INDEX "dispute_by_deposit" ON "dispute" USING btree ("operator_id","deposit_id");--> statement-breakpoint
CREATE UNIQUE INDEX "refund_one_of_duplicate" ON "refund" USING btree ("operator_id","duplicate_of") WHERE "refund"."status" not in ('declined', 'failed');--> statement-breakpoint
ALTER TABLE "payment" ADD CONSTRAINT "payment_refunded" CHECK ("payment"."refunded" >= 0 and "payment"."charged_back" >= 0 and "payment"."refunded" + "payment"."charged_back" <= "payment"."amount");