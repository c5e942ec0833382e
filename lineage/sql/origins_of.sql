-- One step back from a row of in_table, given as JSON: the rows of its inputs that it is made of, at most in_most of each
-- input, with how many there are. Of a gold row by its query, turned around (targets.origins_routine); of a silver row
-- the bronze row that its version began with. note: why there is nothing, where there is nothing. Locks nothing.
CREATE FUNCTION dwh_lineage.origins_of(in_table text, in_row jsonb, in_most integer DEFAULT 100)
RETURNS TABLE (source_table text, source_key jsonb, rows bigint, note text)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
AS $$
#variable_conflict use_column
DECLARE
    l_target record;
    l_grain jsonb;
BEGIN
    SELECT t.layer, t.kind, t.contract, t.origins_routine INTO l_target
    FROM dwh_lineage.targets AS t WHERE t.target = in_table;
    IF l_target.layer = 'silver' THEN
        RETURN QUERY SELECT
            l_target.contract ->> 'source', jsonb_build_object('_bronze_id', in_row -> '_source_bronze_id'), 1::bigint,
            NULL::text;
    ELSIF l_target.kind = 'dimension' AND (in_row ->> (l_target.contract ->> 'surrogate'))::bigint < 0 THEN
        RETURN QUERY SELECT NULL::text, NULL::jsonb, 0::bigint, 'the unknown member: it stands for whom nobody knows';
    ELSIF l_target.kind = 'dimension' AND in_row ->> '_retired_at' IS NOT NULL THEN
        RETURN QUERY SELECT NULL::text, NULL::jsonb, 0::bigint, 'retired: its inputs do not give it any more';
    ELSIF l_target.kind = 'calendar' THEN
        RETURN QUERY SELECT NULL::text, NULL::jsonb, 0::bigint, 'a day of the calendar, made by its declaration';
    ELSIF l_target.layer = 'gold' AND l_target.origins_routine IS NULL THEN
        RETURN QUERY SELECT NULL::text, NULL::jsonb, 0::bigint, 'its query cannot be turned around';
    ELSIF l_target.layer = 'gold' THEN
        l_grain := (
            SELECT jsonb_object_agg(g.name, in_row -> g.name)
            FROM jsonb_array_elements_text(l_target.contract -> 'grain') AS g (name)
        );
        RETURN QUERY EXECUTE format(
            'SELECT o.source_table, o.source_key, o.n, NULL::text
            FROM (
                SELECT q.source_table, q.source_key, count(*) OVER (PARTITION BY q.source_table) AS n,
                    row_number() OVER (PARTITION BY q.source_table ORDER BY q.source_key) AS place
                FROM (SELECT DISTINCT f.source_table, f.source_key FROM %s($1) AS f) AS q
            ) AS o
            WHERE o.place <= $2 ORDER BY o.source_table, o.place',
            l_target.origins_routine::regproc
        ) USING l_grain, in_most;
        IF NOT FOUND THEN
            RETURN QUERY SELECT NULL::text, NULL::jsonb, 0::bigint,
                'its inputs do not give it now: they have changed since it was loaded';
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION dwh_lineage.origins_of(text, jsonb, integer) IS 'The rows of its inputs that a row is made of';
