from django.db import migrations

from lineage.schema import RunSqlFile

ROUTINES = {
    "ingest_csv_file": "FUNCTION dwh_etl.ingest_csv_file(text, text, text, uuid)",
    "judge_row": "FUNCTION dwh_etl.judge_row(text, jsonb)",
}


class Migration(migrations.Migration):
    """What somebody with psql alone does with rows: bring a file of the database's host, ask what the rules say."""

    dependencies = [
        ("medallion", "0014_late_indexes"),
    ]

    operations = [RunSqlFile("medallion", name, drop=f"DROP {what};") for name, what in ROUTINES.items()]
