-- A load keeps the text of the code it runs, where nobody has seen it yet.
SELECT dwh_lineage.grant_to('etl_service', 'INSERT ON dwh_lineage.code_versions');
