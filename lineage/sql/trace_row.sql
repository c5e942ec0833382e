-- Where a row of in_table comes from: the rows of its inputs, theirs, and so on to the bronze rows, with file and record
-- number. in_key: as find_row takes it; in_most: at most so many rows of each input of each row. One row for each way from
-- a row to one that it makes (made_table, made_key); each row is followed once, at its shortest distance. note: why
-- something ends where it does, or how many more there are. Locks nothing.
CREATE FUNCTION dwh_lineage.trace_row(in_table text, in_key text, in_most integer DEFAULT 100)
RETURNS TABLE (
    step integer, table_name text, key jsonb, made_table text, made_key jsonb, batch_no bigint, source_file text,
    record_no bigint, note text
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
    l_origin record;
    l_parent jsonb;
    l_layer text;
    l_note text;
    l_name text;
BEGIN
    step := 0;
    WHILE jsonb_array_length(l_level) > 0 LOOP
        l_next := '[]';
        FOR l_node IN
            SELECT n.t, n.k, jsonb_agg(jsonb_build_object('t', n.pt, 'k', n.pk)) AS parents, min(n.more) AS more
            FROM jsonb_to_recordset(l_level) AS n (t text, k jsonb, pt text, pk jsonb, more text)
            GROUP BY n.t, n.k ORDER BY n.t, n.k
        LOOP
            l_name := l_node.t || ' ' || l_node.k;
            batch_no := NULL; source_file := NULL; record_no := NULL; l_note := NULL;
            SELECT t.layer INTO l_layer FROM dwh_lineage.targets AS t WHERE t.target = l_node.t;
            IF l_seen ? l_name THEN
                batch_no := l_seen -> l_name ->> 'b'; source_file := l_seen -> l_name ->> 'f';
                record_no := l_seen -> l_name ->> 'r'; l_note := l_seen -> l_name ->> 'n';
            ELSE
                IF l_layer = 'bronze' THEN
                    SELECT a.batch_no, a.source_file, a.record_no,
                        CASE WHEN a.kind = 'foreign' THEN 'inserted by ' || coalesce(a.source_system, 'another program') END
                    INTO batch_no, source_file, record_no, l_note
                    FROM dwh_lineage.arrival_of(l_node.t, (l_node.k ->> '_bronze_id')::bigint) AS a;
                    IF NOT FOUND THEN
                        l_note := 'gone by its retention';
                    END IF;
                ELSE
                    l_row := dwh_lineage.find_row(l_node.t, l_node.k::text);
                    SELECT max(b.batch_no) INTO batch_no FROM dwh_lineage.batches AS b
                    WHERE b.target = l_node.t AND b.batch_id = (l_row ->> '_batch_id')::uuid;
                    FOR l_origin IN SELECT o.* FROM dwh_lineage.origins_of(l_node.t, l_row, in_most) AS o LOOP
                        l_note := l_origin.note;
                        IF l_origin.source_table IS NOT NULL THEN
                            l_next := l_next || jsonb_build_object(
                                't', l_origin.source_table, 'k', l_origin.source_key, 'pt', l_node.t, 'pk', l_node.k,
                                'more', CASE WHEN l_origin.rows > in_most THEN
                                    format('one of %s rows, of which %s are followed', l_origin.rows, in_most) END
                            );
                        END IF;
                    END LOOP;
                END IF;
                l_seen := l_seen || jsonb_build_object(
                    l_name, jsonb_build_object('b', batch_no, 'f', source_file, 'r', record_no, 'n', l_note)
                );
            END IF;
            FOR l_parent IN SELECT p.value FROM jsonb_array_elements(l_node.parents) AS p LOOP
                table_name := l_node.t;
                key := l_node.k;
                made_table := l_parent ->> 't';
                made_key := nullif(l_parent -> 'k', 'null');
                note := coalesce(l_note, l_node.more);
                RETURN NEXT;
            END LOOP;
        END LOOP;
        l_level := l_next;
        step := step + 1;
    END LOOP;
END
$$;
COMMENT ON FUNCTION dwh_lineage.trace_row(text, text, integer) IS 'Where a row comes from, back to file and record number';
