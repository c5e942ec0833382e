SELECT dwh_lineage.forget_target('gold.mv_customer_lifetime_value');
DROP ROUTINE dwh_etl.refresh_customer_ltv;
DROP FUNCTION dwh_etl.origins_gold_mv_customer_lifetime_value(jsonb, text, jsonb);
DROP PROCEDURE dwh_etl.load_gold_mv_customer_lifetime_value(uuid);
DROP PROCEDURE dwh_etl.rebuild_gold_mv_customer_lifetime_value(uuid);
DROP MATERIALIZED VIEW gold.mv_customer_lifetime_value;
SELECT dwh_etl.ensure_images('gold.dim_customer');
SELECT dwh_etl.ensure_images('gold.agg_customer_ltv');
