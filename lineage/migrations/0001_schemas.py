from django.db import migrations

from lineage.schema import RunSqlFile


class Migration(migrations.Migration):
    initial = True

    operations = [
        RunSqlFile(
            "lineage",
            "schemas",
            # Without CASCADE: what somebody else put there is not ours to drop.
            # pgtrigger leaves its functions behind when their tables go.
            drop=r"""
            DO $$
            DECLARE
                l_function regprocedure;
            BEGIN
                FOR l_function IN
                    SELECT p.oid FROM pg_proc AS p
                    WHERE p.pronamespace = 'dwh_lineage'::regnamespace AND p.proname ~ '^_?pgtrigger_'
                LOOP
                    EXECUTE format('DROP FUNCTION %s', l_function);
                END LOOP;
            END
            $$;
            ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON ROUTINES TO PUBLIC;
            DROP SCHEMA dwh_staging, dwh_etl, dwh_lineage, gold, silver, bronze;
            """,
        ),
        RunSqlFile("lineage", "roles", drop=""),
        RunSqlFile("lineage", "default_privileges", drop=""),
        RunSqlFile("lineage", "grant_to", drop="DROP FUNCTION dwh_lineage.grant_to(text, text);"),
    ]
