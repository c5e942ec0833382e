-- Notes what the source says, by the rows of a load, about corrections of earlier versions of the same keys: "confirmed"
-- where it sends all that the correction put in place, "overtaken" where it sends something else that is good. The first
-- row that comes after the correction decides; a row that is broken says nothing. A key is compared as its text.
-- Reads pg_temp.evaluated, which the load has made. Called by record_exceptions. A table without a key hears nothing, and
-- one without corrections only asks whether there is one. Locks the decisions that it counts for.
CREATE FUNCTION dwh_lineage.hear_source(in_target text, in_batch_no bigint)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_rows text;
    l_key text;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM dwh_lineage.corrections AS c WHERE c.target = in_target) THEN
        RETURN;
    END IF;
    SELECT s.rows_relation, (
        SELECT string_agg(format('e.%I', k.name), ', ' ORDER BY k.place)
        FROM jsonb_array_elements_text(t.contract -> 'key') WITH ORDINALITY AS k (name, place)
    ) INTO l_rows, l_key
    FROM dwh_lineage.targets AS t
    JOIN dwh_lineage.targets AS s ON s.target = t.contract ->> 'source'
    WHERE t.target = in_target AND jsonb_typeof(t.contract -> 'key') = 'array';
    IF l_key IS NULL THEN
        RETURN;
    END IF;
    -- The relation comes from targets, written by a migration, quoted; the key's columns are quoted here.
    EXECUTE format(
        'WITH said AS (
            INSERT INTO dwh_lineage.correction_replies (correction_id, bronze_id, batch_no, reply)
            SELECT DISTINCT ON (c.id) c.id, e._bronze_id, $2,
                CASE WHEN to_jsonb(b) @> c.patch THEN ''confirmed'' ELSE ''overtaken'' END
            FROM dwh_lineage.corrections AS c
            JOIN dwh_lineage.quality_exceptions AS x ON x.target_table = c.target AND x.bronze_id = c.bronze_id
            JOIN pg_temp.evaluated AS e ON concat_ws(''|'', %s) = x.source_id AND e._bronze_id > c.bronze_id
                AND e._ingested_at > c.created_at AND e._broken IS NULL AND NOT e._deleted
            JOIN %s AS b ON b._bronze_id = e._bronze_id
            WHERE c.target = $1 AND NOT c.withdrawn AND x.state = ''landed''
                AND NOT EXISTS (
                    SELECT 1 FROM dwh_lineage.corrections AS n
                    WHERE n.target = c.target AND n.bronze_id = c.bronze_id AND n.version > c.version
                )
                AND NOT EXISTS (SELECT 1 FROM dwh_lineage.correction_replies AS r WHERE r.correction_id = c.id)
            ORDER BY c.id, e._bronze_id
            RETURNING correction_id, reply
        )
        UPDATE dwh_lineage.quality_decisions AS d
        SET confirmed = d.confirmed + n.confirmed, source_overtook = d.source_overtook + n.overtaken
        FROM (
            SELECT c.decision_id, count(*) FILTER (WHERE s.reply = ''confirmed'') AS confirmed,
                count(*) FILTER (WHERE s.reply = ''overtaken'') AS overtaken
            FROM said AS s JOIN dwh_lineage.corrections AS c ON c.id = s.correction_id
            GROUP BY c.decision_id
        ) AS n
        WHERE d.id = n.decision_id', l_key, l_rows
    ) USING in_target, in_batch_no;
END
$$;
COMMENT ON FUNCTION dwh_lineage.hear_source(text, bigint) IS 'Notes what the source says about corrections';
