SELECT dwh_lineage.forget_target('gold.dim_geography');
DROP FUNCTION dwh_etl.origins_gold_dim_geography(jsonb, text, jsonb);
DROP PROCEDURE dwh_etl.load_gold_dim_geography(uuid);
DROP PROCEDURE dwh_etl.rebuild_gold_dim_geography(uuid);
CALL dwh_etl.release_references('gold.dim_geography');
DROP TABLE gold.dim_geography;
SELECT dwh_etl.ensure_images('silver.customers');
SELECT dwh_etl.ensure_images('gold.dim_geography');
