-- Rules change where payments go, so what people may do with them is held by the database, not by the program:
-- a published version never changes, nobody approves what they wrote, and nothing is published that wasn't approved.
-- Lock risk: none, the tables are new.
GRANT SELECT, INSERT, UPDATE ON connection, breaker_state, connection_float, ruleset, ruleset_approval, routing_active TO paycage_app;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON maintenance_window TO paycage_app;
--> statement-breakpoint
GRANT SELECT, INSERT ON ruleset_version, publication TO paycage_app;
--> statement-breakpoint
REVOKE UPDATE, DELETE, TRUNCATE ON ruleset_version, publication FROM paycage_app;
--> statement-breakpoint
REVOKE DELETE, TRUNCATE ON connection, ruleset, ruleset_approval, routing_active FROM paycage_app;
--> statement-breakpoint
CREATE FUNCTION routing_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % never change', TG_TABLE_NAME USING ERRCODE = 'PC001';
END $$;
--> statement-breakpoint
CREATE TRIGGER ruleset_version_immutable BEFORE UPDATE OR DELETE ON ruleset_version
  FOR EACH ROW EXECUTE FUNCTION routing_refuse_change();
--> statement-breakpoint
CREATE TRIGGER publication_immutable BEFORE UPDATE OR DELETE ON publication
  FOR EACH ROW EXECUTE FUNCTION routing_refuse_change();
--> statement-breakpoint
-- An edit makes a new revision, takes back what was approved, and makes the writer unfit to approve, for ever.
CREATE FUNCTION ruleset_guard_edit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status IN ('published', 'discarded') AND NEW.document IS DISTINCT FROM OLD.document THEN
    RAISE EXCEPTION 'a % ruleset is not edited', OLD.status USING ERRCODE = 'PC001';
  END IF;
  IF NEW.document IS DISTINCT FROM OLD.document THEN
    IF NEW.revision <> OLD.revision + 1 OR NEW.status <> 'draft' THEN
      RAISE EXCEPTION 'an edit makes the next revision of a draft' USING ERRCODE = 'PC001';
    END IF;
    NEW.editors := (SELECT array_agg(DISTINCT who) FROM unnest(OLD.editors || NEW.updated_by) AS who);
  ELSE
    IF NEW.revision <> OLD.revision THEN
      RAISE EXCEPTION 'a revision rises with an edit only' USING ERRCODE = 'PC001';
    END IF;
    NEW.editors := OLD.editors;
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER ruleset_guard_edit BEFORE UPDATE ON ruleset
  FOR EACH ROW EXECUTE FUNCTION ruleset_guard_edit();
--> statement-breakpoint
CREATE FUNCTION ruleset_guard_editors() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.editors := ARRAY[NEW.created_by];
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER ruleset_guard_editors BEFORE INSERT ON ruleset
  FOR EACH ROW EXECUTE FUNCTION ruleset_guard_editors();
--> statement-breakpoint
CREATE FUNCTION ruleset_guard_approval() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  draft ruleset%ROWTYPE;
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.decision IS NOT NULL THEN
    RAISE EXCEPTION 'a decision on a ruleset never changes' USING ERRCODE = 'PC001';
  END IF;
  SELECT * INTO draft FROM ruleset WHERE operator_id = NEW.operator_id AND id = NEW.ruleset_id FOR UPDATE;
  IF draft.revision <> NEW.revision THEN
    RAISE EXCEPTION 'this revision is no longer the latest' USING ERRCODE = 'PC001';
  END IF;
  IF NEW.decided_by IS NOT NULL AND (NEW.decided_by = ANY (draft.editors) OR NEW.decided_by = NEW.requested_by) THEN
    RAISE EXCEPTION 'who wrote or requested a ruleset does not decide on it' USING ERRCODE = 'PC002';
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER ruleset_guard_approval BEFORE INSERT OR UPDATE ON ruleset_approval
  FOR EACH ROW EXECUTE FUNCTION ruleset_guard_approval();
--> statement-breakpoint
-- A version is what another person approved, to the byte of its meaning; or an emergency's, with an end; or a single
-- person's, where the operator's settings say that there is one only.
CREATE FUNCTION ruleset_guard_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  draft ruleset%ROWTYPE;
  single boolean;
BEGIN
  SELECT * INTO draft FROM ruleset WHERE operator_id = NEW.operator_id AND id = NEW.ruleset_id FOR UPDATE;
  IF draft.revision <> NEW.revision OR draft.document <> NEW.document::jsonb THEN
    RAISE EXCEPTION 'a version is the latest revision of its draft, unchanged' USING ERRCODE = 'PC001';
  END IF;
  IF NEW.approved_by IS NOT NULL THEN
    IF NEW.approved_by = ANY (draft.editors) OR NOT EXISTS (
      SELECT FROM ruleset_approval a
      WHERE a.operator_id = NEW.operator_id AND a.ruleset_id = NEW.ruleset_id AND a.revision = NEW.revision
        AND a.decision = 'approved' AND a.decided_by = NEW.approved_by
    ) THEN
      RAISE EXCEPTION 'this revision was not approved by %', NEW.approved_by USING ERRCODE = 'PC002';
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.break_glass_until IS NOT NULL THEN
    RETURN NEW;
  END IF;
  SELECT coalesce((settings ->> 'routing_single_person')::boolean, false) INTO single
  FROM operator WHERE id = NEW.operator_id;
  IF single IS NOT TRUE THEN
    RAISE EXCEPTION 'publishing takes the approval of another person' USING ERRCODE = 'PC002';
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER ruleset_guard_version BEFORE INSERT ON ruleset_version
  FOR EACH ROW EXECUTE FUNCTION ruleset_guard_version();
--> statement-breakpoint
-- Payments run on versions that exist, and on an emergency's only until its end.
CREATE FUNCTION routing_guard_active() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  ends timestamptz;
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.epoch <> OLD.epoch + 1 THEN
    RAISE EXCEPTION 'every change of the active rules is a publication' USING ERRCODE = 'PC001';
  END IF;
  IF NEW.version = 0 THEN
    RETURN NEW;
  END IF;
  SELECT break_glass_until INTO ends FROM ruleset_version
  WHERE operator_id = NEW.operator_id AND version = NEW.version;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no ruleset version %', NEW.version USING ERRCODE = 'PC001';
  END IF;
  IF ends IS NOT NULL AND NEW.revert_at IS DISTINCT FROM ends THEN
    RAISE EXCEPTION 'an emergency version runs until its end only' USING ERRCODE = 'PC001';
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER routing_guard_active BEFORE INSERT OR UPDATE ON routing_active
  FOR EACH ROW EXECUTE FUNCTION routing_guard_active();
