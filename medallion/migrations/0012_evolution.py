from django.db import migrations

from lineage.schema import RunSqlFile

ROUTINES = {
    "rename_bronze_column": "PROCEDURE dwh_etl.rename_bronze_column(text, text, text)",
    "fill_column": "PROCEDURE dwh_etl.fill_column(text, text, text)",
    "fill_from_extra": "PROCEDURE dwh_etl.fill_from_extra(text, text, text[])",
    "note_changes": "FUNCTION dwh_etl.note_changes()",
}


class Migration(migrations.Migration):
    dependencies = [
        ("medallion", "0011_checks"),
        ("quality", "0012_renaming"),
    ]

    operations = [RunSqlFile("medallion", name, drop=f"DROP {what};") for name, what in ROUTINES.items()]
