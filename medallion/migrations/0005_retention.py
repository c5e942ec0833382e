from django.db import migrations

from lineage.schema import RunSqlFile

ROUTINES = {
    "past_retention": "FUNCTION dwh_etl.past_retention(text)",
    "retire_partitions": "FUNCTION dwh_etl.retire_partitions(text, text)",
    "refuse_if_frozen": "FUNCTION dwh_etl.refuse_if_frozen(text)",
}


class Migration(migrations.Migration):
    dependencies = [
        ("medallion", "0004_schedules"),
        ("lineage", "0008_retention"),
    ]

    operations = [RunSqlFile("medallion", name, drop=f"DROP {what};") for name, what in ROUTINES.items()]
