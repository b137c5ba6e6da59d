-- One function for each command: the same rows into the same tables, with the same indexes, keys and fsync as the
-- product writes, and nothing else. No validation, no policy, no routing. Rows come in whole, as the handler made them.

CREATE OR REPLACE FUNCTION floor_streams(entries stream_entry[], names text[], counts bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  WITH locked AS (
    SELECT s.name FROM stream s WHERE s.name = ANY(names) ORDER BY s.name FOR UPDATE
  ), bumped AS (
    UPDATE stream s SET head = s.head + c.n
    FROM locked l JOIN unnest(names, counts) AS c(name, n) ON c.name = l.name
    WHERE s.name = l.name RETURNING s.name, s.head - c.n AS base
  )
  INSERT INTO stream_entry (stream, seq, event_id)
  SELECT e.stream, coalesce(b.base, 0) + e.seq, e.event_id
  FROM unnest(entries) e LEFT JOIN bumped b ON b.name = e.stream;
END $$;

CREATE OR REPLACE FUNCTION floor_request(
  c consultation, v vital_signs, k callout, o offer, p participant, facts event[],
  entries stream_entry[], names text[], counts bigint[], a stored_answer
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  c.number := 'F-' || nextval('case_number');
  INSERT INTO consultation SELECT c.*;
  INSERT INTO vital_signs SELECT v.*;
  INSERT INTO callout SELECT k.*;
  INSERT INTO offer SELECT o.*;
  INSERT INTO participant SELECT p.*;
  INSERT INTO event SELECT * FROM unnest(facts);
  PERFORM floor_streams(entries, names, counts);
  INSERT INTO stored_answer SELECT a.*;
END $$;

CREATE OR REPLACE FUNCTION floor_acceptance(
  case_id uuid, doctor uuid, at timestamptz, head bigint, p participant, facts event[],
  entries stream_entry[], names text[], counts bigint[], a stored_answer
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM consultation WHERE id = case_id AND status = 'ringing' FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'taken';
  END IF;
  UPDATE consultation SET status = 'active', holder_id = doctor, holder_name = p.name, held_since = at, updated_at = at,
    version = head, head_hash = facts[cardinality(facts)].hash WHERE id = case_id;
  UPDATE callout SET state = 'accepted', next_due_at = NULL, ended_at = at WHERE consultation_id = case_id;
  UPDATE offer SET state = 'accepted', answered_at = at WHERE consultation_id = case_id AND doctor_id = doctor;
  INSERT INTO participant SELECT p.*;
  INSERT INTO event SELECT * FROM unnest(facts);
  PERFORM floor_streams(entries, names, counts);
  INSERT INTO stored_answer SELECT a.*;
END $$;
