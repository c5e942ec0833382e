-- Refuses to go on where a silver table holds what bronze could not make again, since rows went by retention.
-- assay.drop_rows = on lets it pass, for a person who means it. Locks the table's row in targets.
CREATE FUNCTION dwh_etl.refuse_if_frozen(in_target text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_horizon timestamptz;
BEGIN
    SELECT t.fold_horizon INTO l_horizon FROM dwh_lineage.targets AS t WHERE t.target = in_target FOR UPDATE;
    IF l_horizon IS NULL THEN
        RETURN;
    END IF;
    IF NOT coalesce(nullif(current_setting('assay.drop_rows', true), '')::boolean, false) THEN
        RAISE EXCEPTION 'Bronze no longer has what made the rows of % before %; they would be lost for ever.',
            in_target, l_horizon::date
            USING ERRCODE = 'AS033',
                  HINT = 'Declare a new table beside it; or back it up and, if you mean it: '
                         'PGOPTIONS="-c assay.drop_rows=on".';
    END IF;
END
$$;
COMMENT ON FUNCTION dwh_etl.refuse_if_frozen(text) IS 'Refuses to lose what bronze could not make again';
