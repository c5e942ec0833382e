-- What replays write, and what a steward may call. A steward changes no table by hand: the routines do, and say no.
SELECT dwh_lineage.grant_to('etl_service', 'SELECT ON ALL TABLES IN SCHEMA dwh_lineage');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT ON dwh_lineage.corrections');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT, UPDATE (withdrawn_by_id) ON dwh_lineage.waivers');
SELECT dwh_lineage.grant_to('etl_service', 'UPDATE (outcome) ON dwh_lineage.decision_rows');
SELECT dwh_lineage.grant_to('etl_service',
    'UPDATE (state, landed, failing, rejected, overtaken, progressed_at, finished_at) ON dwh_lineage.quality_decisions');
SELECT dwh_lineage.grant_to('etl_service', 'EXECUTE ON ALL ROUTINES IN SCHEMA dwh_lineage');
