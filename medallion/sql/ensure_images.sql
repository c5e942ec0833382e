-- Has the images of in_target kept where it is a gold table or somebody reads them, in a table with its columns, and no
-- longer where nobody does. Where they have to be begun anew (the table has other columns, or was made anew), its readers compute everything
-- once more. A calendar and a view have no images: what they change is everything. Locks the table.
CREATE FUNCTION dwh_etl.ensure_images(in_target text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_name text := 'images_' || replace(in_target, '.', '_');
    l_images regclass := to_regclass(format('dwh_staging.%I', l_name));
    l_relation regclass;
    l_kept boolean;
BEGIN
    SELECT c.oid, c.relkind IN ('r', 'p') AND t.layer <> 'bronze' AND t.kind <> 'calendar' INTO l_relation, l_kept
    FROM dwh_lineage.targets AS t
    JOIN pg_class AS c ON c.oid = to_regclass(t.rows_relation)
    WHERE t.target = in_target;
    IF NOT (coalesce(l_kept, false) AND in_target LIKE 'gold.%') AND NOT EXISTS (
        SELECT 1 FROM dwh_lineage.target_inputs AS i WHERE i.source = in_target AND i.images IS NOT NULL
    ) THEN
        IF l_images IS NOT NULL THEN
            DELETE FROM dwh_staging.images WHERE target = in_target;
            EXECUTE format('DROP TABLE %s', l_images);
        END IF;
        IF l_kept THEN
            EXECUTE format('DROP TRIGGER IF EXISTS keep_new_rows ON %1$s; DROP TRIGGER IF EXISTS keep_old_rows ON %1$s; '
                           'DROP TRIGGER IF EXISTS keep_changed_rows ON %1$s; '
                           'DROP TRIGGER IF EXISTS keep_no_rows ON %1$s', l_relation);
        END IF;
        RETURN;
    END IF;
    IF l_images IS NOT NULL AND (
        SELECT array_agg((a.attname, a.atttypid, a.atttypmod) ORDER BY a.attnum) FROM pg_attribute AS a
        WHERE a.attrelid = l_images AND a.attnum > 2 AND NOT a.attisdropped
    ) = (
        SELECT array_agg((a.attname, a.atttypid, a.atttypmod) ORDER BY a.attnum) FROM pg_attribute AS a
        WHERE a.attrelid = l_relation AND a.attnum > 0 AND NOT a.attisdropped
    ) AND (NOT l_kept OR EXISTS (
        SELECT 1 FROM pg_trigger AS g WHERE g.tgrelid = l_relation AND g.tgname = 'keep_changed_rows'
    )) THEN
        RETURN;
    END IF;
    IF l_images IS NOT NULL THEN
        DELETE FROM dwh_staging.images WHERE target = in_target;
        EXECUTE format('DROP TABLE %s', l_images);
        UPDATE dwh_lineage.targets AS t SET needs_rebuild = true
        FROM dwh_lineage.target_inputs AS i
        WHERE i.source = in_target AND i.images IS NOT NULL AND t.target = i.consumer;
    END IF;
    -- Unlogged: a crash takes the images away together with what names them, and then everything is computed.
    EXECUTE format('CREATE UNLOGGED TABLE dwh_staging.%I (_batch_no bigint NOT NULL, _change integer NOT NULL, LIKE %s)',
                   l_name, l_relation);
    IF NOT l_kept THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE INDEX ON dwh_staging.%I (_batch_no)', l_name);
    EXECUTE format('CREATE OR REPLACE TRIGGER keep_new_rows AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows '
                   'FOR EACH STATEMENT EXECUTE FUNCTION dwh_etl.keep_images(%L)', l_relation, in_target);
    EXECUTE format('CREATE OR REPLACE TRIGGER keep_old_rows AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows '
                   'FOR EACH STATEMENT EXECUTE FUNCTION dwh_etl.keep_images(%L)', l_relation, in_target);
    EXECUTE format('CREATE OR REPLACE TRIGGER keep_no_rows AFTER TRUNCATE ON %s '
                   'FOR EACH STATEMENT EXECUTE FUNCTION dwh_etl.keep_images(%L)', l_relation, in_target);
    EXECUTE format('CREATE OR REPLACE TRIGGER keep_changed_rows AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows '
                   'NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION dwh_etl.keep_images(%L)', l_relation, in_target);
END
$$;
COMMENT ON FUNCTION dwh_etl.ensure_images(text) IS 'Has the images of a table kept where somebody reads them';
