import django.db.models.functions.datetime
from django.db import migrations, models

from lineage.schema import RunSqlFile, SchemaMigration


class Migration(SchemaMigration):
    dependencies = [
        ("medallion", "0019_pulls"),
    ]

    operations = [
        migrations.CreateModel(
            name="FeedDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.TextField()),
                ("key", models.TextField(help_text="What the sender calls it; else the checksum of its content")),
                ("checksum", models.TextField(help_text="SHA-256 of the body, unpacked")),
                ("bytes", models.BigIntegerField(help_text="Of the body, unpacked")),
                ("received_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("rows", models.BigIntegerField(db_default=0)),
                (
                    "unreadable",
                    models.BigIntegerField(db_default=0, help_text="Records that are no rows, kept as they are"),
                ),
            ],
            options={
                "db_table": "feed_deliveries",
                "db_table_comment": "What was sent by HTTP, and landed",
                "ordering": ("-id",),
                "constraints": [models.UniqueConstraint(fields=("source", "key"), name="feed_deliveries_once")],
            },
        ),
        RunSqlFile("medallion", "grants_feed_deliveries", drop=""),
    ]
