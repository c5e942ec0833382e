-- Takes a row that a person rejects out of its issues' counts, and puts it back when that is undone: whoever moves the
-- state, one row or many. Loads count what they open and close themselves.
CREATE FUNCTION dwh_lineage.count_rejected()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO dwh_lineage.issue_deltas (issue_id, batch_no, delta)
    SELECT b.issue_id, NULL, sum(x.change)
    FROM (
        -- Added up, not joined: a plan that was made for a few rows would join many in a nested loop.
        SELECT u.id, sum(u.change) AS change
        FROM (
            SELECT n.id, -1 AS change FROM now_so AS n WHERE n.state = 'rejected'
            UNION ALL
            SELECT w.id, 1 FROM was_so AS w WHERE w.state = 'rejected'
        ) AS u
        GROUP BY u.id
        HAVING sum(u.change) <> 0
    ) AS x
    JOIN dwh_lineage.exception_breaches AS b ON b.exception_id = x.id
    GROUP BY b.issue_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION dwh_lineage.count_rejected() IS 'Keeps rejected rows out of the counts of issues';

CREATE TRIGGER count_rejected
AFTER UPDATE ON dwh_lineage.quality_exceptions
REFERENCING OLD TABLE AS was_so NEW TABLE AS now_so
FOR EACH STATEMENT EXECUTE FUNCTION dwh_lineage.count_rejected();
