-- Postings find their balances by code, without the way over the account; a batch changes rows where it locked them; and a
-- key is not looked for before it is written, since nearly every key is new. About a quarter less work a posting.
-- Lock risk: rewrites ledger.balance (a row per account) under an exclusive lock; postings wait for it.
ALTER TABLE ledger.balance ADD COLUMN code text COLLATE "C";
--> statement-breakpoint
-- row-level security binds an owner without special rights too, and this is for every operator's rows
ALTER TABLE ledger.balance NO FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE ledger.account NO FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
UPDATE ledger.balance b SET code = a.code FROM ledger.account a WHERE a.operator_id = b.operator_id AND a.id = b.account_id;
--> statement-breakpoint
ALTER TABLE ledger.balance FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE ledger.account FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE ledger.balance ALTER COLUMN code SET NOT NULL;
--> statement-breakpoint
CREATE UNIQUE INDEX balance_code ON ledger.balance (operator_id, code, asset, stripe);
--> statement-breakpoint
DROP TRIGGER identity ON ledger.balance;
--> statement-breakpoint
CREATE TRIGGER identity BEFORE UPDATE OF operator_id, account_id, stripe, asset, code, debit_normal, striped ON ledger.balance
  FOR EACH ROW EXECUTE FUNCTION ledger.deny();
--> statement-breakpoint
-- As before; the balance rows carry the account's code.
CREATE OR REPLACE FUNCTION ledger.open_accounts(p_operator text, a_code text[], a_asset text[], a_class text[], a_overdraft numeric[], a_stripes int[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
  PERFORM require_operator(p_operator);
  WITH opened AS (
    INSERT INTO account (operator_id, uid, code, asset, class, overdraft, stripes)
    SELECT p_operator, uuid_v7(), u.code, u.asset, u.class, u.overdraft, u.stripes
    FROM unnest(a_code, a_asset, a_class, a_overdraft, a_stripes) u (code, asset, class, overdraft, stripes)
    -- always in the same order, so that two that open the same accounts don't deadlock
    ORDER BY u.code, u.asset
    ON CONFLICT (operator_id, code, asset) DO NOTHING
    RETURNING *
  )
  INSERT INTO balance (operator_id, account_id, stripe, asset, code, debit_normal, overdraft, striped)
  SELECT o.operator_id, o.id, g, o.asset, o.code, o.debit_normal, o.overdraft, o.stripes > 1
  FROM opened o, generate_series(0, o.stripes - 1) g;
END $$;
--> statement-breakpoint
-- Everybody locks by code, then by stripe: that is the order in which one index scan finds two balances. A hold's end posts
-- to its own connection's stripe besides the one that was reserved on, so it locks both before it changes any.
DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid FROM pg_proc p
    WHERE p.pronamespace = 'ledger'::regnamespace AND p.proname IN ('hold', 'unreserve', 'resolve', 'expire_holds')
  LOOP
    EXECUTE replace(replace(pg_get_functiondef(f),
      'ORDER BY a.overdraft IS NULL, a.code', 'ORDER BY a.code'),
      '  PERFORM unreserve(h);
  IF p_amount > 0 THEN',
      '  PERFORM FROM balance b JOIN account a ON a.operator_id = b.operator_id AND a.id = b.account_id
  WHERE b.operator_id = p_operator AND b.account_id IN (h.debit_account, h.credit_account)
    AND b.stripe IN (CASE WHEN b.account_id = h.credit_account THEN h.credit_stripe ELSE 0 END, pg_backend_pid() % a.stripes)
  ORDER BY a.code COLLATE "C", a.asset, b.stripe FOR NO KEY UPDATE OF b;
  PERFORM unreserve(h);
  IF p_amount > 0 THEN');
  END LOOP;
END $$;
--> statement-breakpoint
DROP FUNCTION ledger.post_one(text, uuid, text, text, jsonb, text, text, text, numeric, boolean);
--> statement-breakpoint
-- Posts one transfer under a new key between two open accounts that exist: what nearly every posting is, in a third of
-- the time. Answers posted; or null when anything is out of the ordinary, having changed nothing: then ask `post`.
-- Both balances are found, locked in the order of their codes, checked and changed in one statement.
CREATE FUNCTION ledger.post_one(
  p_operator text, p_alone boolean, p_id uuid, p_key text, p_kind text, p_facts jsonb,
  p_asset text, p_debit text, p_debit_stripes int, p_credit text, p_credit_stripes int, p_amount numeric
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = ledger, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  codes text[] := ARRAY[p_debit, p_credit];
  -- a backend keeps to one stripe, so that connections don't wait for each other
  debit_stripe int := pg_backend_pid() % p_debit_stripes;
  credit_stripe int := pg_backend_pid() % p_credit_stripes;
  stripes smallint[] := ARRAY[debit_stripe, credit_stripe];
  of_transaction text := coalesce(current_setting('app.operator', true), '');
BEGIN
  -- as in alone() and require_operator(), without the calls: a statement of its own has no operator yet
  IF p_alone AND of_transaction = '' THEN
    of_transaction := set_config('app.operator', p_operator, true);
  ELSIF p_alone THEN
    of_transaction := '';
  END IF;
  IF (of_transaction <> '' AND p_operator = of_transaction) IS NOT TRUE THEN
    RAISE EXCEPTION 'not the operator of this transaction' USING ERRCODE = 'P0L09';
  END IF;
  IF (p_amount > 0 AND p_debit <> p_credit AND recent(p_id)) IS NOT TRUE THEN RETURN NULL; END IF;
  -- undone as a whole when an account or the key is not as it nearly always is
  BEGIN
    WITH changed AS (
      UPDATE balance b SET seq = b.seq + 1,
        debited = CASE WHEN b.code = p_debit THEN b.debited + p_amount ELSE b.debited END,
        credited = CASE WHEN b.code = p_debit THEN b.credited ELSE b.credited + p_amount END
      WHERE b.operator_id = p_operator AND b.code = ANY (codes) AND b.asset = p_asset AND b.stripe = ANY (stripes)
        AND b.stripe = CASE WHEN b.code = p_debit THEN debit_stripe ELSE credit_stripe END AND b.open
        AND (b.overdraft IS NULL OR b.debit_normal = (b.code = p_debit) OR b.overdraft >= p_amount
          + CASE WHEN b.debit_normal THEN b.credited + b.credit_held - b.debited ELSE b.debited + b.debit_held - b.credited END)
      RETURNING b.account_id, b.code = p_debit AS is_debit, CASE WHEN NOT b.striped THEN b.seq END AS seq,
        CASE WHEN b.striped THEN NULL WHEN b.debit_normal THEN b.debited - b.credited ELSE b.credited - b.debited END AS after
    )
    INSERT INTO transfer (operator_id, journal_id, n, asset, debit_account, credit_account, amount,
      debit_seq, debit_after, credit_seq, credit_after, created_at)
    SELECT p_operator, p_id, 0, p_asset, d.account_id, c.account_id, p_amount, d.seq, d.after, c.seq, c.after, clock_timestamp()
    FROM changed d, changed c WHERE d.is_debit AND NOT c.is_debit;
    IF NOT found THEN RAISE EXCEPTION 'ask post' USING ERRCODE = 'P0L11'; END IF;
    INSERT INTO journal (operator_id, key, id, kind, transfers, facts) VALUES (p_operator, p_key, p_id, p_kind, 1, p_facts);
  EXCEPTION WHEN unique_violation OR SQLSTATE 'P0L11' THEN RETURN NULL;
  END;
  RETURN 'posted';
END $$;
--> statement-breakpoint
DROP FUNCTION ledger.post(text, text[], text[], text[], numeric[], int[], uuid[], text[], text[], jsonb[], int[], int[], int[], numeric[]);
--> statement-breakpoint
-- Posts journals, each all or nothing, none at the cost of another. The accounts touched come once each (a_*), transfers
-- name them by index and come in the order of their journals. Answers per journal: posted, exists (the same key with the
-- same transfers), differs (the same key with others), buried (a tombstone has the key), insufficient_funds, closed.
-- The order of the steps is the proof: rows are locked first, so a twin on the same accounts waits. Keys are taken to be
-- new; where one is not, everything written is undone and the work begins again (p_look) with a look at the keys, which
-- then sees what the twin committed. One that posts after that look is met by the unique key, and the transaction runs again.
CREATE FUNCTION ledger.post(
  p_operator text,
  a_code text[], a_asset text[], a_class text[], a_overdraft numeric[], a_stripes int[],
  j_id uuid[], j_key text[], j_kind text[], j_facts jsonb[],
  t_journal int[], t_debit int[], t_credit int[], t_amount numeric[],
  p_alone boolean DEFAULT false, p_look boolean DEFAULT false
) RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER
  -- one plan for good, over the indexes: planning anew for each array's length took more than half of the time
  SET search_path = ledger, pg_temp SET plan_cache_mode = force_generic_plan
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_variable
DECLARE
  transfers int := cardinality(t_journal);
  id bigint[]; place tid[]; striped boolean[]; usable boolean[]; debit_normal boolean[]; overdraft numeric[];
  debited numeric[]; credited numeric[]; debit_held numeric[]; credit_held numeric[]; seq bigint[]; seq_before bigint[];
  known uuid[];
  result text[]; size int[] := array_fill(0, ARRAY[cardinality(j_id)]);
  x_ok boolean[] := array_fill(false, ARRAY[cardinality(t_journal)]);
  -- filled, since an array whose first place is never set would begin at its second one, and its rows be taken for others
  no_numbers bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(t_journal)]);
  x_n int[] := no_numbers; x_id uuid[]; x_asset text[] := no_numbers; x_debit bigint[] := no_numbers; x_credit bigint[] := no_numbers;
  x_debit_seq bigint[] := no_numbers; x_debit_after numeric[] := no_numbers;
  x_credit_seq bigint[] := no_numbers; x_credit_after numeric[] := no_numbers;
  k int := 1; first int; d int; c int; m numeric; verdict text; posted int := 0; written int; touched int;
  moment timestamptz;
BEGIN
  IF p_alone THEN PERFORM alone(p_operator); END IF;
  -- as in require_operator(), without the call
  IF (p_operator <> '' AND p_operator = current_setting('app.operator', true)) IS NOT TRUE THEN
    RAISE EXCEPTION 'not the operator of this transaction' USING ERRCODE = 'P0L09';
  END IF;
  FOR j IN 1 .. cardinality(j_id) LOOP
    IF NOT recent(j_id[j]) THEN
      RAISE EXCEPTION 'the time of the id is far from now' USING ERRCODE = 'P0L10';
    END IF;
  END LOOP;
  FOR attempt IN 1 .. 2 LOOP
    -- lateral, so that no plan ever reads all balances: those made while the tables were empty would
    SELECT array_agg(s.account_id ORDER BY s.o), array_agg(s.place ORDER BY s.o), array_agg(s.striped ORDER BY s.o),
      array_agg(s.open ORDER BY s.o), array_agg(s.debit_normal ORDER BY s.o), array_agg(s.overdraft ORDER BY s.o),
      array_agg(s.debited ORDER BY s.o), array_agg(s.credited ORDER BY s.o),
      array_agg(s.debit_held ORDER BY s.o), array_agg(s.credit_held ORDER BY s.o), array_agg(s.seq ORDER BY s.o)
    INTO id, place, striped, usable, debit_normal, overdraft, debited, credited, debit_held, credit_held, seq
    FROM (
      SELECT u.o, l.* FROM (
        -- the order in which everybody locks
        SELECT * FROM unnest(a_code, a_asset, a_stripes) WITH ORDINALITY x (code, asset, stripes, o)
        ORDER BY x.code COLLATE "C", x.asset
      ) u CROSS JOIN LATERAL (
        SELECT b.*, b.ctid AS place FROM balance b
        WHERE b.operator_id = p_operator AND b.code = u.code AND b.asset = u.asset AND b.stripe = pg_backend_pid() % u.stripes
        FOR NO KEY UPDATE
      ) l
    ) s;
    EXIT WHEN cardinality(id) = cardinality(a_code);
    PERFORM open_accounts(p_operator, a_code, a_asset, a_class, a_overdraft, a_stripes);
    -- an account that was opened under another chart keeps the stripes it has
    SELECT array_agg(a.stripes ORDER BY u.o) INTO a_stripes FROM unnest(a_code, a_asset) WITH ORDINALITY u (code, asset, o)
    CROSS JOIN LATERAL (SELECT z.stripes FROM account z WHERE z.operator_id = p_operator AND z.code = u.code AND z.asset = u.asset OFFSET 0) a;
  END LOOP;
  IF cardinality(id) IS DISTINCT FROM cardinality(a_code) THEN
    RAISE EXCEPTION 'the same account twice' USING ERRCODE = 'P0L12';
  END IF;
  seq_before := seq;
  IF p_look THEN
    SELECT array_agg(j.id ORDER BY u.o) INTO known
    FROM unnest(j_key) WITH ORDINALITY u (key, o) LEFT JOIN journal j ON j.operator_id = p_operator AND j.key = u.key;
  END IF;
  FOR j IN 1 .. cardinality(j_id) LOOP
    verdict := CASE WHEN known[j] IS NULL THEN 'posted' ELSE 'exists' END;
    first := k;
    WHILE k <= transfers AND t_journal[k] = j LOOP
      d := t_debit[k]; c := t_credit[k]; m := t_amount[k];
      IF (m > 0 AND m < 1e38 AND scale(m) = 0 AND d <> c AND a_asset[d] = a_asset[c]) IS NOT TRUE THEN
        RAISE EXCEPTION 'not a transfer' USING ERRCODE = 'P0L12';
      END IF;
      x_n[k] := k - first;
      x_id[k] := j_id[j];
      IF verdict <> 'exists' THEN
        IF NOT (usable[d] AND usable[c]) THEN verdict := 'closed'; END IF;
        debited[d] := debited[d] + m; seq[d] := seq[d] + 1;
        credited[c] := credited[c] + m; seq[c] := seq[c] + 1;
        x_asset[k] := a_asset[d]; x_debit[k] := id[d]; x_credit[k] := id[c];
        IF striped[d] THEN x_debit_seq[k] := NULL; x_debit_after[k] := NULL;
        ELSE
          x_debit_seq[k] := seq[d];
          x_debit_after[k] := CASE WHEN debit_normal[d] THEN debited[d] - credited[d] ELSE credited[d] - debited[d] END;
        END IF;
        IF striped[c] THEN x_credit_seq[k] := NULL; x_credit_after[k] := NULL;
        ELSE
          x_credit_seq[k] := seq[c];
          x_credit_after[k] := CASE WHEN debit_normal[c] THEN debited[c] - credited[c] ELSE credited[c] - debited[c] END;
        END IF;
      END IF;
      k := k + 1;
    END LOOP;
    size[j] := k - first;
    IF verdict = 'posted' THEN
      -- bounds hold where the journal ends, not between its transfers
      FOR i IN first .. k - 1 LOOP
        d := t_debit[i]; c := t_credit[i];
        IF overdraft[d] < (CASE WHEN debit_normal[d] THEN credited[d] + credit_held[d] - debited[d] ELSE debited[d] + debit_held[d] - credited[d] END)
          OR overdraft[c] < (CASE WHEN debit_normal[c] THEN credited[c] + credit_held[c] - debited[c] ELSE debited[c] + debit_held[c] - credited[c] END)
        THEN
          verdict := 'insufficient_funds'; EXIT;
        END IF;
      END LOOP;
    END IF;
    IF verdict = 'posted' THEN
      posted := posted + 1;
      FOR i IN first .. k - 1 LOOP x_ok[i] := true; END LOOP;
    ELSE
      IF verdict <> 'exists' THEN
        FOR i IN first .. k - 1 LOOP
          d := t_debit[i]; c := t_credit[i]; m := t_amount[i];
          debited[d] := debited[d] - m; seq[d] := seq[d] - 1;
          credited[c] := credited[c] - m; seq[c] := seq[c] - 1;
        END LOOP;
      END IF;
      -- what was posted before stays posted, whatever the accounts have now
      verdict := coalesce(taken(p_operator, j_key[j], j_kind[j], size[j],
        (SELECT array_agg(id[t_debit[i]] ORDER BY i) FROM generate_series(first, k - 1) i),
        (SELECT array_agg(id[t_credit[i]] ORDER BY i) FROM generate_series(first, k - 1) i), t_amount[first : k - 1]), verdict);
    END IF;
    result[j] := verdict;
  END LOOP;
  IF k <= transfers THEN
    RAISE EXCEPTION 'transfers out of the order of their journals' USING ERRCODE = 'P0L12';
  END IF;
  IF posted = 0 THEN RETURN result; END IF;
  BEGIN
    INSERT INTO journal (operator_id, key, id, kind, transfers, facts)
    SELECT p_operator, u.key, u.id, u.kind, u.size, u.facts
    FROM unnest(j_key, j_id, j_kind, size, j_facts, result) u (key, id, kind, size, facts, result) WHERE u.result = 'posted';
    -- the rows are locked, so they are where they were found
    UPDATE balance b SET debited = u.debited, credited = u.credited, seq = u.seq
    FROM unnest(place, debited, credited, seq, seq_before) u (place, debited, credited, seq, seq_before)
    WHERE b.ctid = u.place AND u.seq <> u.seq_before;
    GET DIAGNOSTICS written = ROW_COUNT;
    SELECT count(*) INTO touched FROM unnest(seq, seq_before) u (seq, seq_before) WHERE u.seq <> u.seq_before;
    IF written <> touched THEN RAISE EXCEPTION 'a locked balance has moved' USING ERRCODE = '40001'; END IF;
    moment := clock_timestamp();
    INSERT INTO transfer (operator_id, journal_id, n, asset, debit_account, credit_account, amount,
      debit_seq, debit_after, credit_seq, credit_after, created_at)
    SELECT p_operator, u.journal_id, u.n, u.asset, u.debit, u.credit, u.amount,
      u.debit_seq, u.debit_after, u.credit_seq, u.credit_after, moment
    FROM unnest(x_id, x_n, x_asset, x_debit, x_credit, t_amount, x_debit_seq, x_debit_after, x_credit_seq, x_credit_after, x_ok)
      u (journal_id, n, asset, debit, credit, amount, debit_seq, debit_after, credit_seq, credit_after, ok)
    WHERE u.ok;
    RETURN result;
  EXCEPTION WHEN unique_violation THEN
    IF p_look THEN RAISE EXCEPTION 'the key was posted meanwhile' USING ERRCODE = '40001'; END IF;
  END;
  RETURN post(p_operator, a_code, a_asset, a_class, a_overdraft, a_stripes, j_id, j_key, j_kind, j_facts,
    t_journal, t_debit, t_credit, t_amount, false, true);
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION ledger.post, ledger.post_one FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION ledger.post, ledger.post_one TO paycage_app;
