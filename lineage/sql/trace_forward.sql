-- What became of a row of in_table: of a bronze row its outcome in each silver table (current, history, unchanged,
-- superseded, quarantined, waiting, …) and the row that stems from it; of those, and of gold rows, the gold rows that are
-- made of them, and so on. in_key: as find_row takes it; in_most: at most so many rows of each table from each row. One
-- row for each way from a row (from_table, from_key) to one that it is in; table_name with a NULL key: it is in none of
-- that table. Locks nothing.
CREATE FUNCTION dwh_lineage.trace_forward(in_table text, in_key text, in_most integer DEFAULT 100)
RETURNS TABLE (
    step integer, table_name text, key jsonb, from_table text, from_key jsonb, outcome text, note text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
AS $$
#variable_conflict use_column
DECLARE
    l_row jsonb := dwh_lineage.find_row(in_table, in_key);
    l_level jsonb := jsonb_build_array(jsonb_build_object('t', in_table, 'k', dwh_lineage.key_of(in_table, l_row)));
    l_seen jsonb := '{}';
    l_next jsonb;
    l_node record;
    l_consumer record;
    l_found record;
    l_count integer;
BEGIN
    step := 0;
    WHILE jsonb_array_length(l_level) > 0 LOOP
        step := step + 1;
        l_next := '[]';
        FOR l_node IN
            SELECT DISTINCT n.t, n.k, t.layer FROM jsonb_to_recordset(l_level) AS n (t text, k jsonb)
            JOIN dwh_lineage.targets AS t ON t.target = n.t
            WHERE NOT l_seen ? (n.t || ' ' || n.k) ORDER BY n.t, n.k
        LOOP
            l_seen := l_seen || jsonb_build_object(l_node.t || ' ' || l_node.k, true);
            from_table := l_node.t;
            from_key := l_node.k;
            FOR l_consumer IN
                SELECT t.target, t.layer, t.contract, t.origins_routine FROM dwh_lineage.target_inputs AS i
                JOIN dwh_lineage.targets AS t ON t.target = i.consumer
                WHERE i.source = l_node.t ORDER BY t.target
            LOOP
                table_name := l_consumer.target;
                key := NULL; outcome := NULL; note := NULL;
                IF l_consumer.layer = 'silver' THEN
                    SELECT o.outcome, o.key INTO outcome, key
                    FROM dwh_lineage.outcome_of(l_consumer.target, (l_node.k ->> '_bronze_id')::bigint) AS o;
                    RETURN NEXT;
                    l_next := l_next || CASE WHEN key IS NULL THEN '[]' ELSE
                        jsonb_build_array(jsonb_build_object('t', l_consumer.target, 'k', key)) END;
                ELSIF l_consumer.origins_routine IS NULL THEN
                    note := 'its query cannot be turned around';
                    RETURN NEXT;
                ELSE
                    l_count := 0;
                    FOR l_found IN EXECUTE format(
                        'SELECT DISTINCT f.key FROM %s(NULL, $1, $2) AS f', l_consumer.origins_routine::regproc
                    ) USING l_node.t, l_node.k
                    LOOP
                        key := dwh_lineage.standing_key(l_consumer.target, l_found.key);
                        CONTINUE WHEN key IS NULL;
                        l_count := l_count + 1;
                        EXIT WHEN l_count > in_most;
                        RETURN NEXT;
                        l_next := l_next || jsonb_build_object('t', l_consumer.target, 'k', key);
                    END LOOP;
                    IF l_count <> least(l_count, in_most) OR l_count = 0 THEN
                        key := NULL;
                        note := CASE WHEN l_count > 0 THEN format('more than %s rows', in_most) END;
                        RETURN NEXT;
                    END IF;
                END IF;
            END LOOP;
        END LOOP;
        l_level := l_next;
    END LOOP;
END
$$;
COMMENT ON FUNCTION dwh_lineage.trace_forward(text, text, integer) IS 'What became of a row';
