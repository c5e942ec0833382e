from django.db import migrations

from lineage.schema import RunSqlFile


class Migration(migrations.Migration):
    """Casts that an index may hold, for the keys of late events."""

    dependencies = [("medallion", "0013_images")]

    operations = [
        RunSqlFile("medallion", f"index_{name}", drop=f"DROP FUNCTION dwh_etl.index_{name}(text);")
        for name in ("bigint", "numeric", "uuid")
    ]
