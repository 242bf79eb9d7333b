-- Two-phase: reserve now, post or give back later. Lock risk: none, everything is new.
-- Opens holds, each all or nothing, none at the cost of another. Accounts come once each (a_*), holds name them by index.
-- Answers per hold: held, exists (the same id with the same fields), differs, insufficient_funds, closed.
CREATE FUNCTION ledger.hold(
  p_operator text,
  a_code text[], a_asset text[], a_class text[], a_overdraft numeric[], a_stripes int[],
  h_id uuid[], h_debit int[], h_credit int[], h_amount numeric[], h_expires timestamptz[]
) RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_account bigint[]; v_stripe smallint[];
  v_result text[]; v_known hold; d balance; c balance;
BEGIN
  PERFORM require_operator(p_operator);
  PERFORM open_accounts(p_operator, a_code, a_asset, a_class, a_overdraft, a_stripes);
  -- all rows first, in the order in which everybody locks
  SELECT array_agg(s.account_id ORDER BY s.o), array_agg(s.stripe ORDER BY s.o) INTO v_account, v_stripe
  FROM (
    SELECT u.o, b.account_id, b.stripe FROM unnest(a_code, a_asset) WITH ORDINALITY u (code, asset, o)
    JOIN account a ON a.operator_id = p_operator AND a.code = u.code AND a.asset = u.asset
    JOIN balance b ON b.operator_id = p_operator AND b.account_id = a.id AND b.stripe = pg_backend_pid() % a.stripes
    ORDER BY a.overdraft IS NULL, a.code COLLATE "C", a.asset FOR NO KEY UPDATE OF b
  ) s;
  FOR i IN 1 .. cardinality(h_id) LOOP
    IF (h_amount[i] > 0 AND h_amount[i] < 1e38 AND scale(h_amount[i]) = 0 AND h_debit[i] <> h_credit[i]
      AND a_asset[h_debit[i]] = a_asset[h_credit[i]]) IS NOT TRUE THEN
      RAISE EXCEPTION 'not a hold' USING ERRCODE = 'P0L12';
    END IF;
    SELECT * INTO v_known FROM hold WHERE operator_id = p_operator AND id = h_id[i];
    IF found THEN
      v_result[i] := CASE WHEN (v_known.debit_account, v_known.credit_account, v_known.amount)
        = (v_account[h_debit[i]], v_account[h_credit[i]], h_amount[i]) THEN 'exists' ELSE 'differs' END;
      CONTINUE;
    END IF;
    SELECT * INTO d FROM balance WHERE operator_id = p_operator AND account_id = v_account[h_debit[i]] AND stripe = v_stripe[h_debit[i]];
    SELECT * INTO c FROM balance WHERE operator_id = p_operator AND account_id = v_account[h_credit[i]] AND stripe = v_stripe[h_credit[i]];
    IF NOT (d.open AND c.open) THEN v_result[i] := 'closed'; CONTINUE; END IF;
    IF d.striped THEN
      -- what a hold takes from must be one row: nothing else can be asked whether it is there
      RAISE EXCEPTION 'a striped account takes no hold' USING ERRCODE = 'P0L12';
    END IF;
    IF d.overdraft < d.debited + d.debit_held + h_amount[i] - d.credited AND NOT d.debit_normal
      OR c.overdraft < c.credited + c.credit_held + h_amount[i] - c.debited AND c.debit_normal THEN
      v_result[i] := 'insufficient_funds'; CONTINUE;
    END IF;
    UPDATE balance SET debit_held = debit_held + h_amount[i]
    WHERE operator_id = p_operator AND account_id = d.account_id AND stripe = d.stripe;
    UPDATE balance SET credit_held = credit_held + h_amount[i]
    WHERE operator_id = p_operator AND account_id = c.account_id AND stripe = c.stripe;
    INSERT INTO hold (operator_id, id, asset, debit_account, credit_account, credit_stripe, amount, expires_at)
    VALUES (p_operator, h_id[i], d.asset, d.account_id, c.account_id, c.stripe, h_amount[i], h_expires[i]);
    v_result[i] := 'held';
  END LOOP;
  RETURN v_result;
END $$;
--> statement-breakpoint
-- Takes the reservation off both sides. The hold's own row is locked and pending when this is called.
CREATE FUNCTION ledger.unreserve(h ledger.hold) RETURNS void LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
BEGIN
  PERFORM FROM balance b JOIN account a ON a.operator_id = b.operator_id AND a.id = b.account_id
  WHERE b.operator_id = h.operator_id AND (b.account_id, b.stripe) IN ((h.debit_account, 0), (h.credit_account, h.credit_stripe))
  ORDER BY a.overdraft IS NULL, a.code COLLATE "C", a.asset FOR NO KEY UPDATE OF b;
  UPDATE balance SET debit_held = debit_held - h.amount WHERE operator_id = h.operator_id AND account_id = h.debit_account AND stripe = 0;
  UPDATE balance SET credit_held = credit_held - h.amount
  WHERE operator_id = h.operator_id AND account_id = h.credit_account AND stripe = h.credit_stripe;
END $$;
--> statement-breakpoint
-- Resolves a hold at most once: posts `p_amount` of it (0 posts nothing) and gives the rest back. Again with the same
-- amount answers the same; with another, or after it expired, it is an error.
CREATE FUNCTION ledger.resolve(p_operator text, p_hold uuid, p_amount numeric, p_journal uuid, p_key text, p_kind text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
#variable_conflict use_column
DECLARE h hold; d account; c account; v_state text := CASE WHEN p_amount > 0 THEN 'posted' ELSE 'voided' END; v_result text[];
BEGIN
  PERFORM require_operator(p_operator);
  SELECT * INTO h FROM hold WHERE operator_id = p_operator AND id = p_hold FOR UPDATE;
  IF NOT found THEN RAISE EXCEPTION 'no such hold' USING ERRCODE = 'P0L07'; END IF;
  IF (p_amount >= 0 AND p_amount <= h.amount AND scale(p_amount) = 0) IS NOT TRUE THEN
    RAISE EXCEPTION 'more than the hold' USING ERRCODE = 'P0L08';
  END IF;
  IF h.state <> 'pending' THEN
    IF h.state = v_state AND h.captured = p_amount THEN RETURN v_state; END IF;
    RAISE EXCEPTION 'already resolved' USING ERRCODE = 'P0L02';
  END IF;
  IF p_amount > 0 AND h.expires_at <= clock_timestamp() THEN
    RAISE EXCEPTION 'expired' USING ERRCODE = 'P0L02';
  END IF;
  UPDATE hold SET state = v_state, captured = p_amount, resolved_at = clock_timestamp() WHERE operator_id = p_operator AND id = p_hold;
  PERFORM unreserve(h);
  IF p_amount > 0 THEN
    SELECT * INTO d FROM account WHERE operator_id = p_operator AND id = h.debit_account;
    SELECT * INTO c FROM account WHERE operator_id = p_operator AND id = h.credit_account;
    v_result := post(p_operator, ARRAY[d.code, c.code], ARRAY[d.asset, c.asset], ARRAY[d.class, c.class], ARRAY[d.overdraft, c.overdraft],
      ARRAY[d.stripes, c.stripes]::int[], ARRAY[p_journal], ARRAY[p_key], ARRAY[p_kind], ARRAY[jsonb_build_object('hold', p_hold)],
      ARRAY[1], ARRAY[1], ARRAY[2], ARRAY[p_amount]);
    IF v_result[1] <> 'posted' THEN RAISE EXCEPTION 'the hold could not be posted' USING ERRCODE = 'P0L14'; END IF;
  END IF;
  RETURN v_state;
END $$;
--> statement-breakpoint
-- Gives back holds whose time is over, at most so many; those that someone is just resolving are left to them.
CREATE FUNCTION ledger.expire_holds(p_operator text, p_limit int DEFAULT 500) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
#variable_conflict use_column
DECLARE h hold; v_ids uuid[];
BEGIN
  PERFORM require_operator(p_operator);
  SELECT array_agg(s.id) INTO v_ids FROM (
    SELECT id FROM hold WHERE operator_id = p_operator AND state = 'pending' AND expires_at <= clock_timestamp()
    ORDER BY expires_at LIMIT p_limit FOR UPDATE SKIP LOCKED
  ) s;
  -- all rows before the first change, in the order in which everybody locks
  PERFORM FROM balance b JOIN account a ON a.operator_id = b.operator_id AND a.id = b.account_id
  WHERE b.operator_id = p_operator AND EXISTS (
    SELECT FROM hold x WHERE x.operator_id = p_operator AND x.id = ANY (v_ids)
      AND ((b.account_id, b.stripe) = (x.debit_account, 0) OR (b.account_id, b.stripe) = (x.credit_account, x.credit_stripe)))
  ORDER BY a.overdraft IS NULL, a.code COLLATE "C", a.asset, b.stripe FOR NO KEY UPDATE OF b;
  FOR h IN SELECT * FROM hold WHERE operator_id = p_operator AND id = ANY (v_ids) LOOP
    UPDATE hold SET state = 'expired', resolved_at = clock_timestamp() WHERE operator_id = p_operator AND id = h.id;
    PERFORM unreserve(h);
  END LOOP;
  RETURN coalesce(cardinality(v_ids), 0);
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION ledger.hold, ledger.unreserve, ledger.resolve, ledger.expire_holds FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION ledger.hold, ledger.resolve, ledger.expire_holds TO paycage_app;
