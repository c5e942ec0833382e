import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from lineage.schema import SchemaMigration


class Migration(SchemaMigration):
    dependencies = [
        ("lineage", "0007_notifications"),
    ]

    operations = [
        migrations.CreateModel(
            name="DroppedPartition",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("target", models.TextField()),
                ("partition", models.TextField()),
                ("retention", models.TextField(help_text="As it was declared")),
                ("until", models.DateTimeField(help_text="End of its month: the consumers' fold horizon since then")),
                ("rows", models.BigIntegerField()),
                ("first_batch_no", models.BigIntegerField(blank=True, help_text="Empty: it held no row", null=True)),
                ("last_batch_no", models.BigIntegerField(blank=True, null=True)),
                ("first_ingested_at", models.DateTimeField(blank=True, null=True)),
                ("last_ingested_at", models.DateTimeField(blank=True, null=True)),
                ("dropped_by", models.TextField(help_text="Who asked for it; the database's user where nobody said")),
                ("dropped_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "dropped_partitions",
                "db_table_comment": "Months of bronze tables that went by retention: who, when, how many rows",
                "ordering": ("-id",),
            },
        ),
        migrations.AddField(
            model_name="target",
            name="fold_horizon",
            field=models.DateTimeField(
                blank=True, help_text="What is before it is settled: bronze rows that made it are gone", null=True
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="droppedpartition",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="8609cec45481daa4711fa75e58948268b56d86db",
                    ignore_func_name='"dwh_lineage"._pgtrigger_should_ignore',
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_2ddbc",
                    table="dropped_partitions",
                    when="BEFORE",
                ),
            ),
        ),
    ]
