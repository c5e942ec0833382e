-- What loads write about causes, and what a steward may do about them.
SELECT dwh_lineage.grant_to('etl_service', 'SELECT ON ALL TABLES IN SCHEMA dwh_lineage');
SELECT dwh_lineage.grant_to('etl_service', 'UPDATE (issue_id) ON dwh_lineage.exception_breaches');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT ON dwh_lineage.correction_replies');
SELECT dwh_lineage.grant_to('etl_service', 'UPDATE (confirmed, source_overtook) ON dwh_lineage.quality_decisions');
SELECT dwh_lineage.grant_to('etl_service', 'EXECUTE ON ALL ROUTINES IN SCHEMA dwh_lineage');
