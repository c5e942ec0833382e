-- Creates the roles of the warehouse where the server lets us; where not, says so and goes on: loads then run as the
-- owner. Roles belong to the whole cluster, so migrating back leaves them.
DO $$
DECLARE
    l_role text;
BEGIN
    FOREACH l_role IN ARRAY ARRAY['etl_service', 'analyst_role', 'steward_role'] LOOP
        IF EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = l_role) THEN
            CONTINUE;
        END IF;
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', l_role);
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE WARNING 'The role % could not be created: % may not create roles.', l_role, current_user
                    USING HINT = format('Have an administrator run: CREATE ROLE %I; then migrate again.', l_role);
            WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of this cluster is migrated at the same moment
        END;
    END LOOP;
END
$$;

-- The owner works as etl_service (SET ROLE), so that loads cannot do more than loads may.
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'etl_service')
        AND NOT pg_catalog.pg_has_role(current_user, 'etl_service', 'SET')
    THEN
        EXECUTE format('GRANT etl_service TO %I WITH SET TRUE, INHERIT FALSE', current_user);
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE WARNING 'The role etl_service is there, but % may not act as it; loads will run as %.',
            current_user, current_user
            USING HINT = format('Have an administrator run: GRANT etl_service TO %I;', current_user);
END
$$;
