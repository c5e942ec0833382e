-- Puts the guards of bronze on a table or partition: no change, and a batch for every INSERT. Safe to call twice.
-- Takes the relation and the name of the table that it belongs to. Locks the relation.
CREATE PROCEDURE dwh_etl.guard_bronze(in_relation regclass, in_target text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_sequence text := pg_get_serial_sequence(
        (SELECT t.rows_relation FROM dwh_lineage.targets AS t WHERE t.target = in_target), '_bronze_id'
    );
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER bronze_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION dwh_etl.bronze_refuse_change()', in_relation);
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER bronze_batch_open BEFORE INSERT ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION dwh_etl.bronze_before_insert(%L, %L)', in_relation, in_target, l_sequence);
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER bronze_batch_close AFTER INSERT ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION dwh_etl.bronze_after_insert(%L, %L)', in_relation, in_target, l_sequence);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER bronze_append_only', in_relation);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER bronze_batch_open', in_relation);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER bronze_batch_close', in_relation);
END
$$;
COMMENT ON PROCEDURE dwh_etl.guard_bronze(regclass, text) IS 'Puts the guards of bronze on a relation';
