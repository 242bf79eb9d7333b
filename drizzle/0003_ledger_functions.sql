-- The only writers of the ledger. Each refuses an operator that isn't the transaction's (app.operator), so a statement
-- that strays onto another connection moves nothing. Lock risk: none, everything is new.
CREATE FUNCTION ledger.uuid_v7() RETURNS uuid LANGUAGE sql VOLATILE AS $$
  SELECT (substr(uuid_at::text, 1, 14) || '7' || substr(r::text, 16))::uuid
  FROM (SELECT ledger.uuid_at(clock_timestamp()), gen_random_uuid() AS r) x
$$;
--> statement-breakpoint
CREATE FUNCTION ledger.require_operator(p_operator text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_operator IS NULL OR p_operator = '' OR p_operator IS DISTINCT FROM current_setting('app.operator', true) THEN
    RAISE EXCEPTION 'not the operator of this transaction' USING ERRCODE = 'P0L09';
  END IF;
END $$;
--> statement-breakpoint
-- Opens the accounts that don't exist yet, each with its balance rows.
CREATE FUNCTION ledger.open_accounts(p_operator text, a_code text[], a_asset text[], a_class text[], a_overdraft numeric[], a_stripes int[])
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
  INSERT INTO balance (operator_id, account_id, stripe, asset, debit_normal, overdraft, striped)
  SELECT o.operator_id, o.id, g, o.asset, o.debit_normal, o.overdraft, o.stripes > 1
  FROM opened o, generate_series(0, o.stripes - 1) g;
END $$;
--> statement-breakpoint
-- What stands under a key that is taken, seen against a journal of one kind and size. Null when the key is free.
CREATE FUNCTION ledger.taken(p_operator text, p_key text, p_kind text, p_size int, p_debit bigint[], p_credit bigint[], p_amount numeric[])
RETURNS text LANGUAGE plpgsql STABLE SET search_path = ledger, pg_temp AS $$
DECLARE w journal;
BEGIN
  SELECT * INTO w FROM journal j WHERE j.operator_id = p_operator AND j.key = p_key;
  IF NOT found THEN RETURN NULL; END IF;
  IF w.transfers = 0 THEN RETURN 'buried'; END IF;
  IF w.kind = p_kind AND w.transfers = p_size AND p_size = (
    SELECT count(*) FROM transfer t WHERE t.operator_id = p_operator AND t.journal_id = w.id
      AND t.debit_account = p_debit[t.n + 1] AND t.credit_account = p_credit[t.n + 1] AND t.amount = p_amount[t.n + 1]
  ) THEN RETURN 'exists'; END IF;
  RETURN 'differs';
END $$;
--> statement-breakpoint
-- True when the id is a UUIDv7 of about now: its first 48 bits are milliseconds.
CREATE FUNCTION ledger.recent(p_id uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT substr(p_id::text, 15, 1) = '7' AND substr(p_id::text, 1, 8) || substr(p_id::text, 10, 4)
    BETWEEN lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - 24 * 3600000), 12, '0')
      AND lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint + 3600000), 12, '0')
$$;
--> statement-breakpoint
-- Posts one transfer under a new key between two open accounts that exist: what nearly every posting is, in a third of
-- the time. Answers posted; or null when anything is out of the ordinary, having changed nothing: then ask `post`.
-- The caller says which side comes first in the order of all (bounded accounts before unbounded ones, then by code), and
-- calls only when the second one can't refuse. Each side is found, locked, checked and changed in one statement.
CREATE FUNCTION ledger.post_one(
  p_operator text, p_id uuid, p_key text, p_kind text, p_facts jsonb,
  p_asset text, p_first text, p_second text, p_amount numeric, p_first_is_debit boolean
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = ledger, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  one record; two record;
  debit numeric := CASE WHEN p_first_is_debit THEN p_amount ELSE 0 END;
  credit numeric := p_amount - debit;
BEGIN
  IF (p_operator <> '' AND p_operator = current_setting('app.operator', true)) IS NOT TRUE THEN
    RAISE EXCEPTION 'not the operator of this transaction' USING ERRCODE = 'P0L09';
  END IF;
  UPDATE balance b SET debited = b.debited + debit, credited = b.credited + credit, seq = b.seq + 1 FROM account a
  WHERE a.operator_id = p_operator AND a.code = p_first AND a.asset = p_asset
    -- a backend keeps to one stripe, so that connections don't wait for each other
    AND b.operator_id = p_operator AND b.account_id = a.id AND b.stripe = pg_backend_pid() % a.stripes AND b.open
    AND (b.overdraft IS NULL OR b.overdraft >= CASE WHEN b.debit_normal
      THEN b.credited + credit + b.credit_held - b.debited - debit ELSE b.debited + debit + b.debit_held - b.credited - credit END)
    AND EXISTS (SELECT FROM account z WHERE z.operator_id = p_operator AND z.code = p_second AND z.asset = p_asset AND z.closed_at IS NULL)
    AND NOT EXISTS (SELECT FROM journal j WHERE j.operator_id = p_operator AND j.key = p_key)
    AND p_amount > 0 AND p_first <> p_second AND recent(p_id)
  RETURNING b.account_id, CASE WHEN NOT b.striped THEN b.seq END AS seq,
    CASE WHEN b.striped THEN NULL WHEN b.debit_normal THEN b.debited - b.credited ELSE b.credited - b.debited END AS after INTO one;
  IF NOT found THEN RETURN NULL; END IF;
  UPDATE balance b SET debited = b.debited + credit, credited = b.credited + debit, seq = b.seq + 1 FROM account a
  WHERE a.operator_id = p_operator AND a.code = p_second AND a.asset = p_asset
    AND b.operator_id = p_operator AND b.account_id = a.id AND b.stripe = pg_backend_pid() % a.stripes AND b.open
  RETURNING b.account_id, CASE WHEN NOT b.striped THEN b.seq END AS seq,
    CASE WHEN b.striped THEN NULL WHEN b.debit_normal THEN b.debited - b.credited ELSE b.credited - b.debited END AS after INTO two;
  -- closed since we looked
  IF NOT found THEN RAISE EXCEPTION 'the account is closed' USING ERRCODE = 'P0L04'; END IF;
  INSERT INTO journal (operator_id, key, id, kind, transfers, facts) VALUES (p_operator, p_key, p_id, p_kind, 1, p_facts)
  ON CONFLICT (operator_id, key) DO NOTHING;
  IF NOT found THEN RAISE EXCEPTION 'the key was posted meanwhile' USING ERRCODE = '40001'; END IF;
  INSERT INTO transfer (operator_id, journal_id, n, asset, debit_account, credit_account, amount,
    debit_seq, debit_after, credit_seq, credit_after, created_at)
  SELECT p_operator, p_id, 0, p_asset, d, c, p_amount, d_seq, d_after, c_seq, c_after, clock_timestamp()
  FROM (VALUES
    (true, one.account_id, two.account_id, one.seq, one.after, two.seq, two.after),
    (false, two.account_id, one.account_id, two.seq, two.after, one.seq, one.after)
  ) v (first_is_debit, d, c, d_seq, d_after, c_seq, c_after) WHERE first_is_debit = p_first_is_debit;
  RETURN 'posted';
END $$;
--> statement-breakpoint
-- Posts journals, each all or nothing, none at the cost of another. The accounts touched come once each (a_*), transfers
-- name them by index and come in the order of their journals. Answers per journal: posted, exists (the same key with the
-- same transfers), differs (the same key with others), buried (a tombstone has the key), insufficient_funds, closed.
-- The order of the steps is the proof: rows are locked before keys are looked up, so a twin on the same accounts waits
-- and then sees the key; a twin that shares no row (striped accounts only) meets the unique key and is run again.
CREATE FUNCTION ledger.post(
  p_operator text,
  a_code text[], a_asset text[], a_class text[], a_overdraft numeric[], a_stripes int[],
  j_id uuid[], j_key text[], j_kind text[], j_facts jsonb[],
  t_journal int[], t_debit int[], t_credit int[], t_amount numeric[]
) RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER
  -- one plan for good, over the indexes: planning anew for each array's length took more than half of the time
  SET search_path = ledger, pg_temp SET plan_cache_mode = force_generic_plan
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_variable
DECLARE
  transfers int := cardinality(t_journal);
  id bigint[]; stripe smallint[]; striped boolean[]; usable boolean[]; debit_normal boolean[]; overdraft numeric[];
  debited numeric[]; credited numeric[]; debit_held numeric[]; credit_held numeric[]; seq bigint[];
  known uuid[];
  result text[]; size int[] := array_fill(0, ARRAY[cardinality(j_id)]);
  x_ok boolean[] := array_fill(false, ARRAY[cardinality(t_journal)]);
  x_n int[]; x_id uuid[]; x_asset text[]; x_debit bigint[]; x_credit bigint[];
  x_debit_seq bigint[]; x_debit_after numeric[]; x_credit_seq bigint[]; x_credit_after numeric[];
  k int := 1; first int; d int; c int; m numeric; verdict text; posted int := 0; written int;
  moment timestamptz;
BEGIN
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
    SELECT array_agg(s.account_id ORDER BY s.o), array_agg(s.stripe ORDER BY s.o), array_agg(s.striped ORDER BY s.o),
      array_agg(s.open ORDER BY s.o), array_agg(s.debit_normal ORDER BY s.o), array_agg(s.overdraft ORDER BY s.o),
      array_agg(s.debited ORDER BY s.o), array_agg(s.credited ORDER BY s.o),
      array_agg(s.debit_held ORDER BY s.o), array_agg(s.credit_held ORDER BY s.o), array_agg(s.seq ORDER BY s.o)
    INTO id, stripe, striped, usable, debit_normal, overdraft, debited, credited, debit_held, credit_held, seq
    FROM (
      SELECT u.o, b.* FROM unnest(a_code, a_asset) WITH ORDINALITY u (code, asset, o)
      JOIN account a ON a.operator_id = p_operator AND a.code = u.code AND a.asset = u.asset
      JOIN balance b ON b.operator_id = p_operator AND b.account_id = a.id AND b.stripe = pg_backend_pid() % a.stripes
      -- the order in which everybody locks
      ORDER BY a.overdraft IS NULL, a.code COLLATE "C", a.asset FOR NO KEY UPDATE OF b
    ) s;
    EXIT WHEN cardinality(id) = cardinality(a_code);
    PERFORM open_accounts(p_operator, a_code, a_asset, a_class, a_overdraft, a_stripes);
  END LOOP;
  IF cardinality(id) IS DISTINCT FROM cardinality(a_code) THEN
    RAISE EXCEPTION 'the same account twice' USING ERRCODE = 'P0L12';
  END IF;
  SELECT array_agg(j.id ORDER BY u.o) INTO known
  FROM unnest(j_key) WITH ORDINALITY u (key, o) LEFT JOIN journal j ON j.operator_id = p_operator AND j.key = u.key;
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
    ELSIF verdict = 'exists' THEN
      verdict := taken(p_operator, j_key[j], j_kind[j], size[j],
        (SELECT array_agg(id[t_debit[i]] ORDER BY i) FROM generate_series(first, k - 1) i),
        (SELECT array_agg(id[t_credit[i]] ORDER BY i) FROM generate_series(first, k - 1) i), t_amount[first : k - 1]);
    ELSE
      FOR i IN first .. k - 1 LOOP
        d := t_debit[i]; c := t_credit[i]; m := t_amount[i];
        debited[d] := debited[d] - m; seq[d] := seq[d] - 1;
        credited[c] := credited[c] - m; seq[c] := seq[c] - 1;
      END LOOP;
    END IF;
    result[j] := verdict;
  END LOOP;
  IF k <= transfers THEN
    RAISE EXCEPTION 'transfers out of the order of their journals' USING ERRCODE = 'P0L12';
  END IF;
  IF posted = 0 THEN RETURN result; END IF;
  INSERT INTO journal (operator_id, key, id, kind, transfers, facts)
  SELECT p_operator, u.key, u.id, u.kind, u.size, u.facts
  FROM unnest(j_key, j_id, j_kind, size, j_facts, result) u (key, id, kind, size, facts, result)
  WHERE u.result = 'posted' ON CONFLICT (operator_id, key) DO NOTHING;
  GET DIAGNOSTICS written = ROW_COUNT;
  IF written <> posted THEN
    -- a twin posted the key since we looked: run again and find it
    RAISE EXCEPTION 'the key was posted meanwhile' USING ERRCODE = '40001';
  END IF;
  UPDATE balance b SET debited = u.debited, credited = u.credited, seq = u.seq
  FROM unnest(id, stripe, debited, credited, seq) u (id, stripe, debited, credited, seq)
  WHERE b.operator_id = p_operator AND b.account_id = u.id AND b.stripe = u.stripe AND b.seq <> u.seq;
  moment := clock_timestamp();
  INSERT INTO transfer (operator_id, journal_id, n, asset, debit_account, credit_account, amount,
    debit_seq, debit_after, credit_seq, credit_after, created_at)
  SELECT p_operator, u.journal_id, u.n, u.asset, u.debit, u.credit, u.amount,
    u.debit_seq, u.debit_after, u.credit_seq, u.credit_after, moment
  FROM unnest(x_id, x_n, x_asset, x_debit, x_credit, t_amount, x_debit_seq, x_debit_after, x_credit_seq, x_credit_after, x_ok)
    u (journal_id, n, asset, debit, credit, amount, debit_seq, debit_after, credit_seq, credit_after, ok)
  WHERE u.ok;
  RETURN result;
END $$;
--> statement-breakpoint
-- Sets the operator for one statement that is a transaction of its own, and refuses to do so inside one that has it.
CREATE FUNCTION ledger.alone(p_operator text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('app.operator', true) <> '' THEN
    RAISE EXCEPTION 'not a statement of its own' USING ERRCODE = 'P0L09';
  END IF;
  PERFORM set_config('app.operator', p_operator, true);
END $$;
--> statement-breakpoint
-- Takes a key so that it can never be posted: a rollback that came before its bet. Answers buried, or exists.
CREATE FUNCTION ledger.bury(p_operator text, p_id uuid, p_key text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
  PERFORM require_operator(p_operator);
  INSERT INTO journal (operator_id, key, id, kind, transfers) VALUES (p_operator, p_key, p_id, 'tombstone', 0)
  ON CONFLICT (operator_id, key) DO NOTHING;
  IF found OR EXISTS (SELECT FROM journal WHERE operator_id = p_operator AND key = p_key AND transfers = 0) THEN RETURN 'buried'; END IF;
  RETURN 'exists';
END $$;
--> statement-breakpoint
CREATE FUNCTION ledger.set_overdraft(p_operator text, p_code text, p_asset text, p_overdraft numeric) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE v_account bigint;
BEGIN
  PERFORM require_operator(p_operator);
  UPDATE account a SET overdraft = p_overdraft WHERE a.operator_id = p_operator AND a.code = p_code AND a.asset = p_asset
  RETURNING a.id INTO v_account;
  -- the balance's own check refuses a bound that is already passed
  UPDATE balance b SET overdraft = p_overdraft WHERE b.operator_id = p_operator AND b.account_id = v_account;
  RETURN found;
EXCEPTION WHEN check_violation THEN
  RAISE EXCEPTION 'the bound is already passed, or the account is striped' USING ERRCODE = 'P0L13';
END $$;
--> statement-breakpoint
-- Closes an account that holds nothing; a closed one takes no posting and no hold. Closing twice is closing once.
CREATE FUNCTION ledger.close_account(p_operator text, p_code text, p_asset text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE v_account bigint; empty boolean;
BEGIN
  PERFORM require_operator(p_operator);
  SELECT a.id INTO v_account FROM account a WHERE a.operator_id = p_operator AND a.code = p_code AND a.asset = p_asset FOR UPDATE;
  IF NOT found THEN RETURN false; END IF;
  PERFORM FROM balance b WHERE b.operator_id = p_operator AND b.account_id = v_account ORDER BY b.stripe FOR NO KEY UPDATE;
  SELECT sum(b.debited) = sum(b.credited) AND sum(b.debit_held) = 0 AND sum(b.credit_held) = 0 INTO empty
  FROM balance b WHERE b.operator_id = p_operator AND b.account_id = v_account;
  IF NOT empty THEN RAISE EXCEPTION 'the account is not empty' USING ERRCODE = 'P0L13'; END IF;
  UPDATE balance b SET open = false WHERE b.operator_id = p_operator AND b.account_id = v_account;
  UPDATE account a SET closed_at = coalesce(a.closed_at, now()) WHERE a.operator_id = p_operator AND a.id = v_account;
  RETURN true;
END $$;
