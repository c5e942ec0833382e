import django.db.models.deletion
import django.db.models.fields.json
import django.db.models.functions.comparison
from django.db import migrations, models

from lineage.schema import RunSqlFile, SchemaMigration

ROUTINES = {
    "permissions_of": "FUNCTION dwh_lineage.permissions_of(bigint)",
    "may": "FUNCTION dwh_lineage.may(bigint, text[], text)",
    "speaks_for_others": "FUNCTION dwh_lineage.speaks_for_others()",
    "acting_user": "FUNCTION dwh_lineage.acting_user(text)",
    "require": "FUNCTION dwh_lineage.require(text, text[], text)",
}


class Migration(SchemaMigration):
    """In which layers and domains the permissions of a group hold."""

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("lineage", "0015_images"),
    ]

    operations = [
        migrations.AddField(
            model_name="target",
            name="domain",
            field=models.GeneratedField(
                db_persist=True,
                expression=django.db.models.functions.comparison.Coalesce(
                    django.db.models.fields.json.KeyTextTransform("domain", "contract"), "warehouse"
                ),
                help_text="What its declaration says, else the warehouse: permissions may hold for some domains alone",
                output_field=models.TextField(),
            ),
        ),
        migrations.CreateModel(
            name="GroupScope",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "layer",
                    models.TextField(
                        blank=True,
                        choices=[("bronze", "Bronze"), ("silver", "Silver"), ("gold", "Gold")],
                        db_default="",
                        help_text="Empty: any layer",
                    ),
                ),
                (
                    "domain",
                    models.TextField(
                        blank=True,
                        db_default="",
                        help_text="As tables declare it, else the name of their app; empty: any domain",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="scopes", to="auth.group"
                    ),
                ),
            ],
            options={
                "db_table": "group_scopes",
                "db_table_comment": "Layers and domains in which a group may act",
                "constraints": [models.UniqueConstraint(fields=("group", "layer", "domain"), name="group_scopes_once")],
            },
        ),
        *(RunSqlFile("lineage", name, drop=f"DROP {what};") for name, what in ROUTINES.items()),
    ]
