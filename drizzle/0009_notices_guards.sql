-- The audit log only grows: the gateway's role may add and read, a trigger refuses changes to everybody, and a row that
-- doesn't continue its operator's chain is refused, so that nobody can begin a second one. Lock risk: none, new tables.
GRANT SELECT, INSERT, UPDATE ON webhook_endpoint, webhook_delivery TO paycage_app;
--> statement-breakpoint
REVOKE DELETE, TRUNCATE ON webhook_endpoint, webhook_delivery FROM paycage_app;
--> statement-breakpoint
GRANT SELECT, INSERT ON audit_log TO paycage_app;
--> statement-breakpoint
REVOKE UPDATE, DELETE, TRUNCATE ON audit_log FROM paycage_app;
--> statement-breakpoint
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log never changes' USING ERRCODE = 'PC001';
END $$;
--> statement-breakpoint
CREATE TRIGGER audit_log_immutable BEFORE UPDATE OR DELETE ON audit_log
  FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
--> statement-breakpoint
CREATE TRIGGER audit_log_not_emptied BEFORE TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
--> statement-breakpoint
CREATE FUNCTION audit_guard_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  head audit_log%ROWTYPE;
BEGIN
  SELECT * INTO head FROM audit_log WHERE operator_id = NEW.operator_id ORDER BY sequence DESC LIMIT 1;
  IF NEW.sequence <> coalesce(head.sequence, 0) + 1
    OR NEW.previous_hash <> coalesce(head.hash, repeat('0', 64))
    OR NEW.hash !~ '^[0-9a-f]{64}$' THEN
    RAISE EXCEPTION 'a row of the audit log continues its chain' USING ERRCODE = 'PC001';
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER audit_guard_chain BEFORE INSERT ON audit_log
  FOR EACH ROW EXECUTE FUNCTION audit_guard_chain();
