import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from lineage.schema import SchemaMigration


class Migration(SchemaMigration):
    dependencies = [
        ("lineage", "0004_batches"),
    ]

    operations = [
        migrations.CreateModel(
            name="WatermarkMove",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("moved_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("moved_by", models.TextField(help_text="Who asked for it; the database's user where nobody said")),
                ("reason", models.TextField(blank=True, db_default="")),
                ("from_value", models.DateTimeField(blank=True, help_text="Empty: it had taken nothing", null=True)),
                (
                    "to_value",
                    models.DateTimeField(
                        blank=True, help_text="Empty: the very beginning, or all that waits", null=True
                    ),
                ),
                ("forward", models.BooleanField(help_text="Skips; otherwise batches wait again")),
                ("batches", models.IntegerField(help_text="How many wait again, or were skipped")),
                (
                    "target",
                    models.ForeignKey(
                        db_column="target",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="watermark_moves",
                        to="lineage.target",
                    ),
                ),
            ],
            options={
                "db_table": "watermark_moves",
                "db_table_comment": "Who moved which watermark, when and why",
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="Skip",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.ForeignKey(
                        db_column="batch_no",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="skipped_by",
                        to="lineage.batch",
                    ),
                ),
                (
                    "consumer",
                    models.ForeignKey(
                        db_column="consumer",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="skips",
                        to="lineage.target",
                    ),
                ),
                (
                    "move",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="skips", to="lineage.watermarkmove"
                    ),
                ),
            ],
            options={
                "db_table": "skips",
                "db_table_comment": "Batches that a consumer leaves out, by decision",
                "constraints": [models.UniqueConstraint(fields=("consumer", "batch"), name="skips_once")],
            },
        ),
    ]
