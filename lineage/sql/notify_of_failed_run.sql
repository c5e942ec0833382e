-- Trigger of pipeline_runs: a run that fails is notified in the transaction that ends it, whoever ends it (a worker, the
-- sweeper, complete_pipeline). Once for each run: one that is resumed and fails again has somebody's eyes on it.
-- SECURITY DEFINER, for whoever ends a run need not be allowed to write notifications.
CREATE FUNCTION dwh_lineage.notify_of_failed_run()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM dwh_lineage.notify_once(
        'run ' || NEW.run_id, 'run_failed', NEW.run_id,
        format('The pipeline %s failed (run %s)', NEW.pipeline_name, NEW.run_id), NEW.error_message
    );
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION dwh_lineage.notify_of_failed_run() IS 'Notifies of a run that failed';
CREATE TRIGGER notify_of_failure AFTER INSERT OR UPDATE OF status ON dwh_lineage.pipeline_runs
    FOR EACH ROW WHEN (NEW.status = 'failed') EXECUTE FUNCTION dwh_lineage.notify_of_failed_run();
