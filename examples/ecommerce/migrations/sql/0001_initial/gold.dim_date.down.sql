SELECT dwh_lineage.forget_target('gold.dim_date');
DROP ROUTINE dwh_etl.generate_dim_date;
DROP ROUTINE dwh_etl.update_dim_date_flags;
DROP PROCEDURE dwh_etl.rebuild_gold_dim_date(uuid);
DROP PROCEDURE dwh_etl.load_gold_dim_date(uuid);
DROP PROCEDURE dwh_etl.generate_gold_dim_date(date, date, uuid);
DROP PROCEDURE dwh_etl.flags_gold_dim_date();
CALL dwh_etl.release_references('gold.dim_date');
DROP TABLE gold.dim_date;
