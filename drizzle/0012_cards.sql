-- Cards as their processors named them, and how often issuers refused them: what the schemes' retry limits count, and
-- what rules know of a card. Names are keyed hashes; no token and no number is here. Each operator sees its own rows.
-- Lock risk: none, the tables are new.
CREATE TABLE "card" (
	"operator_id" text NOT NULL,
	"id" text NOT NULL,
	"brand" text,
	"funding" text,
	"country" text,
	"banned_at" timestamp (6) with time zone,
	CONSTRAINT "card_operator_id_id_pk" PRIMARY KEY("operator_id","id")
);
--> statement-breakpoint
CREATE TABLE "card_decline" (
	"operator_id" text NOT NULL,
	"card_id" text NOT NULL,
	"day" date NOT NULL,
	"asset" text NOT NULL,
	"amount" numeric NOT NULL,
	"declines" integer NOT NULL,
	CONSTRAINT "card_decline_operator_id_card_id_day_asset_amount_pk" PRIMARY KEY("operator_id","card_id","day","asset","amount"),
	CONSTRAINT "card_decline_counted" CHECK ("card_decline"."declines" > 0),
	CONSTRAINT "card_decline_amount" CHECK ("card_decline"."amount" > 0 and "card_decline"."amount" < 1e38 and scale("card_decline"."amount") = 0)
);
--> statement-breakpoint
CREATE TABLE "card_name" (
	"operator_id" text NOT NULL,
	"name" text NOT NULL,
	"card_id" text NOT NULL,
	"processor" text,
	"seen_on" date NOT NULL,
	CONSTRAINT "card_name_operator_id_name_pk" PRIMARY KEY("operator_id","name")
);
--> statement-breakpoint
ALTER TABLE "card" ADD CONSTRAINT "card_operator_id_operator_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operator"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "card_decline_by_day" ON "card_decline" USING btree ("operator_id","day");--> statement-breakpoint
CREATE INDEX "card_name_of_card" ON "card_name" USING btree ("operator_id","card_id");--> statement-breakpoint
CREATE INDEX "card_name_by_age" ON "card_name" USING btree ("operator_id","seen_on");
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON card, card_name, card_decline TO paycage_app;
--> statement-breakpoint
ALTER TABLE card ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE card FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
CREATE POLICY own_operator ON card USING (operator_id = current_setting('app.operator', true)) WITH CHECK (operator_id = current_setting('app.operator', true));
--> statement-breakpoint
ALTER TABLE card_name ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE card_name FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
CREATE POLICY own_operator ON card_name USING (operator_id = current_setting('app.operator', true)) WITH CHECK (operator_id = current_setting('app.operator', true));
--> statement-breakpoint
ALTER TABLE card_decline ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE card_decline FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
CREATE POLICY own_operator ON card_decline USING (operator_id = current_setting('app.operator', true)) WITH CHECK (operator_id = current_setting('app.operator', true));
