from django.db import migrations

from lineage.schema import RunSqlFile

ROUTINES = {
    "record_exceptions": "FUNCTION dwh_lineage.record_exceptions(text, text, bigint, bigint)",
    "close_exceptions": "FUNCTION dwh_lineage.close_exceptions(text, bigint, text, text, bigint)",
    "end_waivers": "FUNCTION dwh_lineage.end_waivers(text)",
    "bind_waiver": "FUNCTION dwh_lineage.bind_waiver() CASCADE",
    "check_corrections": "FUNCTION dwh_lineage.check_corrections() CASCADE",
    "forget_exceptions": "FUNCTION dwh_lineage.forget_exceptions(text)",
    "forget_target": "FUNCTION dwh_lineage.forget_target(text)",
    "silver_quality_exceptions": "VIEW silver.quality_exceptions",
}


class Migration(migrations.Migration):
    dependencies = [("quality", "0001_tables")]

    operations = [
        *(RunSqlFile("quality", name, drop=f"DROP {what};") for name, what in ROUTINES.items()),
        RunSqlFile("quality", "grants", drop=""),
    ]
