-- A run that a load's role ends is counted too: the trigger count_ends works with the rights of who updates the run.
SELECT dwh_lineage.grant_to('etl_service', 'INSERT, UPDATE ON dwh_lineage.pipeline_totals');
SELECT dwh_lineage.grant_to('etl_service', 'USAGE ON SEQUENCE dwh_lineage.pipeline_totals_id_seq');
