-- The gateway's role reads the ledger and calls its functions, and nothing else. Lock risk: none.
REVOKE ALL ON ALL TABLES IN SCHEMA ledger FROM PUBLIC;
--> statement-breakpoint
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
--> statement-breakpoint
GRANT USAGE ON SCHEMA ledger TO paycage_app;
--> statement-breakpoint
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO paycage_app;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION
  ledger.uuid_at, ledger.uuid_v7, ledger.require_operator, ledger.open_accounts, ledger.recent, ledger.taken,
  ledger.post, ledger.post_one, ledger.alone, ledger.bury,
  ledger.set_overdraft, ledger.close_account, ledger.make_partitions, ledger.posted_at
TO paycage_app;
