-- The six schemas of the warehouse. PUBLIC gets nothing; roles get what roles.sql and grants.sql name.
CREATE SCHEMA IF NOT EXISTS bronze;
COMMENT ON SCHEMA bronze IS 'Rows as they arrived, append-only';
CREATE SCHEMA IF NOT EXISTS silver;
COMMENT ON SCHEMA silver IS 'Rows that hold their rules, typed, with their history';
CREATE SCHEMA IF NOT EXISTS gold;
COMMENT ON SCHEMA gold IS 'Dimensions, facts and aggregates for people and their tools';
CREATE SCHEMA IF NOT EXISTS dwh_lineage;
COMMENT ON SCHEMA dwh_lineage IS 'What happened: ledger, runs, lineage, quality, decisions';
CREATE SCHEMA IF NOT EXISTS dwh_etl;
COMMENT ON SCHEMA dwh_etl IS 'Routines that load the warehouse';
CREATE SCHEMA IF NOT EXISTS dwh_staging;
COMMENT ON SCHEMA dwh_staging IS 'Work tables of loads';

REVOKE ALL ON SCHEMA bronze, silver, gold, dwh_lineage, dwh_etl, dwh_staging FROM PUBLIC;
-- Routines of this owner are nobody else's to call unless a grant says so.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON ROUTINES FROM PUBLIC;
