-- Many open timers made of a few sample cases, and the floor's step: claim with SKIP LOCKED, write the rows that the
-- product writes when it rings the next person, and say when to look again. It checks nothing and decides nothing.

CREATE SCHEMA bench;

-- Which case is a copy of which sample, and when its time comes.
CREATE TABLE bench.timer (case_id uuid PRIMARY KEY, sample_id uuid NOT NULL, round integer NOT NULL, due timestamptz);

-- The samples as they were before their time came, and what was written when it had come.
CREATE TABLE bench.consultation (LIKE consultation);
CREATE TABLE bench.callout (LIKE callout);
CREATE TABLE bench.offer (LIKE offer);
CREATE TABLE bench.participant (LIKE participant);
CREATE TABLE bench.vital_signs (LIKE vital_signs);
CREATE TABLE bench.event (LIKE event);
CREATE TABLE bench.offer_after (LIKE offer);
CREATE TABLE bench.event_after (LIKE event);
CREATE TABLE bench.entry_after (sample_id uuid, stream text, event_id uuid, place bigint);

CREATE FUNCTION bench.child(of_case uuid, former uuid) RETURNS uuid IMMUTABLE LANGUAGE sql
RETURN md5(of_case::text || former::text)::uuid;

CREATE FUNCTION bench.keep(samples uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO bench.consultation SELECT * FROM consultation WHERE id = ANY(samples);
  INSERT INTO bench.callout SELECT * FROM callout WHERE consultation_id = ANY(samples);
  INSERT INTO bench.offer SELECT * FROM offer WHERE consultation_id = ANY(samples);
  INSERT INTO bench.participant SELECT * FROM participant WHERE consultation_id = ANY(samples);
  INSERT INTO bench.vital_signs SELECT * FROM vital_signs WHERE consultation_id = ANY(samples);
  INSERT INTO bench.event SELECT * FROM event WHERE consultation_id = ANY(samples);
END $$;

CREATE FUNCTION bench.keep_after() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO bench.offer_after SELECT o.* FROM offer o JOIN bench.consultation c ON c.id = o.consultation_id
    WHERE NOT EXISTS (SELECT 1 FROM bench.offer b WHERE b.id = o.id);
  INSERT INTO bench.event_after SELECT e.* FROM event e JOIN bench.consultation c ON c.id = e.consultation_id
    WHERE e.seq > c.version;
  INSERT INTO bench.entry_after
    SELECT e.consultation_id, k.stream, k.event_id, row_number() OVER (PARTITION BY k.stream, e.consultation_id ORDER BY k.seq)
    FROM bench.event_after e JOIN stream_entry k ON k.event_id = e.id WHERE k.stream <> e.chain;
  -- The samples themselves have rung enough.
  UPDATE callout k SET state = 'ended', next_due_at = NULL FROM bench.consultation c WHERE k.consultation_id = c.id;
  UPDATE consultation c SET status = 'cancelled' FROM bench.consultation b WHERE b.id = c.id;
END $$;

CREATE FUNCTION bench.copy(cases uuid[], samples uuid[], rounds integer[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO bench.timer SELECT c, s, r FROM unnest(cases, samples, rounds) AS x(c, s, r);
  INSERT INTO consultation SELECT n.* FROM bench.timer t JOIN bench.consultation s ON s.id = t.sample_id,
    LATERAL jsonb_populate_record(s, jsonb_build_object('id', t.case_id, 'number', 'T-' || t.case_id)) n;
  INSERT INTO callout SELECT n.* FROM bench.timer t JOIN bench.callout s ON s.consultation_id = t.sample_id,
    LATERAL jsonb_populate_record(s, jsonb_build_object(
      'id', bench.child(t.case_id, s.id), 'consultation_id', t.case_id,
      'step_due_at', now() + interval '6 hours', 'next_due_at', now() + interval '6 hours')) n;
  INSERT INTO offer SELECT n.* FROM bench.timer t JOIN bench.offer s ON s.consultation_id = t.sample_id,
    LATERAL jsonb_populate_record(s, jsonb_build_object('id', bench.child(t.case_id, s.id),
      'callout_id', bench.child(t.case_id, s.callout_id), 'consultation_id', t.case_id)) n;
  INSERT INTO participant SELECT n.* FROM bench.timer t JOIN bench.participant s ON s.consultation_id = t.sample_id,
    LATERAL jsonb_populate_record(s, jsonb_build_object('consultation_id', t.case_id)) n;
  INSERT INTO vital_signs SELECT n.* FROM bench.timer t JOIN bench.vital_signs s ON s.consultation_id = t.sample_id,
    LATERAL jsonb_populate_record(s, jsonb_build_object('id', bench.child(t.case_id, s.id), 'consultation_id', t.case_id)) n;
  INSERT INTO event (id, chain, seq, type, at, actor_id, actor_name, consultation_id, data, data_hash, hash)
    SELECT bench.child(t.case_id, s.id), 'consultation:' || t.case_id, s.seq, s.type, s.at, s.actor_id, s.actor_name,
           t.case_id, s.data, s.data_hash, s.hash
    FROM bench.timer t JOIN bench.event s ON s.consultation_id = t.sample_id;
  INSERT INTO stream_entry (stream, seq, event_id)
    SELECT 'consultation:' || t.case_id, s.seq, bench.child(t.case_id, s.id)
    FROM bench.timer t JOIN bench.event s ON s.consultation_id = t.sample_id;
END $$;

-- Spread the due times of a round evenly over so many seconds, from a moment on.
CREATE FUNCTION bench.schedule(of_round integer, start timestamptz, seconds double precision) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE bench.timer t SET due = start + make_interval(secs => seconds * x.place / x.all_of_them)
  FROM (SELECT case_id, row_number() OVER (ORDER BY case_id) - 1 AS place, count(*) OVER () AS all_of_them
        FROM bench.timer WHERE round = of_round) x WHERE x.case_id = t.case_id;
  -- Under the lock of the case, as every writer: what the product writes about it at this moment must not undo this.
  PERFORM 1 FROM consultation c JOIN bench.timer t ON t.case_id = c.id WHERE t.round = of_round ORDER BY c.id FOR UPDATE OF c;
  UPDATE callout k SET step_due_at = t.due, next_due_at = t.due
  FROM bench.timer t WHERE t.round = of_round AND t.case_id = k.consultation_id;
END $$;

-- What became of a round: how late each was, by the commit of its fact (or is, if lost), and how often it was acted on.
CREATE FUNCTION bench.outcome(of_round integer) RETURNS TABLE (late_ms double precision, times bigint)
LANGUAGE sql VOLATILE AS $$
  SELECT extract(epoch FROM coalesce(min(pg_xact_commit_timestamp(e.xmin)), clock_timestamp()) - t.due)::double precision * 1000, count(e.id)
  FROM bench.timer t JOIN bench.consultation c ON c.id = t.sample_id
  LEFT JOIN event e ON e.consultation_id = t.case_id AND e.seq > c.version AND e.type = 'escalation.scheduled'
    AND e.data->>'step' = '1'
  WHERE t.round = of_round GROUP BY t.case_id, t.due
$$;

CREATE FUNCTION bench.still_due(of_round integer) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT count(*) FROM bench.timer t JOIN callout k ON k.consultation_id = t.case_id
  WHERE t.round = of_round AND k.step = 0
$$;

CREATE FUNCTION bench.retire(of_round integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE callout k SET state = 'ended', next_due_at = NULL FROM bench.timer t
    WHERE t.round = of_round AND t.case_id = k.consultation_id;
  UPDATE consultation c SET status = 'cancelled' FROM bench.timer t WHERE t.round = of_round AND t.case_id = c.id;
END $$;

CREATE FUNCTION bench.floor_step(OUT fired boolean, OUT passed_over boolean, OUT wait_s double precision)
LANGUAGE plpgsql AS $$
DECLARE
  k callout;
  sample uuid;
  moment timestamptz := clock_timestamp();
BEGIN
  SELECT c.* INTO k FROM callout c WHERE c.state = 'ringing' AND c.next_due_at <= moment
    ORDER BY c.next_due_at LIMIT 1 FOR UPDATE SKIP LOCKED;
  fired := FOUND;
  IF fired THEN
    SELECT sample_id INTO sample FROM bench.timer WHERE case_id = k.consultation_id;
    UPDATE callout SET step = 1, step_started_at = moment, step_due_at = moment + interval '5 minutes',
      next_due_at = moment + interval '5 minutes' WHERE id = k.id;
    UPDATE consultation c SET version = e.seq, head_hash = e.hash, updated_at = moment
      FROM (SELECT seq, hash FROM bench.event_after WHERE consultation_id = sample ORDER BY seq DESC LIMIT 1) e
      WHERE c.id = k.consultation_id;
    INSERT INTO offer SELECT n.* FROM bench.offer_after s, LATERAL jsonb_populate_record(s, jsonb_build_object(
        'id', bench.child(k.consultation_id, s.id), 'callout_id', k.id, 'consultation_id', k.consultation_id)) n
      WHERE s.consultation_id = sample;
    INSERT INTO event (id, chain, seq, type, at, actor_id, actor_name, consultation_id, data, data_hash, hash)
      SELECT bench.child(k.consultation_id, s.id), 'consultation:' || k.consultation_id, s.seq, s.type, moment, s.actor_id,
             s.actor_name, k.consultation_id, s.data, s.data_hash, s.hash
      FROM bench.event_after s WHERE s.consultation_id = sample;
    INSERT INTO stream_entry (stream, seq, event_id)
      SELECT 'consultation:' || k.consultation_id, s.seq, bench.child(k.consultation_id, s.id)
      FROM bench.event_after s WHERE s.consultation_id = sample;
    WITH counted AS (
      SELECT stream, count(*) AS n FROM bench.entry_after WHERE sample_id = sample GROUP BY stream
    ), locked AS (
      SELECT s.name FROM stream s WHERE s.name IN (SELECT stream FROM counted) ORDER BY s.name FOR UPDATE
    ), bumped AS (
      UPDATE stream s SET head = s.head + c.n FROM locked l JOIN counted c ON c.stream = l.name
      WHERE s.name = l.name RETURNING s.name, s.head - c.n AS base
    )
    INSERT INTO stream_entry (stream, seq, event_id)
    SELECT e.stream, b.base + e.place, bench.child(k.consultation_id, e.event_id)
    FROM bench.entry_after e JOIN bumped b ON b.name = e.stream WHERE e.sample_id = sample;
    wait_s := 0;
  ELSE
    passed_over := EXISTS (SELECT 1 FROM callout WHERE state = 'ringing' AND next_due_at <= moment);
    SELECT extract(epoch FROM min(next_due_at) - clock_timestamp()) INTO wait_s
      FROM callout WHERE state = 'ringing' AND next_due_at > moment;
  END IF;
END $$;
