from django.db import migrations, models
from django.db.models.expressions import RawSQL

from lineage.schema import SchemaMigration

SEARCH_TEXT = """
    lower(
        target || ' ' || description || ' ' || coalesce(contract #>> '{about,owner}', '') || ' '
        || coalesce(contract ->> 'surrogate', '') || ' ' || coalesce(contract #>> '{about,tags}', '') || ' '
        || jsonb_path_query_array(contract, '$.columns[*].name')::text || ' '
        || jsonb_path_query_array(contract, '$.columns[*].doc')::text || ' '
        || jsonb_path_query_array(contract, '$.generated[*].name')::text
    )
"""


class Migration(SchemaMigration):
    """What pages look for: a text to search, the last step of each table, who may see personal data."""

    dependencies = [
        ("lineage", "0016_scopes"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="target",
            options={
                "ordering": ("target",),
                "permissions": (("view_personal_data", "Can see personal data in sample rows and traces"),),
            },
        ),
        migrations.AddField(
            model_name="target",
            name="search_text",
            field=models.GeneratedField(
                db_persist=True,
                expression=RawSQL(SEARCH_TEXT, ()),  # noqa: S611 - a constant
                help_text="What the search looks through: name, description, owner, tags, columns",
                output_field=models.TextField(),
            ),
        ),
        migrations.AddIndex(
            model_name="step",
            index=models.Index(fields=["target", "-id"], name="run_steps_target_idx"),
        ),
    ]
