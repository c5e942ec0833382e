from django.db import migrations, models

from lineage.schema import SchemaMigration


class Migration(SchemaMigration):
    """Which tables read images of changed rows instead of everything."""

    dependencies = [
        ("lineage", "0014_code_and_origins"),
    ]

    operations = [
        migrations.AddField(
            model_name="targetinput",
            name="images",
            field=models.TextField(
                help_text="Its load reads images of changed rows: whole, or standing (members alone); empty: no images",
                null=True,
            ),
        ),
    ]
