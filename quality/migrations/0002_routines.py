from django.db import migrations

from lineage.schema import RunSqlFile

ROUTINES = {
    "record_exceptions": "FUNCTION dwh_lineage.record_exceptions(text, text, bigint, bigint)",
    "land_exceptions": "FUNCTION dwh_lineage.land_exceptions(text, bigint, text, bigint)",
    "forget_target": "FUNCTION dwh_lineage.forget_target(text)",
    "silver_quality_exceptions": "VIEW silver.quality_exceptions",
}


class Migration(migrations.Migration):
    dependencies = [("quality", "0001_tables")]

    operations = [
        *(RunSqlFile("quality", name, drop=f"DROP {what};") for name, what in ROUTINES.items()),
        RunSqlFile("quality", "grants", drop=""),
    ]
