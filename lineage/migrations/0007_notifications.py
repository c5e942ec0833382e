import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from lineage.schema import RunSqlFile, SchemaMigration


class Migration(SchemaMigration):
    dependencies = [
        ("lineage", "0006_ticks"),
    ]

    operations = [
        migrations.CreateModel(
            name="Notification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "event",
                    models.TextField(help_text="What happened; a second entry for it is not written", unique=True),
                ),
                (
                    "kind",
                    models.TextField(
                        choices=[("run_failed", "Run Failed"), ("issue", "Issue"), ("issue_again", "Issue Again")]
                    ),
                ),
                ("object_id", models.BigIntegerField(help_text="The run or the issue")),
                ("subject", models.TextField()),
                ("text", models.TextField(blank=True, db_default="")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("distributed", models.BooleanField(db_default=False, help_text="Its deliveries are there")),
            ],
            options={
                "db_table": "notifications",
                "db_table_comment": "What people are told, once",
                "indexes": [
                    models.Index(
                        condition=models.Q(("distributed", False)), fields=["id"], name="notifications_new_idx"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ("run_failed", "issue", "issue_again"))),
                        name="notifications_kind_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.TextField(help_text="email, webhook")),
                (
                    "state",
                    models.TextField(
                        choices=[("pending", "Pending"), ("sent", "Sent"), ("failed", "Failed")], db_default="pending"
                    ),
                ),
                ("attempts", models.IntegerField(db_default=0)),
                ("due_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("error", models.TextField(blank=True, db_default="")),
                (
                    "notification",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="lineage.notification",
                    ),
                ),
            ],
            options={
                "db_table": "deliveries",
                "db_table_comment": "Notifications on their channels",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "pending")),
                        fields=["channel", "id"],
                        name="deliveries_pending_idx",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("notification", "channel"), name="deliveries_once"),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ("pending", "sent", "failed"))), name="deliveries_state_known"
                    ),
                ],
            },
        ),
        RunSqlFile(
            "lineage",
            "notify_once",
            drop="DROP FUNCTION dwh_lineage.notify_once(text, text, bigint, text, text);",
        ),
        RunSqlFile("lineage", "notify_of_failed_run", drop="DROP FUNCTION dwh_lineage.notify_of_failed_run() CASCADE;"),
    ]
