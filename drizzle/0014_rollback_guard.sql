-- One person alone may put back the version before and no older one: the program refused its author only, and the
-- database nobody. Payments run on what was just published, what was staged or scheduled, or the version before.
-- Lock risk: none, a function is replaced.
CREATE OR REPLACE FUNCTION routing_guard_active() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  ends timestamptz;
  single boolean;
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.epoch <> OLD.epoch + 1 THEN
    RAISE EXCEPTION 'every change of the active rules is a publication' USING ERRCODE = 'PC001';
  END IF;
  IF TG_OP = 'UPDATE' THEN
    SELECT coalesce((settings ->> 'routing_single_person')::boolean, false) INTO single
    FROM operator WHERE id = NEW.operator_id;
    IF single IS NOT TRUE AND EXISTS (
      SELECT FROM unnest(ARRAY[NEW.version, NEW.previous_version, NEW.candidate, NEW.scheduled_version]) AS named
      -- An emergency ends at the version before, or where there was none at the built-in one.
      WHERE named IS DISTINCT FROM CASE WHEN OLD.revert_at IS NOT NULL THEN coalesce(OLD.previous_version, 0) END
        AND named NOT IN (OLD.version, coalesce(OLD.previous_version, OLD.version),
          coalesce(OLD.candidate, OLD.version), coalesce(OLD.scheduled_version, OLD.version))
        AND (named = 0 OR EXISTS (
          SELECT FROM publication p WHERE p.operator_id = NEW.operator_id AND p.version = named))
    ) THEN
      RAISE EXCEPTION 'an older version comes back by an approval only' USING ERRCODE = 'PC002';
    END IF;
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
