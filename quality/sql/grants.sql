-- What loads write about quality, and the guide's name for the exceptions.
SELECT dwh_lineage.grant_to('etl_service', 'SELECT ON ALL TABLES IN SCHEMA dwh_lineage');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT, UPDATE ON dwh_lineage.quality_exceptions');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT, DELETE, UPDATE (value) ON dwh_lineage.exception_breaches');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT ON dwh_lineage.quality_issues, dwh_lineage.issue_deltas');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT ON dwh_lineage.exception_events, dwh_lineage.quality_metrics');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT ON dwh_lineage.unreadable_lines');
SELECT dwh_lineage.grant_to('etl_service', 'UPDATE (last_batch_no) ON dwh_lineage.waivers');
SELECT dwh_lineage.grant_to('etl_service', 'EXECUTE ON ALL ROUTINES IN SCHEMA dwh_lineage');
