-- What a person can do where a load of in_target failed since a row lacks a value that it needs: the rows upstream that waivers
-- of `required` let in without one, each with its decision, three at most; without such waivers, what the query can say.
-- Locks nothing.
CREATE FUNCTION dwh_lineage.why_absent(in_target text)
RETURNS text
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE upstream AS (
        SELECT i.source FROM dwh_lineage.target_inputs AS i WHERE i.consumer = in_target
        UNION
        SELECT i.source FROM upstream AS u JOIN dwh_lineage.target_inputs AS i ON i.consumer = u.source
    ), let_in AS (
        SELECT format(
            'decision %s of %s lets %s of %s in without %s', d.id, a.username,
            CASE WHEN w.bronze_id IS NULL THEN 'rows' ELSE 'the row ' || w.bronze_id END, w.target, split_part(w.rule, ':', 1)
        ) AS said, count(*) OVER () AS times, row_number() OVER (ORDER BY w.id DESC) AS place
        FROM upstream AS u
        JOIN dwh_lineage.waivers AS w ON w.target = u.source AND w.withdrawn_by_id IS NULL
        JOIN dwh_lineage.quality_rules AS r ON r.target = w.target AND r.rule = w.rule AND r.active AND r.kind = 'required'
        JOIN dwh_lineage.quality_decisions AS d ON d.id = w.decision_id
        JOIN public.auth_user AS a ON a.id = d.author_id
        WHERE w.last_batch_no IS NULL OR w.last_batch_no > 0
    )
    SELECT coalesce(
        'Waivers upstream: ' || string_agg(l.said, '; ' ORDER BY l.place) FILTER (WHERE l.place <= 3)
        || CASE WHEN max(l.times) > 3 THEN format('; and %s more', max(l.times) - 3) ELSE '' END
        || '. Undo the decision and correct the rows; or let the query say what stands for a value that is missing (coalesce).',
        'Let the query leave such rows out, or say what stands for a value that is missing (coalesce).'
    )
    FROM let_in AS l
$$;
COMMENT ON FUNCTION dwh_lineage.why_absent(text) IS 'What to do about a value that a load lacks';
