import django.db.models.deletion
from django.db import migrations, models

from lineage.schema import SchemaMigration


class Migration(SchemaMigration):
    dependencies = [
        ("quality", "0012_renaming"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="decisionrow", name="decision_rows_due_idx"),
        migrations.AlterField(
            model_name="decisionrow",
            name="exception",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="decided",
                to="quality.qualityexception",
            ),
        ),
        migrations.AlterField(
            model_name="correction",
            name="target",
            field=models.ForeignKey(
                db_column="target",
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="corrections",
                to="lineage.target",
            ),
        ),
        migrations.AlterField(
            model_name="correction",
            name="decision",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="corrections",
                to="quality.qualitydecision",
            ),
        ),
        migrations.RunSQL(
            "ALTER TABLE dwh_lineage.decision_rows SET (fillfactor = 50)",
            "ALTER TABLE dwh_lineage.decision_rows RESET (fillfactor)",
        ),
    ]
