-- Refuses new corrections that cannot be meant: of a table or by a decision that is not there (AS080), of a row that
-- bronze has not (AS062), of a column that the source has not (AS063), or made for another row than the one they name,
-- which the values that their author saw tell (AS064). Bronze never changes, so what holds on INSERT holds for ever.
-- A few queries for each table, however many corrections: foreign keys would ask twice for each of them.
-- SECURITY DEFINER: who decides needs no right to read bronze.
CREATE FUNCTION dwh_lineage.check_corrections()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_table record;
    l_wrong record;
    l_expected text;
BEGIN
    SELECT n.target, n.decision_id INTO l_wrong
    FROM (SELECT DISTINCT m.target, m.decision_id FROM made AS m) AS n
    WHERE NOT EXISTS (SELECT 1 FROM dwh_lineage.targets AS t WHERE t.target = n.target)
        OR NOT EXISTS (SELECT 1 FROM dwh_lineage.quality_decisions AS d WHERE d.id = n.decision_id)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'A correction is of the table %, by decision %: one of them is not there.',
            l_wrong.target, l_wrong.decision_id
            USING ERRCODE = 'AS080', HINT = 'Corrections are made by decisions: SELECT dwh_lineage.decide(…).';
    END IF;
    FOR l_table IN
        SELECT t.target, t.contract ->> 'source' AS source, s.rows_relation,
            ARRAY(SELECT jsonb_array_elements_text(t.contract -> 'source_columns')) AS columns,
            min(m.bronze_id) AS first_id, max(m.bronze_id) AS last_id
        FROM made AS m
        JOIN dwh_lineage.targets AS t ON t.target = m.target
        LEFT JOIN dwh_lineage.targets AS s ON s.target = t.contract ->> 'source'
        GROUP BY t.target, s.rows_relation
    LOOP
        SELECT m.bronze_id, (
            SELECT k.name FROM jsonb_object_keys((m.patch || m.expected) - l_table.columns) AS k (name) LIMIT 1
        ) AS name INTO l_wrong
        FROM made AS m
        WHERE m.target = l_table.target AND (m.patch || m.expected) - l_table.columns <> '{}'
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'A correction of % names the column %, which % does not have.',
                l_table.target, l_wrong.name, coalesce(l_table.source, 'it')
                USING ERRCODE = 'AS063', DETAIL = format('It is for bronze row %s.', l_wrong.bronze_id),
                      HINT = 'A correction patches columns of the source, as the file names them, not of the table.';
        END IF;
        SELECT string_agg(format('%1$L, b.%1$I', k.name), ', ') INTO l_expected
        FROM (
            SELECT DISTINCT x.name
            FROM made AS m CROSS JOIN LATERAL jsonb_object_keys(m.expected) AS x (name)
            WHERE m.target = l_table.target
        ) AS k;
        -- The names come from targets, written by a migration, quoted, and are columns of it. The bounds let the BRIN
        -- index leave out the rest. Materialized: a plan for the first wrong one alone would look through bronze once
        -- for each correction. A row that has what all of a correction's values say is not looked at value by value.
        EXECUTE format(
            'WITH suspects AS MATERIALIZED (
                SELECT m.bronze_id, m.expected, b._bronze_id IS NULL AS missing, jsonb_build_object(%1$s) AS found
                FROM made AS m
                LEFT JOIN (SELECT * FROM %2$s AS r WHERE r._bronze_id BETWEEN $2 AND $3) AS b
                    ON b._bronze_id = m.bronze_id
                WHERE m.target = $1 AND (b._bronze_id IS NULL OR NOT jsonb_build_object(%1$s) @> m.expected)
            )
            SELECT s.bronze_id, s.missing, e.key AS name, e.value AS expected, s.found ->> e.key AS found
            FROM suspects AS s
            LEFT JOIN LATERAL jsonb_each_text(s.expected) AS e ON true
            WHERE s.missing OR s.found ->> e.key IS DISTINCT FROM e.value
            LIMIT 1', l_expected, l_table.rows_relation
        ) INTO l_wrong USING l_table.target, l_table.first_id, l_table.last_id;
        IF l_wrong.missing THEN
            RAISE EXCEPTION 'A correction of % is for bronze row %, which % does not have.',
                l_table.target, l_wrong.bronze_id, l_table.source
                USING ERRCODE = 'AS062', HINT = 'quality_exceptions.bronze_id is the number of a row.';
        ELSIF l_wrong.bronze_id IS NOT NULL THEN
            RAISE EXCEPTION 'A correction of % is not meant for bronze row %: it expects another %.',
                l_table.target, l_wrong.bronze_id, l_wrong.name
                USING ERRCODE = 'AS064',
                      DETAIL = format('It expects %s; the row has %s.',
                                      coalesce(quote_literal(l_wrong.expected), 'no value'),
                                      coalesce(quote_literal(l_wrong.found), 'no value')),
                      HINT = 'Look at the row again, and correct what is there.';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION dwh_lineage.check_corrections() IS 'Refuses corrections that cannot be meant';

CREATE TRIGGER check_corrections
AFTER INSERT ON dwh_lineage.corrections
REFERENCING NEW TABLE AS made
FOR EACH STATEMENT EXECUTE FUNCTION dwh_lineage.check_corrections();
