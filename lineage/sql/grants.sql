-- What loads write in the ledger and in lineage. The rows' own rules (states, append-only) hold for them too.
SELECT dwh_lineage.grant_to('etl_service', 'SELECT ON ALL TABLES IN SCHEMA dwh_lineage');
SELECT dwh_lineage.grant_to(
    'etl_service', 'UPDATE (load_no, last_event_at, last_gone_at, needs_rebuild) ON dwh_lineage.targets'
);
SELECT dwh_lineage.grant_to('etl_service', 'INSERT, UPDATE ON dwh_lineage.batches, dwh_lineage.pipeline_runs');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT ON dwh_lineage.batch_inputs, dwh_lineage.table_lineage');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT ON dwh_lineage.table_dependencies, dwh_lineage.column_lineage');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT, DELETE ON dwh_lineage.pendings');
SELECT dwh_lineage.grant_to('etl_service', 'UPDATE ON dwh_lineage.run_steps');
SELECT dwh_lineage.grant_to('etl_service', 'EXECUTE ON ALL ROUTINES IN SCHEMA dwh_lineage');
