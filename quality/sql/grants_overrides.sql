-- Loads read what people have set, and raise the issues of checks.
SELECT dwh_lineage.grant_to('etl_service', 'SELECT ON dwh_lineage.quality_overrides');
SELECT dwh_lineage.grant_to('etl_service', 'EXECUTE ON ALL ROUTINES IN SCHEMA dwh_lineage');
