from django.db import migrations

from lineage.schema import RunSqlFile

ROUTINES = {
    "cdc_event": "FUNCTION dwh_etl.cdc_event(jsonb, text[])",
    "cdc_row": "FUNCTION dwh_etl.cdc_row(jsonb)",
    "cdc_fault": "FUNCTION dwh_etl.cdc_fault(text, text[])",
    "cdc_moment": "FUNCTION dwh_etl.cdc_moment(jsonb, text)",
    "cdc_timestamp": "FUNCTION dwh_etl.cdc_timestamp(jsonb)",
    "cdc_lsn": "FUNCTION dwh_etl.cdc_lsn(jsonb)",
    "cdc_decimal": "FUNCTION dwh_etl.cdc_decimal(text, integer)",
    "cdc_text": "FUNCTION dwh_etl.cdc_text(jsonb, text, integer)",
    "cdc_type": "FUNCTION dwh_etl.cdc_type(jsonb, text, text)",
    "ingest_cdc_event": "PROCEDURE dwh_etl.ingest_cdc_event(text, timestamptz, jsonb, jsonb, uuid, text)",
}


class Migration(migrations.Migration):
    dependencies = [
        ("medallion", "0009_api_pulls"),
    ]

    operations = [RunSqlFile("medallion", name, drop=f"DROP {what};") for name, what in ROUTINES.items()]
