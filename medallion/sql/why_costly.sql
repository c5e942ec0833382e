-- Why computing in_keys touched keys of in_target would cost as much as computing everything; NULL where it would not, as
-- where they are at most half of its keys. in_behind: of each table that is narrowed to these keys (pg_temp.touched, made by
-- the load), [its name, what follows FROM to get its rows of them]. What counts is the table of which these are the smallest
-- share: the others are joined to it. First the planner is asked; where it thinks that a quarter or more are meant, they are
-- counted, up to half of the table. Small tables are not worth the question. Locks nothing.
CREATE FUNCTION dwh_etl.why_costly(in_target text, in_keys bigint, in_behind jsonb)
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_place record;
    l_planned jsonb;
    l_rows bigint;
    l_why text;
BEGIN
    -- Measured: docs/decisions/015-sums-by-arithmetic.md.
    IF in_keys <= 0.5 * dwh_etl.estimated_rows(
        (SELECT t.rows_relation FROM dwh_lineage.targets AS t WHERE t.target = in_target)::regclass
    ) THEN
        RETURN NULL;
    END IF;
    FOR l_place IN
        SELECT b ->> 0 AS name, b ->> 1 AS rows, dwh_etl.estimated_rows(t.rows_relation::regclass) AS total
        FROM jsonb_array_elements(in_behind) AS b
        JOIN dwh_lineage.targets AS t ON t.target = b ->> 0
        ORDER BY total DESC
    LOOP
        IF l_why IS NULL AND l_place.total < 10000 THEN
            RETURN NULL;
        END IF;
        EXECUTE format('EXPLAIN (FORMAT JSON) SELECT 1 FROM %s', l_place.rows) INTO l_planned;
        l_rows := (l_planned #>> '{0,Plan,Plan Rows}')::numeric;
        IF l_rows < 0.25 * l_place.total THEN
            RETURN NULL;
        END IF;
        EXECUTE format('SELECT count(*) FROM (SELECT 1 FROM %s LIMIT %s) AS r', l_place.rows, l_place.total / 2 + 1)
        INTO l_rows;
        IF l_rows <= l_place.total / 2 THEN
            RETURN NULL;
        END IF;
        l_why := coalesce(l_why, format('the %s keys that changes touch have more than half of the about %s rows of %s',
            in_keys, l_place.total, l_place.name));
    END LOOP;
    RETURN l_why;
END
$$;
COMMENT ON FUNCTION dwh_etl.why_costly(text, bigint, jsonb) IS 'Why everything is computed rather than the rows behind some keys';
