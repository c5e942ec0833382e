from django.db import migrations

from lineage.schema import RunSqlFile

ROUTINES = {
    "why_costly": "FUNCTION dwh_etl.why_costly(text, bigint, jsonb)",
    "sums_are_exact": "FUNCTION dwh_etl.sums_are_exact(text, bigint[], bigint)",
    "align_sums": "PROCEDURE dwh_etl.align_sums(text)",
    "refuse_sums": "FUNCTION dwh_etl.refuse_sums(text)",
}


class Migration(migrations.Migration):
    """Sums of gold tables that are kept by arithmetic, and the rows behind the keys that a load would compute."""

    dependencies = [("medallion", "0015_rows_by_hand")]

    operations = [RunSqlFile("medallion", name, drop=f"DROP {what};") for name, what in ROUTINES.items()]
