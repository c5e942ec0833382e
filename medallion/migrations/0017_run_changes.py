from django.db import migrations

from lineage.schema import RunSqlFile

ROUTINES = {
    "run_changes": "FUNCTION dwh_etl.run_changes(bigint)",
    "row_changes": "FUNCTION dwh_etl.row_changes(bigint, text, integer, jsonb)",
}


class Migration(migrations.Migration):
    """What a run changed: rows before and after, from the images of its loads."""

    dependencies = [("medallion", "0016_kept_sums")]

    operations = [RunSqlFile("medallion", name, drop=f"DROP {what};") for name, what in ROUTINES.items()]
