-- The gateway's role reads the ledger and calls its functions, and nothing else. Lock risk: none.
REVOKE ALL ON ALL TABLES IN SCHEMA ledger FROM PUBLIC;
--> statement-breakpoint
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
--> statement-breakpoint
GRANT USAGE ON SCHEMA ledger TO paycage_app;
--> statement-breakpoint
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO paycage_app;
--> statement-breakpoint
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ledger TO paycage_app;
