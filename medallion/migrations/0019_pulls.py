from django.db import migrations, models

from lineage.schema import RunSqlFile, SchemaMigration

_KNOWN = models.Q(("state__in", ("running", "failed", "done", "abandoned")))


class Migration(SchemaMigration):
    """Databases are pulled as APIs are."""

    dependencies = [
        ("medallion", "0018_stewards"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="apipull", name="api_pulls_state_known"),
        migrations.RenameModel(old_name="ApiPull", new_name="Pull"),
        migrations.AlterModelTable(name="pull", table="pulls"),
        migrations.AlterModelTableComment(name="pull", table_comment="Pulls of APIs and databases"),
        migrations.RenameIndex(model_name="pull", new_name="pulls_source_idx", old_name="api_pulls_source_idx"),
        migrations.AddConstraint(
            model_name="pull", constraint=models.CheckConstraint(condition=_KNOWN, name="pulls_state_known")
        ),
        migrations.AlterField(
            model_name="pull",
            name="next_request",
            field=models.JSONField(blank=True, help_text="What is asked for next, without secrets", null=True),
        ),
        migrations.AddField(
            model_name="pull",
            name="checksum",
            field=models.TextField(blank=True, help_text="Of all that was read, where everything is", null=True),
        ),
        RunSqlFile("medallion", "pulled_rows", drop="DROP TABLE dwh_staging.pulled_rows;"),
    ]
