-- What was told of a dispute is only ever added to; each operator sees its own rows.
-- Lock risk: none, the tables are new.
GRANT SELECT, INSERT, UPDATE ON dispute TO paycage_app;
--> statement-breakpoint
REVOKE DELETE ON dispute FROM paycage_app;
--> statement-breakpoint
GRANT SELECT, INSERT ON dispute_news TO paycage_app;
--> statement-breakpoint
REVOKE UPDATE, DELETE ON dispute_news FROM paycage_app;
--> statement-breakpoint
DO $$
DECLARE t regclass;
BEGIN
  FOR t IN
    SELECT c.oid::regclass FROM pg_class c
    WHERE c.relname IN ('dispute', 'dispute_news')
      AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND NOT c.relrowsecurity
  LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t);
    EXECUTE format(
      'CREATE POLICY own_operator ON %s USING (operator_id = current_setting(''app.operator'', true)) WITH CHECK (operator_id = current_setting(''app.operator'', true))', t);
  END LOOP;
END $$;
