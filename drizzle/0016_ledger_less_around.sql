-- A batch asks less around its postings: the bounds of an id's time are reckoned once and not for each, the operator is told
-- without a call, and each locked balance is written, changed or not, so that the rows needn't be counted beforehand.
-- Lock risk: none, a function is replaced.
DO $$
DECLARE
  f text := pg_get_functiondef('ledger.post'::regproc);
  change text[];
  changes text[] := ARRAY[
    ARRAY['moment timestamptz;',
      'moment timestamptz; of_transaction text := coalesce(current_setting(''app.operator'', true), '''');
  oldest uuid := uuid_at(now() - interval ''24 hours''); newest uuid := uuid_at(now() + interval ''1 hour'');'],
    ARRAY['  IF p_alone THEN PERFORM alone(p_operator); END IF;
  -- as in require_operator(), without the call
  IF (p_operator <> '''' AND p_operator = current_setting(''app.operator'', true)) IS NOT TRUE THEN',
      '  -- as in alone() and require_operator(), without the calls: a statement of its own has no operator yet
  IF p_alone AND of_transaction = '''' THEN
    of_transaction := set_config(''app.operator'', p_operator, true);
  ELSIF p_alone THEN
    of_transaction := '''';
  END IF;
  IF (of_transaction <> '''' AND p_operator = of_transaction) IS NOT TRUE THEN'],
    ARRAY['IF NOT recent(j_id[j]) THEN',
      'IF (j_id[j] >= oldest AND j_id[j] < newest AND substr(j_id[j]::text, 15, 1) = ''7'') IS NOT TRUE THEN'],
    ARRAY[' seq bigint[]; seq_before bigint[];', ' seq bigint[];'],
    ARRAY['  seq_before := seq;
', ''],
    ARRAY['written int; touched int;', 'written int;'],
    ARRAY['(place, debited, credited, seq, seq_before) u (place, debited, credited, seq, seq_before)
    WHERE b.ctid = u.place AND u.seq <> u.seq_before;',
      '(place, debited, credited, seq) u (place, debited, credited, seq)
    WHERE b.ctid = u.place;'],
    ARRAY['    SELECT count(*) INTO touched FROM unnest(seq, seq_before) u (seq, seq_before) WHERE u.seq <> u.seq_before;
    IF written <> touched THEN', '    IF written <> cardinality(place) THEN']
  ];
BEGIN
  FOREACH change SLICE 1 IN ARRAY changes LOOP
    IF position(change[1] IN f) = 0 THEN RAISE EXCEPTION 'ledger.post is not what 0013 made it: % is missing', change[1]; END IF;
    f := replace(f, change[1], change[2]);
  END LOOP;
  EXECUTE f;
END $$;
