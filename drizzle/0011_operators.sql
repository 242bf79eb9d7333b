-- Every row of an operator is that operator's alone: the policy binds even the tables' owner, and without a setting
-- nothing is seen. One loop, so that a new table with an operator_id can't be forgotten (a test counts them).
-- Lock risk: none while the tables are new; later tables enable it in the migration that makes them.
DO $$
DECLARE t regclass;
BEGIN
  FOR t IN
    SELECT c.oid::regclass FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'operator_id' AND NOT a.attisdropped
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND NOT c.relrowsecurity
  LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t);
    EXECUTE format(
      'CREATE POLICY own_operator ON %s USING (operator_id = current_setting(''app.operator'', true)) WITH CHECK (operator_id = current_setting(''app.operator'', true))', t);
  END LOOP;
END $$;
