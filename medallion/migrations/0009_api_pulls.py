import django.db.models.functions.datetime
from django.db import migrations, models

from lineage.schema import RunSqlFile, SchemaMigration


class Migration(SchemaMigration):
    dependencies = [
        ("medallion", "0008_json"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiPull",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.TextField()),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("running", "Running"),
                            ("failed", "Failed"),
                            ("done", "Done"),
                            ("abandoned", "Abandoned"),
                        ],
                        db_default="running",
                    ),
                ),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("progressed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("pages", models.IntegerField(db_default=0, help_text="Pages that have landed")),
                ("rows", models.BigIntegerField(db_default=0)),
                (
                    "next_request",
                    models.JSONField(blank=True, help_text="The page that is next, without secrets", null=True),
                ),
                ("since", models.TextField(blank=True, help_text="What the pulls before have seen", null=True)),
                (
                    "highest",
                    models.TextField(
                        blank=True, help_text="The highest of `since` so far, for the next pull", null=True
                    ),
                ),
                ("error", models.TextField(blank=True, db_default="")),
            ],
            options={
                "db_table": "api_pulls",
                "db_table_comment": "Pulls of HTTP APIs",
                "ordering": ("-id",),
                "indexes": [models.Index(fields=["source", "-id"], name="api_pulls_source_idx")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ("running", "failed", "done", "abandoned"))),
                        name="api_pulls_state_known",
                    )
                ],
            },
        ),
        RunSqlFile("medallion", "grants_pulls", drop=""),
    ]
