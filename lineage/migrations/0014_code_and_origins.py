import django.contrib.postgres.fields
import django.db.models.functions.datetime
from django.db import migrations, models

from lineage.schema import RunSqlFile, SchemaMigration

TRACING = {
    "identity_of": "text",
    "find_row": "text, text",
    "key_of": "text, jsonb",
    "arrival_of": "text, bigint",
    "origins_of": "text, jsonb, integer",
    "trace_row": "text, text, integer",
    "outcome_of": "text, bigint",
    "standing_key": "text, jsonb",
    "trace_forward": "text, text, integer",
}


class Migration(SchemaMigration):
    dependencies = [
        ("lineage", "0013_refused_steps"),
    ]

    operations = [
        migrations.CreateModel(
            name="CodeVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField(help_text="With its schema; with its arguments where several have the name")),
                ("kind", models.TextField(help_text="function, procedure, view, materialized view")),
                ("sql_hash", models.TextField(help_text="SHA-256 of the body, as dwh_lineage.sql_hash gives it")),
                ("definition", models.TextField(help_text="The whole text")),
                (
                    "first_seen_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="At a migration, or when a load ran it first",
                    ),
                ),
                ("is_current", models.BooleanField(db_default=False, help_text="Whether it is what is installed")),
                (
                    "parsed_as",
                    models.TextField(
                        blank=True,
                        db_default="",
                        help_text="Fingerprint of the text and of all that its meaning depends on",
                    ),
                ),
                ("parsed_at", models.DateTimeField(blank=True, null=True)),
                ("statements", models.IntegerField(blank=True, null=True)),
                ("understood", models.IntegerField(blank=True, null=True)),
                (
                    "gaps",
                    models.JSONField(
                        db_default=models.Value([], models.JSONField()),
                        help_text="What was not understood: statement and reason",
                    ),
                ),
                (
                    "reads",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        db_default=models.Value(
                            [], django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)
                        ),
                        size=None,
                    ),
                ),
                (
                    "writes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        db_default=models.Value(
                            [], django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)
                        ),
                        size=None,
                    ),
                ),
            ],
            options={
                "db_table": "code_versions",
                "db_table_comment": "Routines and views in all their versions, with what was read from them",
                "ordering": ("name", "-first_seen_at"),
            },
        ),
        migrations.AddField(
            model_name="columnlineage",
            name="role",
            field=models.TextField(
                db_default="",
                help_text="Of a parsed edge: value, join, filter, group by, distinct, sort, having, window, condition",
            ),
        ),
        migrations.AddField(
            model_name="columnlineage",
            name="routine",
            field=models.TextField(blank=True, help_text="The routine or view from which it was parsed", null=True),
        ),
        migrations.AddField(
            model_name="columnlineage",
            name="sql_hash",
            field=models.TextField(blank=True, help_text="Fingerprint of that text: see code_versions", null=True),
        ),
        migrations.AddField(
            model_name="target",
            name="origins_routine",
            field=models.TextField(
                blank=True, help_text="Gives the rows of its inputs that each of its rows is made of", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="columnlineage",
            index=models.Index(
                condition=models.Q(("origin", "parsed")), fields=["routine"], name="column_lineage_parsed_idx"
            ),
        ),
        migrations.AddConstraint(
            model_name="codeversion",
            constraint=models.UniqueConstraint(fields=("name", "sql_hash"), name="code_versions_once"),
        ),
        RunSqlFile("lineage", "sql_hash", drop="DROP FUNCTION dwh_lineage.sql_hash(text);"),
        RunSqlFile("lineage", "note_code", drop="DROP FUNCTION dwh_lineage.note_code(text, text);"),
        RunSqlFile("lineage", "grants_of_code", drop=""),
        *(
            RunSqlFile("lineage", name, drop=f"DROP FUNCTION dwh_lineage.{name}({types});")
            for name, types in TRACING.items()
        ),
    ]
