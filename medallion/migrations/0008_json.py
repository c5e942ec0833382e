from django.db import migrations

from lineage.schema import RunSqlFile

ROUTINES = {
    "json_fault": "FUNCTION dwh_etl.json_fault(text, text[])",
    "ingest_records": "FUNCTION dwh_etl.ingest_records(text, jsonb, text, uuid)",
    "ingest_api_response": "PROCEDURE dwh_etl.ingest_api_response(text, jsonb, uuid)",
}


class Migration(migrations.Migration):
    dependencies = [
        ("medallion", "0007_gold"),
    ]

    operations = [RunSqlFile("medallion", name, drop=f"DROP {what};") for name, what in ROUTINES.items()]
