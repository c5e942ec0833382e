from django.db import migrations

from lineage.schema import RunSqlFile

ROUTINES = {
    "rename_rule": "FUNCTION dwh_lineage.rename_rule(text, text, text, text, text, text, text, text)",
    "rename_source_column": "FUNCTION dwh_lineage.rename_source_column(text, text, text)",
}


class Migration(migrations.Migration):
    dependencies = [
        ("quality", "0011_saved_views"),
    ]

    operations = [RunSqlFile("quality", name, drop=f"DROP {what};") for name, what in ROUTINES.items()]
