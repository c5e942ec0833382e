from django.db import migrations, models

from lineage.schema import RunSqlFile, SchemaMigration

ROUTINES = {
    "cause_of": "FUNCTION dwh_lineage.cause_of(text, text)",
    "name_causes": "FUNCTION dwh_lineage.name_causes(text, bigint)",
    "mended": "FUNCTION dwh_lineage.mended(text, text)",
    "own_patch": "FUNCTION dwh_lineage.own_patch(jsonb, bigint, jsonb)",
}


class Migration(SchemaMigration):
    dependencies = [("quality", "0007_decision_permissions")]

    operations = [
        migrations.AddField(
            model_name="qualityissue",
            name="cause",
            field=models.TextField(
                blank=True,
                help_text="=value or ~shape that its rows have in common; empty: only their rule",
                null=True,
            ),
        ),
        *(RunSqlFile("quality", name, drop=f"DROP {what};") for name, what in ROUTINES.items()),
        RunSqlFile("quality", "grants_causes", drop=""),
    ]
