-- A batch names its accounts and says what they are only when one is to be opened; rows are written from the arrays by index,
-- without laying them out as tables first; and the rule about an id's time is one for both ways to post.
-- Lock risk: none, a function is replaced.
-- Posts journals, each all or nothing, none at the cost of another. The accounts touched come once each (a_*), transfers
-- name them by index and come in the order of their journals. Without a_class, a_overdraft and a_stripes all accounts are
-- there already; where one isn't, the answer is null, nothing has changed, and these three are what to ask again with.
-- Answers per journal: posted, exists (the same key with the same transfers), differs (the same key with others), buried
-- (a tombstone has the key), insufficient_funds, closed.
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
  x_debit_seq bigint[]; x_debit_after numeric[]; x_credit_seq bigint[]; x_credit_after numeric[];
  first int[]; j int := 0; d int; c int; m numeric; doubtful boolean := false; verdict text; unposted int := 0; written int; moment timestamptz;
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
    IF a_class IS NOT NULL THEN PERFORM open_accounts(p_operator, a_code, a_asset, a_class, a_overdraft, a_stripes); END IF;
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
    IF a_class IS NULL THEN RETURN NULL; END IF;
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
    IF p_look AND result[j] = 'exists' THEN
      -- a first place that is never set would make the array begin at its second one
      x_debit_seq[k] := NULL; x_debit_after[k] := NULL; x_credit_seq[k] := NULL; x_credit_after[k] := NULL;
      CONTINUE;
    END IF;
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
    SELECT p_operator, j_key[n], j_id[n], j_kind[n], first[n + 1] - first[n], j_facts[n]
    FROM generate_series(1, j) n
    WHERE result[n] = 'posted' AND recent(j_id[n]);
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> j - unposted THEN RAISE EXCEPTION 'the time of the id is far from now' USING ERRCODE = 'P0L10'; END IF;
    -- the rows are locked, so they are where they were found
    UPDATE balance b SET debited = debited[k], credited = credited[k], seq = seq[k]
    FROM generate_series(1, cardinality(place)) k
    WHERE b.ctid = place[k];
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> cardinality(place) THEN RAISE EXCEPTION 'a locked balance has moved' USING ERRCODE = '40001'; END IF;
    moment := clock_timestamp();
    INSERT INTO transfer (operator_id, journal_id, n, asset, debit_account, credit_account, amount,
      debit_seq, debit_after, credit_seq, credit_after, created_at)
    SELECT p_operator, j_id[t_journal[k]], k - first[t_journal[k]], a_asset[t_debit[k]], id[t_debit[k]], id[t_credit[k]], t_amount[k],
      -- a striped account has no single order of entries
      CASE WHEN NOT striped[t_debit[k]] THEN x_debit_seq[k] END, CASE WHEN NOT striped[t_debit[k]] THEN x_debit_after[k] END,
      CASE WHEN NOT striped[t_credit[k]] THEN x_credit_seq[k] END, CASE WHEN NOT striped[t_credit[k]] THEN x_credit_after[k] END, moment
    FROM generate_series(1, transfers) k
    WHERE result[t_journal[k]] = 'posted';
    RETURN result;
  EXCEPTION WHEN unique_violation THEN
    IF p_look THEN RAISE EXCEPTION 'the key was posted meanwhile' USING ERRCODE = '40001'; END IF;
  END;
  RETURN post(p_operator, a_code, a_asset, a_class, a_overdraft, a_stripes, j_id, j_key, j_kind, j_facts,
    t_journal, t_debit, t_credit, t_amount, false, true);
END $$;
