from django.db import migrations

from lineage.schema import RunSqlFile


class Migration(migrations.Migration):
    dependencies = [
        ("medallion", "0017_run_changes"),
        ("quality", "0014_stewards"),
    ]

    operations = [RunSqlFile("medallion", "grants_stewards", drop="")]
