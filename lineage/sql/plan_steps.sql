-- The steps of a run, in topological order: what brings in_targets up to date is they and all that feeds them.
-- in_rebuild: in_targets are written anew, and all that they feed is brought up to date.
-- Raises where a table is not installed or has no such load, or where tables feed each other in a circle. Locks nothing.
CREATE FUNCTION dwh_lineage.plan_steps(in_targets text[], in_rebuild boolean DEFAULT false)
RETURNS TABLE (step_position integer, step_target text, step_needs text[], step_rebuild boolean)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_needs jsonb;  -- target → the targets that must be loaded before it
    l_placed text[] := '{}';
    l_ready text[];
    l_circle text[];
BEGIN
    PERFORM dwh_lineage.require_loads(in_targets, in_rebuild);
    WITH RECURSIVE chosen (target) AS (
        SELECT u.target FROM unnest(in_targets) AS u (target)
        UNION
        SELECT CASE WHEN in_rebuild THEN i.consumer ELSE i.source END
        FROM chosen AS c
        JOIN dwh_lineage.target_inputs AS i ON c.target = CASE WHEN in_rebuild THEN i.source ELSE i.consumer END
    ), loads AS (
        SELECT t.target FROM chosen AS c JOIN dwh_lineage.targets AS t ON t.target = c.target
        WHERE t.load_routine IS NOT NULL
    )
    SELECT jsonb_object_agg(l.target, ARRAY(
        SELECT i.source FROM dwh_lineage.target_inputs AS i JOIN loads AS s ON s.target = i.source
        WHERE i.consumer = l.target ORDER BY i.source
    )) INTO l_needs
    FROM loads AS l;
    LOOP
        -- Sorted, so that equal declarations give equal plans.
        SELECT array_agg(n.key ORDER BY n.key) INTO l_ready
        FROM jsonb_each(l_needs - l_placed) AS n
        WHERE l_placed @> ARRAY(SELECT jsonb_array_elements_text(n.value));
        EXIT WHEN l_ready IS NULL;
        l_placed := l_placed || l_ready;
    END LOOP;
    l_needs := l_needs - l_placed;
    IF l_needs <> '{}' THEN
        -- Each of these needs another of them: who follows the needs comes back to where they have been.
        l_circle := ARRAY[(SELECT min(k) FROM jsonb_object_keys(l_needs) AS k)];
        WHILE cardinality(l_circle) = 1 OR l_circle[1] <> ALL (l_circle[2:]) LOOP
            l_circle := (
                SELECT min(e.need) FROM jsonb_array_elements_text(l_needs -> l_circle[1]) AS e (need)
                WHERE l_needs ? e.need
            ) || l_circle;
        END LOOP;
        l_circle := l_circle[:1 + array_position(l_circle[2:], l_circle[1])];
        RAISE EXCEPTION 'These tables feed each other in a circle: %.', array_to_string(l_circle, ' → ')
            USING ERRCODE = 'AS024',
                  HINT = 'Change the declaration of one of them: a table cannot be made from itself.';
    END IF;
    RETURN QUERY
    SELECT p.position::integer, p.target,
           ARRAY(
               SELECT i.source FROM dwh_lineage.target_inputs AS i
               WHERE i.consumer = p.target AND i.source = ANY (l_placed) ORDER BY i.source
           ),
           (in_rebuild AND p.target = ANY (in_targets)) OR (t.needs_rebuild AND t.rebuild_routine IS NOT NULL)
    FROM unnest(l_placed) WITH ORDINALITY AS p (target, position)
    JOIN dwh_lineage.targets AS t ON t.target = p.target
    ORDER BY p.position;
END
$$;
COMMENT ON FUNCTION dwh_lineage.plan_steps(text[], boolean) IS 'The steps of a run, in topological order';
