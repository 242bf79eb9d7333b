-- What routing records is written by the gateway alone; each operator sees its own rows.
-- Lock risk: none, the tables are new.
GRANT SELECT, INSERT, UPDATE, DELETE ON route_decision, rate_window, fee_schedule, decline_override, unmapped_decline TO paycage_app;
--> statement-breakpoint
DO $$
DECLARE t regclass;
BEGIN
  FOR t IN
    SELECT c.oid::regclass FROM pg_class c
    WHERE c.relname IN ('route_decision', 'rate_window', 'fee_schedule', 'decline_override', 'unmapped_decline')
      AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND NOT c.relrowsecurity
  LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t);
    EXECUTE format(
      'CREATE POLICY own_operator ON %s USING (operator_id = current_setting(''app.operator'', true)) WITH CHECK (operator_id = current_setting(''app.operator'', true))', t);
  END LOOP;
END $$;
