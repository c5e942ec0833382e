import django.db.models.functions.datetime
from django.db import migrations, models

from lineage.schema import SchemaMigration


class Migration(SchemaMigration):
    initial = True

    dependencies = [
        ("lineage", "0001_schemas"),
    ]

    operations = [
        migrations.CreateModel(
            name="Schedule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("pipeline", models.TextField()),
                ("cron", models.TextField()),
                ("time_zone", models.TextField(db_default="UTC")),
                (
                    "catch_up",
                    models.TextField(
                        choices=[("all", "All"), ("latest", "Latest"), ("none", "None")], db_default="latest"
                    ),
                ),
                ("parameters", models.JSONField(db_default=models.Value({}, models.JSONField()))),
                ("paused", models.BooleanField(db_default=False)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "schedules",
                "db_table_comment": "When pipelines run by themselves",
                "constraints": [
                    models.UniqueConstraint(fields=("pipeline",), name="schedules_once"),
                    models.CheckConstraint(
                        condition=models.Q(("catch_up__in", ("all", "latest", "none"))), name="schedules_catch_up"
                    ),
                ],
            },
        ),
    ]
