import django.db.models.functions.datetime
from django.db import migrations, models

from lineage.schema import SchemaMigration


class Migration(SchemaMigration):
    dependencies = [
        ("medallion", "0002_routines"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReceivedFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("target", models.TextField(help_text="The bronze table")),
                ("file", models.TextField(help_text="Its path under the data root")),
                ("size", models.BigIntegerField(help_text="Bytes, as stored")),
                (
                    "modified_ns",
                    models.BigIntegerField(help_text="When it was last written, in nanoseconds since 1970"),
                ),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("growing", "Growing"),
                            ("ingested", "Ingested"),
                            ("skipped", "Skipped"),
                            ("failed", "Failed"),
                        ]
                    ),
                ),
                ("seen_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("uploaded_by", models.TextField(blank=True, db_default="", help_text="Empty: it was picked up")),
                ("batch_no", models.BigIntegerField(blank=True, null=True)),
                ("rows", models.BigIntegerField(blank=True, null=True)),
                ("unreadable", models.BigIntegerField(blank=True, null=True)),
                ("error", models.TextField(blank=True, db_default="")),
            ],
            options={
                "db_table": "received_files",
                "db_table_comment": "Files that came by pickup or by upload",
                "ordering": ("-seen_at",),
                "indexes": [models.Index(fields=["-seen_at"], name="received_files_seen_idx")],
                "constraints": [models.UniqueConstraint(fields=("target", "file"), name="received_files_once")],
            },
        ),
    ]
