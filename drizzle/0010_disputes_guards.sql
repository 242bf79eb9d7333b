-- What was told of a dispute is only ever added to; each operator sees its own rows.
-- Lock risk: none, the tables are new.
GRANT SELECT, INSERT, UPDATE ON dispute TO paycage_app;
--> statement-breakpoint
REVOKE DELETE ON dispute FROM paycage_app;
--> statement-breakpoint
GRANT SELECT, INSERT ON dispute_news TO paycage_app;
--> statement-breakpoint
REVOKE UPDATE, DELETE ON dispute_news FROM paycage_app;
