-- Takes a row that a person rejects out of its issues' counts, and puts it back when that is undone: whoever moves the
-- state, one row or many. Loads count what they open and close themselves.
CREATE FUNCTION dwh_lineage.count_rejected()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO dwh_lineage.issue_deltas (issue_id, batch_no, delta)
    SELECT b.issue_id, NULL, sum(CASE WHEN n.state = 'rejected' THEN -1 ELSE 1 END)
    FROM now_so AS n
    JOIN was_so AS w ON w.id = n.id
    JOIN dwh_lineage.exception_breaches AS b ON b.exception_id = n.id
    WHERE (n.state = 'rejected') <> (w.state = 'rejected')
    GROUP BY b.issue_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION dwh_lineage.count_rejected() IS 'Keeps rejected rows out of the counts of issues';

CREATE TRIGGER count_rejected
AFTER UPDATE ON dwh_lineage.quality_exceptions
REFERENCING OLD TABLE AS was_so NEW TABLE AS now_so
FOR EACH STATEMENT EXECUTE FUNCTION dwh_lineage.count_rejected();
