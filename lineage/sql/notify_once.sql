-- Puts a notification into the outbox, as part of the transaction at hand; a second one of the same event is not written.
-- in_event names what happened for ever; in_kind: run_failed, issue, issue_again; in_object is the run or the issue.
-- Returns whether it was written. Locks nothing that others hold for long.
CREATE FUNCTION dwh_lineage.notify_once(
    in_event text, in_kind text, in_object bigint, in_subject text, in_text text DEFAULT ''
)
RETURNS boolean
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH written AS (
        INSERT INTO dwh_lineage.notifications (event, kind, object_id, subject, text)
        VALUES (in_event, in_kind, in_object, in_subject, coalesce(in_text, ''))
        ON CONFLICT (event) DO NOTHING
        RETURNING id
    )
    SELECT EXISTS (SELECT 1 FROM written);
END;
COMMENT ON FUNCTION dwh_lineage.notify_once(text, text, bigint, text, text) IS 'Puts a notification into the outbox, once';
