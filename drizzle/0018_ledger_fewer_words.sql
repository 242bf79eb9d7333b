-- Postings say less to the database. A batch finds and locks its balances in one scan instead of one for each, since a
-- balance knows how many stripes its account has; a single posting leaves to the tables' own checks what they check anyway;
-- and what is asked around both is asked in fewer words: every operator and function of an expression is made ready anew
-- for each statement.
-- Lock risk: ledger.balance (a row per account) gets its primary key anew and is read for a CHECK; postings wait for it.
ALTER TABLE ledger.balance ADD COLUMN stripes smallint NOT NULL DEFAULT 1;
--> statement-breakpoint
-- row-level security binds an owner without special rights too, and this is for every operator's rows
ALTER TABLE ledger.balance NO FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE ledger.account NO FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
UPDATE ledger.balance b SET stripes = a.stripes FROM ledger.account a
WHERE a.operator_id = b.operator_id AND a.id = b.account_id AND a.stripes > 1;
--> statement-breakpoint
ALTER TABLE ledger.balance FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE ledger.account FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
-- The account comes first, so that no plan finds balances by their operator alone and reads all of them: a session that
-- planned while the table was small or unknown would keep such a plan.
ALTER TABLE ledger.balance DROP CONSTRAINT balance_pkey;
--> statement-breakpoint
ALTER TABLE ledger.balance ADD PRIMARY KEY (account_id, stripe, operator_id);
--> statement-breakpoint
-- The same bound in half the words, as they are read anew for each statement. Without a bound it is unknown, which passes.
ALTER TABLE ledger.balance DROP CONSTRAINT no_overdraft;
--> statement-breakpoint
ALTER TABLE ledger.balance ADD CONSTRAINT no_overdraft CHECK (
  CASE WHEN debit_normal THEN credited + credit_held - debited ELSE debited + debit_held - credited END <= overdraft
);
--> statement-breakpoint
-- What else reads `striped`.
DO $$
DECLARE
  change text[];
  changes text[] := ARRAY[
    ARRAY['open_accounts', 'debit_normal, overdraft, striped)', 'debit_normal, overdraft, stripes)'],
    ARRAY['open_accounts', 'o.overdraft, o.stripes > 1', 'o.overdraft, o.stripes'],
    ARRAY['hold', 'IF d.striped THEN', 'IF d.stripes > 1 THEN'],
    ARRAY['verify', 'bool_or(b.striped) AS striped', 'max(b.stripes) > 1 AS striped'],
    ARRAY['verify', 'b.overdraft, b.striped, b.open) IS DISTINCT FROM (a.asset, a.debit_normal, a.overdraft, a.stripes > 1,',
      'b.overdraft, b.stripes, b.open) IS DISTINCT FROM (a.asset, a.debit_normal, a.overdraft, a.stripes,']
  ];
  f text;
BEGIN
  FOREACH change SLICE 1 IN ARRAY changes LOOP
    f := pg_get_functiondef(('ledger.' || change[1])::regproc);
    IF position(change[2] IN f) = 0 THEN RAISE EXCEPTION 'ledger.% is not what it was: "%" is missing', change[1], change[2]; END IF;
    EXECUTE replace(f, change[2], change[3]);
  END LOOP;
END $$;
--> statement-breakpoint
DROP TRIGGER identity ON ledger.balance;
--> statement-breakpoint
ALTER TABLE ledger.balance DROP COLUMN striped;
--> statement-breakpoint
CREATE TRIGGER identity AFTER UPDATE OF operator_id, account_id, stripe, asset, code, debit_normal, stripes ON ledger.balance
  FOR EACH ROW EXECUTE FUNCTION ledger.deny();
--> statement-breakpoint
-- STABLE, as what it asks is: declared IMMUTABLE, it was called each time instead of being written out where it is used.
CREATE OR REPLACE FUNCTION ledger.uuid_at(moment timestamptz) RETURNS uuid LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
  SELECT rpad(lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$;
--> statement-breakpoint
-- True when the id is a UUIDv7 of the last 24 hours or the next one: its first 48 bits are milliseconds, and they are at most
-- 12.5 hours from 11.5 hours ago.
CREATE OR REPLACE FUNCTION ledger.recent(p_id uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT substr(p_id::text, 15, 1) = '7' AND 45000000 >=
    abs(('x' || translate(left(p_id::text, 13), '-', ''))::bit(48)::bigint - (date_part('epoch', now()) * 1000 - 41400000))
$$;
--> statement-breakpoint
DROP FUNCTION ledger.post_one(text, boolean, uuid, text, text, jsonb, text, text, int, text, int, numeric);
--> statement-breakpoint
-- Posts one transfer under a new key between two open accounts that exist: what nearly every posting is, in a third of
-- the time. Answers posted; or null when anything is out of the ordinary, having changed nothing: then ask `post`.
-- Both balances are found, locked in the order of their codes and changed in one statement, which takes the key too. Whether
-- that may be is told by the tables' own checks (no_overdraft, the amount's domain) and by the unique key.
CREATE FUNCTION ledger.post_one(
  p_operator text, p_alone boolean, p_id uuid, p_key text, p_kind text, p_facts jsonb,
  p_asset text, p_debit text, p_credit text, p_amount numeric
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
  -- one plan for good, through the index: a bitmap would lock in the order of the pages
  SET search_path = ledger, pg_temp SET plan_cache_mode = force_generic_plan
  SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
  -- as in alone() and require_operator(), without the calls: a statement of its own has no operator yet
  IF (p_operator = CASE
    WHEN NOT p_alone THEN nullif(current_setting('app.operator', true), '')
    WHEN coalesce(current_setting('app.operator', true), '') = '' THEN nullif(set_config('app.operator', p_operator, true), '')
  END) IS NOT TRUE THEN
    RAISE EXCEPTION 'not the operator of this transaction' USING ERRCODE = 'P0L09';
  END IF;
  -- undone as a whole when an account, the amount or the key is not as it nearly always is
  BEGIN
    WITH changed AS (
      UPDATE balance b SET seq = b.seq + 1,
        debited = CASE WHEN b.code = p_debit THEN b.debited + p_amount ELSE b.debited END,
        credited = CASE WHEN b.code = p_debit THEN b.credited ELSE b.credited + p_amount END
      WHERE b.operator_id = p_operator AND b.code = ANY (ARRAY[p_debit, p_credit]) AND b.asset = p_asset
        -- a backend keeps to one stripe, so that connections don't wait for each other
        AND b.stripe = pg_backend_pid() % b.stripes AND b.open AND recent(p_id)
      RETURNING b.account_id, b.code = p_debit AS is_debit, CASE WHEN b.stripes = 1 THEN b.seq END AS seq,
        CASE WHEN b.stripes > 1 THEN NULL WHEN b.debit_normal THEN b.debited - b.credited ELSE b.credited - b.debited END AS after
    ), named AS (
      INSERT INTO journal (operator_id, key, id, kind, transfers, facts) VALUES (p_operator, p_key, p_id, p_kind, 1, p_facts)
    )
    INSERT INTO transfer (operator_id, journal_id, n, asset, debit_account, credit_account, amount,
      debit_seq, debit_after, credit_seq, credit_after, created_at)
    SELECT p_operator, p_id, 0, p_asset, d.account_id, c.account_id, p_amount, d.seq, d.after, c.seq, c.after, clock_timestamp()
    FROM changed d, changed c WHERE d.is_debit AND NOT c.is_debit;
    IF NOT found THEN RAISE EXCEPTION 'ask post' USING ERRCODE = 'P0L11'; END IF;
  EXCEPTION WHEN unique_violation OR check_violation OR SQLSTATE 'P0L11' THEN RETURN NULL;
  END;
  RETURN 'posted';
END $$;
--> statement-breakpoint
-- Posts journals, each all or nothing, none at the cost of another. The accounts touched come once each (a_*), transfers
-- name them by index and come in the order of their journals. Answers per journal: posted, exists (the same key with the
-- same transfers), differs (the same key with others), buried (a tombstone has the key), insufficient_funds, closed.
-- The order of the steps is the proof: rows are locked first, so a twin on the same accounts waits. Keys are taken to be
-- new; where one is not, everything written is undone and the work begins again (p_look) with a look at the keys, which
-- then sees what the twin committed. One that posts after that look is met by the unique key, and the transaction runs again.
CREATE OR REPLACE FUNCTION ledger.post(
  p_operator text,
  a_code text[], a_asset text[], a_class text[], a_overdraft numeric[], a_stripes int[],
  j_id uuid[], j_key text[], j_kind text[], j_facts jsonb[],
  t_journal int[], t_debit int[], t_credit int[], t_amount numeric[],
  p_alone boolean DEFAULT false, p_look boolean DEFAULT false
) RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER
  -- one plan for good, over the indexes: planning anew for each array's length took more than half of the time. A bitmap would
  -- lock in the order of the pages.
  SET search_path = ledger, pg_temp SET plan_cache_mode = force_generic_plan
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_variable
DECLARE
  transfers int := cardinality(t_journal);
  id bigint[]; place tid[]; striped boolean[]; usable boolean[]; debit_normal boolean[];
  debited numeric[]; credited numeric[]; seq bigint[]; least_after numeric[]; as_named boolean;
  result text[] := array_fill('posted'::text, ARRAY[cardinality(j_id)]);
  -- filled, since an array whose first place is never set would begin at its second one, and its rows be taken for others
  no_number bigint[] := array_fill(NULL::bigint, ARRAY[transfers]); no_amount numeric[] := no_number;
  x_debit_seq bigint[] := no_number; x_debit_after numeric[] := no_amount; x_credit_seq bigint[] := no_number; x_credit_after numeric[] := no_amount;
  first int[]; j int := 0; d int; c int; m numeric; doubtful boolean := false; verdict text; unposted int := 0; written int; moment timestamptz;
  oldest uuid := uuid_at(now() - interval '24 hours'); newest uuid := uuid_at(now() + interval '1 hour');
BEGIN
  -- as in alone() and require_operator(), without the calls: a statement of its own has no operator yet
  IF (p_operator = CASE
    WHEN NOT p_alone THEN nullif(current_setting('app.operator', true), '')
    WHEN coalesce(current_setting('app.operator', true), '') = '' THEN nullif(set_config('app.operator', p_operator, true), '')
  END) IS NOT TRUE THEN
    RAISE EXCEPTION 'not the operator of this transaction' USING ERRCODE = 'P0L09';
  END IF;
  -- one scan: it goes through the index, and that is the order in which everybody locks
  SELECT array_agg(s.account_id), array_agg(s.place), array_agg(s.stripes > 1), array_agg(s.open), array_agg(s.debit_normal),
    array_agg(s.debited), array_agg(s.credited), array_agg(s.seq),
    array_agg(CASE WHEN NOT s.open THEN 'Infinity' WHEN s.debit_normal THEN s.credit_held - s.overdraft ELSE s.debit_held - s.overdraft END),
    (array_agg(s.code), array_agg(s.asset)) = (a_code, a_asset)
  INTO id, place, striped, usable, debit_normal, debited, credited, seq, least_after, as_named
  FROM (
    SELECT b.*, b.ctid AS place FROM balance b
    WHERE b.operator_id = p_operator AND b.code = ANY (a_code) AND b.asset = ANY (a_asset) AND b.stripe = pg_backend_pid() % b.stripes
    FOR NO KEY UPDATE
  ) s;
  -- not what was named, place by place: accounts are new, or named in another order, or one code has more assets than are meant
  IF as_named IS NOT TRUE THEN
    PERFORM open_accounts(p_operator, a_code, a_asset, a_class, a_overdraft, a_stripes);
    -- lateral, so that no plan ever reads all balances: those made while the tables were empty would
    SELECT array_agg(s.account_id ORDER BY s.o), array_agg(s.place ORDER BY s.o), array_agg(s.stripes > 1 ORDER BY s.o),
      array_agg(s.open ORDER BY s.o), array_agg(s.debit_normal ORDER BY s.o),
      array_agg(s.debited ORDER BY s.o), array_agg(s.credited ORDER BY s.o), array_agg(s.seq ORDER BY s.o),
      array_agg(CASE WHEN NOT s.open THEN 'Infinity' WHEN s.debit_normal THEN s.credit_held - s.overdraft ELSE s.debit_held - s.overdraft END ORDER BY s.o)
    INTO id, place, striped, usable, debit_normal, debited, credited, seq, least_after
    FROM (
      SELECT u.o, l.* FROM (
        SELECT * FROM unnest(a_code, a_asset) WITH ORDINALITY x (code, asset, o) ORDER BY x.code COLLATE "C", x.asset
      ) u CROSS JOIN LATERAL (
        SELECT b.*, b.ctid AS place FROM balance b
        WHERE b.operator_id = p_operator AND b.code = u.code AND b.asset = u.asset AND b.stripe = pg_backend_pid() % b.stripes
        FOR NO KEY UPDATE
      ) l
    ) s;
  END IF;
  IF cardinality(id) IS DISTINCT FROM cardinality(a_code) THEN
    RAISE EXCEPTION 'the same account twice' USING ERRCODE = 'P0L12';
  END IF;
  IF p_look THEN
    SELECT array_agg(CASE WHEN j.id IS NULL THEN 'posted' ELSE 'exists' END ORDER BY u.o), count(j.id) INTO result, unposted
    FROM unnest(j_key) WITH ORDINALITY u (key, o) LEFT JOIN journal j ON j.operator_id = p_operator AND j.key = u.key;
  END IF;
  FOR k IN 1 .. transfers LOOP
    d := t_debit[k]; c := t_credit[k]; m := t_amount[k];
    IF (m > 0 AND m < 1e38 AND scale(m) = 0 AND d <> c AND a_asset[d] = a_asset[c]) IS NOT TRUE THEN
      RAISE EXCEPTION 'not a transfer' USING ERRCODE = 'P0L12';
    END IF;
    IF t_journal[k] IS DISTINCT FROM j THEN
      j := j + 1; first[j] := k;
      IF t_journal[k] IS DISTINCT FROM j THEN
        RAISE EXCEPTION 'transfers out of the order of their journals' USING ERRCODE = 'P0L12';
      END IF;
    END IF;
    CONTINUE WHEN p_look AND result[j] = 'exists';
    debited[d] := debited[d] + m; seq[d] := seq[d] + 1;
    credited[c] := credited[c] + m; seq[c] := seq[c] + 1;
    x_debit_seq[k] := seq[d]; x_credit_seq[k] := seq[c];
    x_debit_after[k] := CASE WHEN debit_normal[d] THEN debited[d] - credited[d] ELSE credited[d] - debited[d] END;
    x_credit_after[k] := CASE WHEN debit_normal[c] THEN debited[c] - credited[c] ELSE credited[c] - debited[c] END;
    IF x_debit_after[k] < least_after[d] OR x_credit_after[k] < least_after[c] THEN doubtful := true; END IF;
    CONTINUE WHEN NOT doubtful OR t_journal[k + 1] = j;
    -- bounds hold where the journal ends, not between its transfers
    doubtful := false;
    verdict := NULL;
    FOR i IN first[j] .. k LOOP
      d := t_debit[i]; c := t_credit[i];
      IF NOT (usable[d] AND usable[c]) THEN verdict := 'closed'; EXIT; END IF;
      IF least_after[d] > (CASE WHEN debit_normal[d] THEN debited[d] - credited[d] ELSE credited[d] - debited[d] END)
        OR least_after[c] > (CASE WHEN debit_normal[c] THEN debited[c] - credited[c] ELSE credited[c] - debited[c] END)
      THEN
        verdict := 'insufficient_funds';
      END IF;
    END LOOP;
    CONTINUE WHEN verdict IS NULL;
    result[j] := verdict;
    unposted := unposted + 1;
    FOR i IN first[j] .. k LOOP
      d := t_debit[i]; c := t_credit[i]; m := t_amount[i];
      debited[d] := debited[d] - m; seq[d] := seq[d] - 1;
      credited[c] := credited[c] - m; seq[c] := seq[c] - 1;
    END LOOP;
  END LOOP;
  IF j <> cardinality(j_id) THEN
    RAISE EXCEPTION 'a journal without transfers' USING ERRCODE = 'P0L12';
  END IF;
  first[j + 1] := transfers + 1;
  FOR n IN 1 .. CASE WHEN unposted > 0 THEN j ELSE 0 END LOOP
    CONTINUE WHEN result[n] = 'posted';
    -- what was posted before stays posted, whatever the accounts have now
    result[n] := coalesce(taken(p_operator, j_key[n], j_kind[n], first[n + 1] - first[n],
      (SELECT array_agg(id[t_debit[i]] ORDER BY i) FROM generate_series(first[n], first[n + 1] - 1) i),
      (SELECT array_agg(id[t_credit[i]] ORDER BY i) FROM generate_series(first[n], first[n + 1] - 1) i),
      t_amount[first[n] : first[n + 1] - 1]), result[n]);
  END LOOP;
  IF unposted = j THEN RETURN result; END IF;
  BEGIN
    INSERT INTO journal (operator_id, key, id, kind, transfers, facts)
    SELECT p_operator, u.key, u.id, u.kind, first[u.n + 1] - first[u.n], u.facts
    FROM unnest(j_key, j_id, j_kind, j_facts, result) WITH ORDINALITY u (key, id, kind, facts, result, n)
    WHERE u.result = 'posted' AND u.id >= oldest AND u.id < newest AND substr(u.id::text, 15, 1) = '7';
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> j - unposted THEN RAISE EXCEPTION 'the time of the id is far from now' USING ERRCODE = 'P0L10'; END IF;
    -- the rows are locked, so they are where they were found
    UPDATE balance b SET debited = u.debited, credited = u.credited, seq = u.seq
    FROM unnest(place, debited, credited, seq) u (place, debited, credited, seq)
    WHERE b.ctid = u.place;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> cardinality(place) THEN RAISE EXCEPTION 'a locked balance has moved' USING ERRCODE = '40001'; END IF;
    moment := clock_timestamp();
    INSERT INTO transfer (operator_id, journal_id, n, asset, debit_account, credit_account, amount,
      debit_seq, debit_after, credit_seq, credit_after, created_at)
    SELECT p_operator, j_id[u.journal], u.k - first[u.journal], a_asset[u.debit], id[u.debit], id[u.credit], u.amount,
      -- a striped account has no single order of entries
      CASE WHEN NOT striped[u.debit] THEN u.debit_seq END, CASE WHEN NOT striped[u.debit] THEN u.debit_after END,
      CASE WHEN NOT striped[u.credit] THEN u.credit_seq END, CASE WHEN NOT striped[u.credit] THEN u.credit_after END, moment
    FROM unnest(t_journal, t_debit, t_credit, t_amount, x_debit_seq, x_debit_after, x_credit_seq, x_credit_after) WITH ORDINALITY
      u (journal, debit, credit, amount, debit_seq, debit_after, credit_seq, credit_after, k)
    WHERE result[u.journal] = 'posted';
    RETURN result;
  EXCEPTION WHEN unique_violation THEN
    IF p_look THEN RAISE EXCEPTION 'the key was posted meanwhile' USING ERRCODE = '40001'; END IF;
  END;
  RETURN post(p_operator, a_code, a_asset, a_class, a_overdraft, a_stripes, j_id, j_key, j_kind, j_facts,
    t_journal, t_debit, t_credit, t_amount, false, true);
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION ledger.post_one FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION ledger.post_one TO paycage_app;
