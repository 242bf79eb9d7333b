-- The ledger's tables, in a schema of their own that nobody writes but its functions.
-- Lock risk: none, everything is new. Kept by hand: partitions, triggers and policies are beyond the schema generator.
CREATE SCHEMA ledger;
--> statement-breakpoint
-- Whole minor units. NaN and infinity are greater than any number, so "< 1e38" keeps both out ("> 0" alone doesn't).
-- A domain, as a table's CHECK is read anew for every statement and made up a fifth of a posting's time.
CREATE DOMAIN ledger.minor_units AS numeric CHECK (VALUE >= 0 AND VALUE < 1e38 AND scale(VALUE) = 0);
--> statement-breakpoint
CREATE DOMAIN ledger.amount AS numeric CHECK (VALUE > 0 AND VALUE < 1e38 AND scale(VALUE) = 0);
--> statement-breakpoint
CREATE DOMAIN ledger.business_key AS text CHECK (length(VALUE) BETWEEN 1 AND 300);
--> statement-breakpoint
-- One number per transfer, in the order in which they were written. A dump carries it, so it rises for ever.
CREATE SEQUENCE ledger.position AS bigint;
--> statement-breakpoint
CREATE TABLE ledger.account (
  operator_id text NOT NULL REFERENCES public.operator (id),
  id bigint GENERATED ALWAYS AS IDENTITY,
  uid uuid NOT NULL,
  code text NOT NULL CHECK (length(code) BETWEEN 1 AND 200),
  asset text NOT NULL CHECK (length(asset) BETWEEN 1 AND 32),
  class text NOT NULL CHECK (class IN ('asset', 'liability', 'equity', 'income', 'expense')),
  debit_normal boolean NOT NULL GENERATED ALWAYS AS (class IN ('asset', 'expense')) STORED,
  -- null: may go below zero without bound; 0: may never; n: a credit line
  overdraft ledger.minor_units,
  stripes smallint NOT NULL DEFAULT 1 CHECK (stripes BETWEEN 1 AND 64),
  closed_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (operator_id, id),
  UNIQUE (operator_id, code, asset),
  UNIQUE (operator_id, uid),
  -- a bound is checked against one row, so only an account without one may be several
  CONSTRAINT striped_is_unbounded CHECK (stripes = 1 OR overdraft IS NULL)
);
--> statement-breakpoint
-- The narrow hot row: one per account, or per stripe of it. Updates stay on their page (HOT): no changing column is indexed.
CREATE TABLE ledger.balance (
  operator_id text NOT NULL,
  account_id bigint NOT NULL,
  stripe smallint NOT NULL DEFAULT 0,
  asset text NOT NULL,
  debit_normal boolean NOT NULL,
  overdraft ledger.minor_units,
  striped boolean NOT NULL,
  open boolean NOT NULL DEFAULT true,
  -- posted, never falling
  debited ledger.minor_units NOT NULL DEFAULT 0,
  credited ledger.minor_units NOT NULL DEFAULT 0,
  -- reserved
  debit_held ledger.minor_units NOT NULL DEFAULT 0,
  credit_held ledger.minor_units NOT NULL DEFAULT 0,
  -- entries so far
  seq bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (operator_id, account_id, stripe),
  FOREIGN KEY (operator_id, account_id) REFERENCES ledger.account (operator_id, id),
  CONSTRAINT no_overdraft CHECK (
    overdraft IS NULL
    OR CASE WHEN debit_normal THEN debited - credited - credit_held ELSE credited - debited - debit_held END >= -overdraft
  )
) WITH (fillfactor = 50);
--> statement-breakpoint
-- One fact: its business key is unique for ever, which a partitioned table can't promise.
CREATE TABLE ledger.journal (
  operator_id text NOT NULL,
  key ledger.business_key NOT NULL,
  id uuid NOT NULL,
  kind ledger.business_key NOT NULL,
  -- 0 for a tombstone: a key that may never be posted
  transfers smallint NOT NULL,
  facts jsonb,
  PRIMARY KEY (operator_id, key),
  UNIQUE (operator_id, id)
);
--> statement-breakpoint
-- One row is one balanced double entry, with both legs. Never changed, never deleted. The journal's UUIDv7 is the time-partition key.
CREATE TABLE ledger.transfer (
  operator_id text NOT NULL,
  journal_id uuid NOT NULL,
  n smallint NOT NULL,
  position bigint NOT NULL DEFAULT nextval('ledger.position'),
  asset text NOT NULL,
  debit_account bigint NOT NULL,
  credit_account bigint NOT NULL,
  amount ledger.amount NOT NULL,
  -- the number of the entry in its account and the balance after it; null on a striped account, which has no single order
  debit_seq bigint,
  debit_after numeric,
  credit_seq bigint,
  credit_after numeric,
  hold_id uuid,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (operator_id, journal_id, n)
) PARTITION BY RANGE (journal_id);
--> statement-breakpoint
CREATE INDEX transfer_debit ON ledger.transfer (debit_account, created_at);
--> statement-breakpoint
CREATE INDEX transfer_credit ON ledger.transfer (credit_account, created_at);
--> statement-breakpoint
CREATE INDEX transfer_position ON ledger.transfer USING brin (position) WITH (pages_per_range = 16);
--> statement-breakpoint
-- Two-phase: a hold reserves on both sides and is resolved at most once, in part or in whole. Never deleted.
CREATE TABLE ledger.hold (
  operator_id text NOT NULL,
  id uuid NOT NULL,
  asset text NOT NULL,
  debit_account bigint NOT NULL,
  credit_account bigint NOT NULL,
  credit_stripe smallint NOT NULL,
  amount ledger.amount NOT NULL,
  captured ledger.minor_units NOT NULL DEFAULT 0 CHECK (captured <= amount),
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'posted', 'voided', 'expired')),
  expires_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  resolved_at timestamptz,
  PRIMARY KEY (operator_id, id),
  FOREIGN KEY (operator_id, debit_account) REFERENCES ledger.account (operator_id, id),
  FOREIGN KEY (operator_id, credit_account) REFERENCES ledger.account (operator_id, id),
  CHECK ((state = 'pending') = (resolved_at IS NULL)),
  CHECK ((state = 'posted') = (captured > 0))
);
--> statement-breakpoint
CREATE INDEX hold_expiry ON ledger.hold (operator_id, expires_at) WHERE state = 'pending';
--> statement-breakpoint
-- Tamper evidence, off the write path: each seal hashes a range of positions and the seal before it.
CREATE TABLE ledger.seal (
  operator_id text NOT NULL,
  no bigint NOT NULL,
  epoch int NOT NULL,
  from_position bigint NOT NULL,
  to_position bigint NOT NULL,
  transfers bigint NOT NULL,
  root bytea NOT NULL,
  previous bytea NOT NULL,
  hash bytea NOT NULL,
  sealed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (operator_id, no),
  CHECK (to_position > from_position)
);
--> statement-breakpoint
-- A place that the ledger has lived in: a restore from a dump makes a new cluster or database, hence a new epoch.
CREATE TABLE ledger.epoch (
  no int PRIMARY KEY,
  cluster bigint NOT NULL,
  database oid NOT NULL,
  began_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
-- How far seals may go: every transfer up to `position` was written by a transaction that had begun before `horizon`. Global, one row.
CREATE TABLE ledger.watermark (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  epoch int NOT NULL,
  position bigint NOT NULL,
  horizon bigint NOT NULL,
  sealable bigint NOT NULL
);
--> statement-breakpoint
-- security_invoker: a view runs as its owner otherwise, and would show every operator's rows
CREATE VIEW ledger.entry WITH (security_invoker = true) AS
  SELECT operator_id, journal_id, n, position, asset, debit_account AS account_id, true AS debit, amount, debit_seq AS seq,
    debit_after AS after, credit_account AS other_account_id, created_at FROM ledger.transfer
  UNION ALL
  SELECT operator_id, journal_id, n, position, asset, credit_account, false, amount, credit_seq,
    credit_after, debit_account, created_at FROM ledger.transfer;
--> statement-breakpoint
CREATE VIEW ledger.account_balance WITH (security_invoker = true) AS
  SELECT a.operator_id, a.id, a.uid, a.code, a.asset, a.class, a.debit_normal, a.overdraft, a.stripes, a.closed_at, a.created_at,
    b.debited, b.credited, b.debit_held, b.credit_held,
    CASE WHEN a.debit_normal THEN b.debited - b.credited ELSE b.credited - b.debited END AS posted,
    CASE WHEN a.debit_normal THEN b.debited - b.credited - b.credit_held ELSE b.credited - b.debited - b.debit_held END AS available
  FROM ledger.account a
  JOIN LATERAL (
    SELECT sum(debited) AS debited, sum(credited) AS credited, sum(debit_held) AS debit_held, sum(credit_held) AS credit_held
    FROM ledger.balance WHERE operator_id = a.operator_id AND account_id = a.id
  ) b ON true;
--> statement-breakpoint
-- What an account had at a time. One row tells it where the account has a single order of entries; a striped one is summed
-- back from now, which is quick for the recent past that it is asked for.
CREATE FUNCTION ledger.posted_at(a ledger.account, moment timestamptz) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN a.stripes = 1 THEN coalesce((
    SELECT e.after FROM ledger.entry e WHERE e.operator_id = a.operator_id AND e.account_id = a.id AND e.created_at <= moment
    ORDER BY e.created_at DESC, e.position DESC LIMIT 1), 0)
  ELSE (
    SELECT CASE WHEN a.debit_normal THEN b.debited - b.credited ELSE b.credited - b.debited END
    FROM (SELECT sum(x.debited) AS debited, sum(x.credited) AS credited FROM ledger.balance x WHERE x.operator_id = a.operator_id AND x.account_id = a.id) b
  ) - (
    SELECT coalesce(sum(CASE WHEN e.debit = a.debit_normal THEN e.amount ELSE -e.amount END), 0)
    FROM ledger.entry e WHERE e.operator_id = a.operator_id AND e.account_id = a.id AND e.created_at > moment
  ) END
$$;
--> statement-breakpoint
-- Append-only also for the owner: grants are the first line, these the second.
CREATE FUNCTION ledger.deny() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'ledger.% never changes that way', tg_table_name USING ERRCODE = 'P0L01';
END $$;
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger.transfer FOR EACH ROW EXECUTE FUNCTION ledger.deny();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger.journal FOR EACH ROW EXECUTE FUNCTION ledger.deny();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger.seal FOR EACH ROW EXECUTE FUNCTION ledger.deny();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger.epoch FOR EACH ROW EXECUTE FUNCTION ledger.deny();
--> statement-breakpoint
CREATE TRIGGER no_delete BEFORE DELETE ON ledger.account FOR EACH ROW EXECUTE FUNCTION ledger.deny();
--> statement-breakpoint
CREATE TRIGGER no_delete BEFORE DELETE ON ledger.balance FOR EACH ROW EXECUTE FUNCTION ledger.deny();
--> statement-breakpoint
CREATE TRIGGER no_delete BEFORE DELETE ON ledger.hold FOR EACH ROW EXECUTE FUNCTION ledger.deny();
--> statement-breakpoint
DO $$ DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['account', 'balance', 'journal', 'transfer', 'hold', 'seal', 'epoch', 'watermark'] LOOP
    EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ledger.%I FOR EACH STATEMENT EXECUTE FUNCTION ledger.deny()', t);
  END LOOP;
END $$;
--> statement-breakpoint
-- A lawful update pays almost nothing for these: columns and conditions are looked at before any function is called.
CREATE TRIGGER identity BEFORE UPDATE OF operator_id, account_id, stripe, asset, debit_normal, striped ON ledger.balance
  FOR EACH ROW EXECUTE FUNCTION ledger.deny();
--> statement-breakpoint
CREATE TRIGGER monotonic BEFORE UPDATE ON ledger.balance FOR EACH ROW
  WHEN (new.debited < old.debited OR new.credited < old.credited OR new.seq < old.seq)
  EXECUTE FUNCTION ledger.deny();
--> statement-breakpoint
CREATE TRIGGER identity BEFORE UPDATE ON ledger.account FOR EACH ROW
  WHEN ((new.operator_id, new.id, new.uid, new.code, new.asset, new.class, new.stripes, new.created_at)
    IS DISTINCT FROM (old.operator_id, old.id, old.uid, old.code, old.asset, old.class, old.stripes, old.created_at))
  EXECUTE FUNCTION ledger.deny();
--> statement-breakpoint
CREATE TRIGGER resolved_once BEFORE UPDATE ON ledger.hold FOR EACH ROW
  WHEN (old.state <> 'pending'
    OR (new.operator_id, new.id, new.asset, new.debit_account, new.credit_account, new.credit_stripe, new.amount, new.created_at)
      IS DISTINCT FROM (old.operator_id, old.id, old.asset, old.debit_account, old.credit_account, old.credit_stripe, old.amount, old.created_at))
  EXECUTE FUNCTION ledger.deny();
--> statement-breakpoint
-- The smallest UUIDv7 of a moment: bounds of partitions and of the ids that are taken.
CREATE FUNCTION ledger.uuid_at(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT rpad(lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$;
--> statement-breakpoint
-- Makes the monthly partitions from `months_back` before to `months_ahead` after this month. Says how many are new.
CREATE FUNCTION ledger.make_partitions(months_back int DEFAULT 1, months_ahead int DEFAULT 6) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
  month timestamptz;
  next_month timestamptz;
  name text;
  made int := 0;
BEGIN
  IF months_back NOT BETWEEN 0 AND 600 OR months_ahead NOT BETWEEN 0 AND 60 THEN
    RAISE EXCEPTION 'too many partitions' USING ERRCODE = 'P0L12';
  END IF;
  PERFORM pg_advisory_xact_lock(727202);
  FOR i IN -months_back .. months_ahead LOOP
    -- months of UTC, whatever the session's zone is
    month := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i)) AT TIME ZONE 'UTC';
    next_month := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i + 1)) AT TIME ZONE 'UTC';
    name := 'transfer_' || to_char(month AT TIME ZONE 'UTC', 'YYYYMM');
    CONTINUE WHEN to_regclass('ledger.' || name) IS NOT NULL;
    -- made beside and then attached: CREATE ... PARTITION OF would stop all postings while it waits for its lock
    EXECUTE format('CREATE TABLE ledger.%I (LIKE ledger.transfer INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
    EXECUTE format('ALTER TABLE ledger.transfer ATTACH PARTITION ledger.%I FOR VALUES FROM (%L) TO (%L)',
      name, uuid_at(month), uuid_at(next_month));
    EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ledger.%I FOR EACH STATEMENT EXECUTE FUNCTION ledger.deny()', name);
    EXECUTE format('ALTER TABLE ledger.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE ledger.%I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY own_rows ON ledger.%I USING (operator_id = (SELECT current_setting(''app.operator'', true)))', name);
    made := made + 1;
  END LOOP;
  RETURN made;
END $$;
--> statement-breakpoint
SELECT ledger.make_partitions();
--> statement-breakpoint
-- FORCE binds the owner too: where the migrating role is no superuser, even the functions see one operator at a time.
DO $$ DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['account', 'balance', 'journal', 'transfer', 'hold', 'seal'] LOOP
    EXECUTE format('ALTER TABLE ledger.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE ledger.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY own_rows ON ledger.%I USING (operator_id = (SELECT current_setting(''app.operator'', true)))', t);
  END LOOP;
END $$;
