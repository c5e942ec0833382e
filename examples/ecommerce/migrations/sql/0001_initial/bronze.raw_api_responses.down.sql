SELECT dwh_etl.refuse_if_rows('bronze.raw_api_responses_rows');
SELECT dwh_lineage.forget_target('bronze.raw_api_responses');
DROP PROCEDURE dwh_etl.land_bronze_raw_api_responses;
DROP VIEW bronze.raw_api_responses;
DROP TABLE bronze.raw_api_responses_rows;
