-- Raises AS094 where a selection has a part that nobody knows: left out, it would decide about more rows than were meant.
-- AS095 where it names a file whose rows cannot be told from another's, which was ingested at the same moment.
CREATE FUNCTION dwh_lineage.refuse_bad_selection(in_target text, in_selection jsonb)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_known text[] := ARRAY[
        'issue', 'value', 'column', 'texts', 'mend', 'exceptions', 'patches', 'key', 'batch', 'file', 'assignee', 'before',
        'up_to'
    ];
    l_wrong text;
BEGIN
    SELECT string_agg(k.name, ', ') INTO l_wrong
    FROM jsonb_object_keys(in_selection) AS k (name) WHERE k.name <> ALL (l_known);
    IF l_wrong IS NOT NULL OR (in_selection ? 'value' AND NOT in_selection ? 'issue') THEN
        RAISE EXCEPTION 'A selection of rows cannot have: %.', coalesce(l_wrong, 'a value without its issue')
            USING ERRCODE = 'AS094', HINT = format('It may have: %s.', array_to_string(l_known, ', '));
    END IF;
    IF in_selection ? 'file' AND EXISTS (
        SELECT 1
        FROM dwh_lineage.targets AS t
        JOIN dwh_lineage.batches AS f ON f.target = t.contract ->> 'source' AND f.source_file = in_selection ->> 'file'
        JOIN dwh_lineage.batches AS o ON o.target = f.target AND o.source_file IS DISTINCT FROM f.source_file
            AND o.first_bronze_id < f.last_bronze_id AND o.last_bronze_id > f.first_bronze_id
        WHERE t.target = in_target
    ) THEN
        RAISE EXCEPTION 'Rows of % cannot be told from those of a file that was ingested at the same moment.',
            in_selection ->> 'file'
            USING ERRCODE = 'AS095', HINT = 'Select them by their keys, or one by one.';
    END IF;
END
$$;
COMMENT ON FUNCTION dwh_lineage.refuse_bad_selection(text, jsonb) IS 'Refuses a selection that may mean other rows';
