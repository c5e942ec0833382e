from django.db import migrations, models

from lineage.schema import RunSqlFile, SchemaMigration


class Migration(SchemaMigration):
    dependencies = [("lineage", "0005_watermarks_moved")]

    operations = [
        migrations.CreateModel(
            name="Tick",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "ticks",
                "db_table_comment": "When what beat asks for was last done",
            },
        ),
        migrations.AddField(
            model_name="pipelinerun",
            name="logical_time",
            field=models.DateTimeField(blank=True, help_text="The time of its schedule that it stands for", null=True),
        ),
        RunSqlFile("lineage", "clock", drop="DROP FUNCTION dwh_lineage.clock();"),
    ]
