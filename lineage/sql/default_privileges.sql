-- What tables and routines that migrations create later give to the roles.
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'etl_service') THEN
        GRANT USAGE ON SCHEMA bronze, silver, gold, dwh_lineage, dwh_etl, dwh_staging TO etl_service;
        ALTER DEFAULT PRIVILEGES IN SCHEMA bronze GRANT SELECT ON TABLES TO etl_service;
        ALTER DEFAULT PRIVILEGES IN SCHEMA silver, gold, dwh_staging
            GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO etl_service;
        ALTER DEFAULT PRIVILEGES IN SCHEMA dwh_lineage GRANT SELECT ON TABLES TO etl_service;
        ALTER DEFAULT PRIVILEGES IN SCHEMA dwh_etl, dwh_lineage GRANT EXECUTE ON ROUTINES TO etl_service;
    END IF;
    IF EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'analyst_role') THEN
        GRANT USAGE ON SCHEMA gold TO analyst_role;
        ALTER DEFAULT PRIVILEGES IN SCHEMA gold GRANT SELECT ON TABLES TO analyst_role;
    END IF;
END
$$;
