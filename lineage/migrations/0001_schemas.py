from django.db import migrations

from lineage.schema import RunSqlFile


class Migration(migrations.Migration):
    initial = True

    operations = [
        RunSqlFile(
            "lineage",
            "schemas",
            # Without CASCADE: what somebody else put there is not ours to drop.
            drop="""
            ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON ROUTINES TO PUBLIC;
            DROP SCHEMA dwh_staging, dwh_etl, dwh_lineage, gold, silver, bronze;
            """,
        ),
        RunSqlFile("lineage", "roles", drop=""),
        RunSqlFile("lineage", "default_privileges", drop=""),
        RunSqlFile("lineage", "grant_to", drop="DROP FUNCTION dwh_lineage.grant_to(text, text);"),
    ]
