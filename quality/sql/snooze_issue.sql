-- Lets an issue rest until in_until, or until more than in_above of its rows are open, whichever comes first; both NULL
-- wakes it. It is counted all the same. in_by does it. AS091 where in_until is past or in_above below 0. Locks the issue.
CREATE FUNCTION dwh_lineage.snooze_issue(
    in_issue bigint, in_by text, in_until timestamptz, in_above bigint DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF in_until <= now() OR in_above < 0 THEN
        RAISE EXCEPTION 'An issue cannot be snoozed until %.', coalesce(in_until::text, format('more than %s rows', in_above))
            USING ERRCODE = 'AS091', HINT = 'Give a time to come, or a number of rows, 0 at least.';
    END IF;
    PERFORM dwh_lineage.note_on_issue(
        in_issue, 'snoozed', CASE WHEN in_until IS NULL AND in_above IS NULL THEN 'no more' ELSE concat_ws(
            ' or ', 'until ' || to_char(in_until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'),
            'until more than ' || in_above || ' rows are open'
        ) END, in_by
    );
    UPDATE dwh_lineage.quality_issues SET snoozed_until = in_until, snoozed_above = in_above WHERE id = in_issue;
END
$$;
COMMENT ON FUNCTION dwh_lineage.snooze_issue(bigint, text, timestamptz, bigint) IS 'Lets an issue rest for a while';
