from django.db import migrations

from lineage.schema import RunSqlFile


class Migration(migrations.Migration):
    dependencies = [
        ("lineage", "0007_notifications"),
        ("quality", "0004_overlay"),
    ]

    operations = [
        RunSqlFile("quality", "notify_of_new_issue", drop="DROP FUNCTION dwh_lineage.notify_of_new_issue() CASCADE;")
    ]
