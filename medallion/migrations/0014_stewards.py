from django.db import migrations

from lineage.schema import RunSqlFile


class Migration(migrations.Migration):
    dependencies = [
        ("medallion", "0013_images"),
        ("quality", "0013_stewards"),
    ]

    operations = [RunSqlFile("medallion", "grants_stewards", drop="")]
