from django.db import migrations

from lineage.schema import SchemaMigration


class Migration(SchemaMigration):
    dependencies = [("lineage", "0003_routines")]

    operations = [migrations.AlterModelOptions(name="batch", options={"verbose_name_plural": "batches"})]
