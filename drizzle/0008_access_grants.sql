-- The gateway reads and writes access under its restricted role. Secrets are hashes and signing keys are sealed, so reading
-- them gives nothing away. Lock risk: none.
GRANT SELECT, INSERT, UPDATE ON api_client, client_secret, signing_key TO paycage_app;
--> statement-breakpoint
GRANT SELECT, INSERT, DELETE ON revoked_token, used_assertion TO paycage_app;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON rate_bucket TO paycage_app;
