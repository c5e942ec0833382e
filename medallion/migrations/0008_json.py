from django.db import migrations

from lineage.schema import RunSqlFile


class Migration(migrations.Migration):
    dependencies = [
        ("medallion", "0007_gold"),
    ]

    operations = [RunSqlFile("medallion", "json_fault", drop="DROP FUNCTION dwh_etl.json_fault(text, text[]);")]
