from django.db import migrations

from lineage.schema import RunSqlFile

ROUTINES = {
    **{
        f"to_{name}": f"FUNCTION dwh_etl.to_{name}(text)"
        for name in ("bigint", "boolean", "date", "integer", "numeric", "smallint", "timestamptz", "uuid")
    },
    "bronze_refuse_change": "FUNCTION dwh_etl.bronze_refuse_change()",
    "bronze_before_insert": "FUNCTION dwh_etl.bronze_before_insert()",
    "bronze_after_insert": "FUNCTION dwh_etl.bronze_after_insert()",
    "guard_bronze": "PROCEDURE dwh_etl.guard_bronze(regclass, text)",
    "ensure_bronze_partitions": "PROCEDURE dwh_etl.ensure_bronze_partitions(text, integer, timestamptz)",
    "maintain_bronze": "FUNCTION dwh_etl.maintain_bronze(text)",
    "refuse_if_rows": "FUNCTION dwh_etl.refuse_if_rows(regclass)",
    "align_types": "PROCEDURE dwh_etl.align_types(text)",
    "measure_accounting": "FUNCTION dwh_etl.measure_accounting(text, uuid)",
    "begin_ingestion": "FUNCTION dwh_etl.begin_ingestion(text, text, text, text, bigint, uuid)",
    "finish_ingestion": "FUNCTION dwh_etl.finish_ingestion(bigint, bigint, bigint, text)",
}


class Migration(migrations.Migration):
    dependencies = [
        ("medallion", "0001_tables"),
        ("quality", "0002_routines"),
        ("lineage", "0005_watermarks_moved"),
    ]

    operations = [RunSqlFile("medallion", name, drop=f"DROP {what};") for name, what in ROUTINES.items()]
