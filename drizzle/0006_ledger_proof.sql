-- The proof that the books are whole: seals over ranges of transfers, and a verification that finds every difference.
-- Lock risk: none, everything is new.
-- One transfer with its journal, as it was written. A row's text form quotes what it must, so no two rows look alike.
CREATE FUNCTION ledger.leaf(t ledger.transfer, j ledger.journal) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT sha256(convert_to(ROW(t.operator_id, t.journal_id, t.n, t.position, t.asset, t.debit_account, t.credit_account, t.amount,
    t.debit_seq, t.debit_after, t.credit_seq, t.credit_after, t.hold_id, extract(epoch FROM t.created_at),
    j.key, j.kind, j.transfers, j.facts)::text, 'UTF8'))
$$;
--> statement-breakpoint
CREATE FUNCTION ledger.range_root(p_operator text, p_from bigint, p_to bigint, OUT transfers bigint, OUT root bytea)
LANGUAGE sql STABLE AS $$
  SELECT count(*), sha256(coalesce(string_agg(ledger.leaf(t, j), ''::bytea ORDER BY t.position), ''))
  FROM ledger.transfer t LEFT JOIN ledger.journal j ON j.operator_id = t.operator_id AND j.id = t.journal_id
  WHERE t.operator_id = p_operator AND t.position > p_from AND t.position <= p_to
$$;
--> statement-breakpoint
CREATE FUNCTION ledger.seal_hash(s ledger.seal) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT sha256(convert_to(ROW(s.operator_id, s.no, s.epoch, s.from_position, s.to_position, s.transfers, encode(s.root, 'hex'),
    encode(s.previous, 'hex'))::text, 'UTF8'))
$$;
--> statement-breakpoint
-- Finds out up to which position no transfer can still appear. Positions are given out before commit, so the answer
-- takes two calls: the first marks the newest position and the transactions that might still write below it, a later
-- one finds them all ended. A restore from a dump ends all of them, in a new epoch.
CREATE FUNCTION ledger.advance_watermark() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE w watermark; e epoch; v_cluster bigint; v_database oid; v_position bigint; v_horizon bigint; v_oldest bigint;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'needs a fresh snapshot per statement' USING ERRCODE = 'P0L12';
  END IF;
  PERFORM pg_advisory_xact_lock(727203);
  SELECT system_identifier INTO v_cluster FROM pg_control_system();
  SELECT oid INTO v_database FROM pg_database WHERE datname = current_database();
  SELECT * INTO e FROM epoch ORDER BY no DESC LIMIT 1;
  IF NOT found OR (e.cluster, e.database) IS DISTINCT FROM (v_cluster, v_database) THEN
    INSERT INTO epoch (no, cluster, database) VALUES (coalesce(e.no, 0) + 1, v_cluster, v_database) RETURNING * INTO e;
  END IF;
  SELECT * INTO w FROM watermark;
  -- the position first and the snapshot in a later statement: whoever has a position up to it had its id before
  SELECT last_value INTO v_position FROM position;
  SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint, pg_snapshot_xmin(pg_current_snapshot())::text::bigint
  INTO v_horizon, v_oldest;
  IF w.one IS NULL THEN
    INSERT INTO watermark (epoch, position, horizon, sealable) VALUES (e.no, v_position, v_horizon, 0);
    RETURN 0;
  END IF;
  IF w.epoch = e.no AND v_oldest < w.horizon THEN RETURN w.sealable; END IF;
  UPDATE watermark SET sealable = w.position, epoch = e.no, position = greatest(v_position, w.position), horizon = v_horizon;
  RETURN w.position;
END $$;
--> statement-breakpoint
-- Seals the next range of an operator's transfers, at most 100,000 positions at a time, as far as the watermark goes.
-- Answers how many transfers it sealed, or null when there is nothing to seal.
CREATE FUNCTION ledger.seal(p_operator text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE p seal; s seal; v_sealable bigint; v_from bigint; v_to bigint; r record;
BEGIN
  PERFORM require_operator(p_operator);
  PERFORM pg_advisory_xact_lock(727204, hashtext(p_operator));
  SELECT w.sealable INTO v_sealable FROM watermark w;
  SELECT * INTO p FROM seal x WHERE x.operator_id = p_operator ORDER BY x.no DESC LIMIT 1;
  v_from := coalesce(p.to_position, 0);
  v_to := v_from;
  WHILE v_to < v_sealable LOOP
    v_to := least(v_to + 100000, v_sealable);
    SELECT * INTO r FROM range_root(p_operator, v_from, v_to);
    -- an empty range is sealed only when it has become long, so that nobody has to look through it again
    CONTINUE WHEN r.transfers = 0 AND v_to - v_from < 1000000;
    s := ROW(p_operator, coalesce(p.no, 0) + 1, (SELECT max(e.no) FROM epoch e), v_from, v_to, r.transfers, r.root, coalesce(p.hash, ''), '', now());
    s.hash := seal_hash(s);
    INSERT INTO seal SELECT s.*;
    RETURN s.transfers;
  END LOOP;
  RETURN NULL;
END $$;
--> statement-breakpoint
-- The seals that no longer fit what they sealed, or one another.
CREATE FUNCTION ledger.verify_seals(p_operator text) RETURNS TABLE (problem text, reference text) LANGUAGE sql STABLE AS $$
  SELECT 'seal broken', s.no::text
  FROM (
    SELECT x AS s, x.no, lag(x.hash, 1, ''::bytea) OVER w AS previous, lag(x.to_position, 1, 0::bigint) OVER w AS ended, lag(x.no, 1, 0::bigint) OVER w AS before
    FROM ledger.seal x WHERE x.operator_id = p_operator WINDOW w AS (ORDER BY x.no)
  ) s
  CROSS JOIN LATERAL ledger.range_root(p_operator, (s.s).from_position, (s.s).to_position) r
  WHERE (r.transfers, r.root) IS DISTINCT FROM ((s.s).transfers, (s.s).root)
    OR (s.s).hash <> ledger.seal_hash(s.s) OR (s.s).previous <> s.previous OR (s.s).from_position <> s.ended OR s.no <> s.before + 1
  ORDER BY s.no
$$;
--> statement-breakpoint
-- Every way in which the books of an operator can be wrong; no row means that they are whole. One statement, one snapshot.
CREATE FUNCTION ledger.verify(p_operator text) RETURNS TABLE (problem text, reference text) LANGUAGE sql STABLE
SET work_mem = '64MB' AS $$
  WITH legs AS (
    SELECT e.account_id, sum(e.amount) FILTER (WHERE e.debit) AS debited, sum(e.amount) FILTER (WHERE NOT e.debit) AS credited,
      count(*) AS entries, count(e.seq) AS numbered, min(e.seq) AS first, max(e.seq) AS last, sum(e.seq) AS total
    FROM ledger.entry e WHERE e.operator_id = p_operator GROUP BY e.account_id
  ), rows AS (
    SELECT b.account_id, sum(b.debited) AS debited, sum(b.credited) AS credited, sum(b.debit_held) AS debit_held,
      sum(b.credit_held) AS credit_held, sum(b.seq) AS seq, count(*) AS stripes, bool_or(b.striped) AS striped
    FROM ledger.balance b WHERE b.operator_id = p_operator GROUP BY b.account_id
  ), pending AS (
    SELECT p.account_id, sum(p.debit) AS debit, sum(p.credit) AS credit FROM (
      SELECT h.debit_account AS account_id, h.amount AS debit, 0::numeric AS credit FROM ledger.hold h WHERE h.operator_id = p_operator AND h.state = 'pending'
      UNION ALL
      SELECT h.credit_account, 0, h.amount FROM ledger.hold h WHERE h.operator_id = p_operator AND h.state = 'pending'
    ) p GROUP BY p.account_id
  )
  SELECT 'balance differs from its entries', account_id::text FROM rows FULL JOIN legs USING (account_id)
  WHERE (rows.debited, rows.credited, rows.seq) IS DISTINCT FROM (coalesce(legs.debited, 0), coalesce(legs.credited, 0), coalesce(legs.entries, 0)::numeric)
  UNION ALL
  SELECT 'entries are not numbered without a gap', account_id::text FROM legs JOIN rows USING (account_id)
  WHERE NOT rows.striped
    AND (legs.numbered, legs.first, legs.last, legs.total) IS DISTINCT FROM (legs.entries, 1::bigint, legs.entries, (legs.entries * (legs.entries + 1) / 2)::numeric)
  UNION ALL
  SELECT 'running balance does not follow', c.account_id::text FROM (
    SELECT e.account_id, e.after - lag(e.after, 1, 0::numeric) OVER (PARTITION BY e.account_id ORDER BY e.seq) AS step,
      CASE WHEN e.debit THEN e.amount ELSE -e.amount END AS amount
    FROM ledger.entry e WHERE e.operator_id = p_operator AND e.seq IS NOT NULL
  ) c JOIN ledger.account a ON a.operator_id = p_operator AND a.id = c.account_id
  WHERE c.step IS DISTINCT FROM CASE WHEN a.debit_normal THEN c.amount ELSE -c.amount END GROUP BY c.account_id
  UNION ALL
  SELECT 'trial balance', b.asset FROM ledger.balance b WHERE b.operator_id = p_operator GROUP BY b.asset
  HAVING sum(b.debited) <> sum(b.credited) OR sum(b.debit_held) <> sum(b.credit_held)
  UNION ALL
  SELECT 'holds differ from what is reserved', account_id::text FROM rows FULL JOIN pending USING (account_id)
  WHERE (rows.debit_held, rows.credit_held) IS DISTINCT FROM (coalesce(pending.debit, 0), coalesce(pending.credit, 0))
  UNION ALL
  SELECT 'balance differs from its account', a.id::text FROM ledger.account a LEFT JOIN rows ON rows.account_id = a.id
  WHERE a.operator_id = p_operator AND (rows.stripes IS DISTINCT FROM a.stripes OR EXISTS (
    SELECT FROM ledger.balance b WHERE b.operator_id = p_operator AND b.account_id = a.id
      AND (b.asset, b.debit_normal, b.overdraft, b.striped, b.open) IS DISTINCT FROM (a.asset, a.debit_normal, a.overdraft, a.stripes > 1, a.closed_at IS NULL)))
  UNION ALL
  SELECT 'account is past its bound', b.account_id::text FROM ledger.balance b WHERE b.operator_id = p_operator
    AND b.overdraft < CASE WHEN b.debit_normal THEN b.credited + b.credit_held - b.debited ELSE b.debited + b.debit_held - b.credited END
  UNION ALL
  SELECT 'journal is not whole', coalesce(j.id, t.journal_id)::text
  FROM (SELECT x.id, x.transfers FROM ledger.journal x WHERE x.operator_id = p_operator AND x.transfers > 0) j
  FULL JOIN (
    SELECT y.journal_id, count(*) AS n, max(y.n) AS last FROM ledger.transfer y WHERE y.operator_id = p_operator GROUP BY y.journal_id
  ) t ON t.journal_id = j.id
  WHERE (j.transfers::bigint, j.transfers - 1) IS DISTINCT FROM (t.n, t.last::int)
  UNION ALL
  SELECT 'transfer between assets', t.journal_id::text FROM ledger.transfer t
  LEFT JOIN ledger.account d ON d.operator_id = p_operator AND d.id = t.debit_account
  LEFT JOIN ledger.account c ON c.operator_id = p_operator AND c.id = t.credit_account
  WHERE t.operator_id = p_operator AND (d.asset IS DISTINCT FROM t.asset OR c.asset IS DISTINCT FROM t.asset)
  UNION ALL
  SELECT v.problem, v.reference FROM ledger.verify_seals(p_operator) v
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION ledger.leaf, ledger.range_root, ledger.seal_hash, ledger.advance_watermark, ledger.seal, ledger.verify_seals, ledger.verify FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION ledger.leaf, ledger.range_root, ledger.seal_hash, ledger.advance_watermark, ledger.seal, ledger.verify_seals, ledger.verify TO paycage_app;
