import django.db.models.deletion
from django.db import migrations, models

from lineage.schema import SchemaMigration


class Migration(SchemaMigration):
    dependencies = [
        ("lineage", "0012_operation"),
        ("quality", "0008_causes"),
    ]

    operations = [
        migrations.AlterField(
            model_name="correction",
            name="target",
            field=models.ForeignKey(
                db_column="target",
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="corrections",
                to="lineage.target",
            ),
        ),
        migrations.AlterField(
            model_name="decisionrow",
            name="decision",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="rows",
                to="quality.qualitydecision",
            ),
        ),
        migrations.AlterField(
            model_name="decisionrow",
            name="exception",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="decided",
                to="quality.qualityexception",
            ),
        ),
        migrations.AlterField(
            model_name="exceptionevent",
            name="batch",
            field=models.ForeignKey(
                blank=True,
                db_column="batch_no",
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="lineage.batch",
            ),
        ),
        migrations.AlterField(
            model_name="exceptionevent",
            name="decision",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="quality.qualitydecision",
            ),
        ),
        migrations.AlterField(
            model_name="exceptionevent",
            name="exception",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="events",
                to="quality.qualityexception",
            ),
        ),
        migrations.AlterField(
            model_name="qualityexception",
            name="target_table",
            field=models.ForeignKey(
                db_column="target_table",
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="exceptions",
                to="lineage.target",
            ),
        ),
    ]
