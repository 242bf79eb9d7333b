-- Events that came before what they are about are found by what they wait for, so that it wakes them.
-- Lock risk: a column without a default is instant; the index is built over inbound_webhook while writes to it wait.
ALTER TABLE "inbound_webhook" ADD COLUMN "awaits" text;--> statement-breakpoint
CREATE INDEX "inbound_webhook_parked" ON "inbound_webhook" USING btree ("operator_id","connection_id","awaits") WHERE "inbound_webhook"."status" = 'parked';
