-- A person who may override lets batches pass gates from psql as well.
SELECT dwh_lineage.grant_to('steward_role', 'USAGE ON SCHEMA dwh_etl');
SELECT dwh_lineage.grant_to('steward_role', 'EXECUTE ON FUNCTION dwh_etl.override_gate(text, bigint, text, text)');
