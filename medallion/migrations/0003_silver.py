from django.db import migrations

from lineage.schema import RunSqlFile

ROUTINES = {
    "at_zone": "FUNCTION dwh_etl.at_zone(timestamp, text)",
    "to_timestamptz_in_zone": "FUNCTION dwh_etl.to_timestamptz_in_zone(text, text)",
    "iso_to_date": "FUNCTION dwh_etl.iso_to_date(text)",
    "iso_to_timestamp": "FUNCTION dwh_etl.iso_to_timestamp(text)",
    "to_numeric_of_scale": "FUNCTION dwh_etl.to_numeric_of_scale(text, integer, integer)",
    "to_jsonb": "FUNCTION dwh_etl.to_jsonb(text)",
    "rejected_by_batch": "FUNCTION dwh_etl.rejected_by_batch(text, numeric, boolean)",
    "check_rejected": "FUNCTION dwh_etl.check_rejected(text, numeric, boolean)",
    "measure_rejected": "FUNCTION dwh_etl.measure_rejected(text, uuid, numeric, boolean)",
    "check_gone": "FUNCTION dwh_etl.check_gone(text, numeric, bigint[])",
    "override_gate": "FUNCTION dwh_etl.override_gate(text, bigint, text, text)",
}


class Migration(migrations.Migration):
    dependencies = [
        ("medallion", "0003_received_files"),
    ]

    operations = [RunSqlFile("medallion", name, drop=f"DROP {what};") for name, what in ROUTINES.items()]
