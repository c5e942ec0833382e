import django.db.models.deletion
from django.db import migrations, models

from lineage.schema import SchemaMigration


class Migration(SchemaMigration):
    dependencies = [("quality", "0002_routines")]

    operations = [
        migrations.AddIndex(
            model_name="qualityexception",
            index=models.Index(
                condition=models.Q(("state__in", ("open", "proposed", "queued"))),
                fields=["target_table", "source_id"],
                name="quality_exc_key_idx",
                opclasses=["text_ops", "text_pattern_ops"],
            ),
        ),
        migrations.AddIndex(
            model_name="exceptionbreach",
            index=models.Index(fields=["issue", "-exception"], name="exception_breaches_issue_idx"),
        ),
        migrations.AlterField(
            model_name="exceptionbreach",
            name="issue",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="breaches",
                to="quality.qualityissue",
            ),
        ),
    ]
