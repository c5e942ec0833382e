from django.db import migrations

from lineage.schema import RunSqlFile

ROUTINES = {
    "estimated_rows": "FUNCTION dwh_etl.estimated_rows(regclass)",
    "why_too_many": "FUNCTION dwh_etl.why_too_many(text, bigint, text)",
    "why_in_full": "FUNCTION dwh_etl.why_in_full(text, bigint[], boolean)",
    "way_of_load": "FUNCTION dwh_etl.way_of_load(text, bigint, boolean)",
    "keep_images": "FUNCTION dwh_etl.keep_images()",
    "ensure_images": "FUNCTION dwh_etl.ensure_images(text)",
    "read_images": "FUNCTION dwh_etl.read_images(text, jsonb)",
}


class Migration(migrations.Migration):
    """Images of changed rows: what gold tables know their affected keys by."""

    dependencies = [
        ("lineage", "0015_images"),
        ("medallion", "0012_evolution"),
    ]

    operations = [
        RunSqlFile("medallion", "images", drop="DROP TABLE dwh_staging.images;"),
        *(RunSqlFile("medallion", name, drop=f"DROP {what};") for name, what in ROUTINES.items()),
    ]
