from django.db import migrations

from lineage.schema import RunSqlFile

ROUTINES = {
    "ensure_unknown_member": "FUNCTION dwh_etl.ensure_unknown_member(text)",
    "purge_retired": "FUNCTION dwh_etl.purge_retired(text)",
    "ensure_constraints": "PROCEDURE dwh_etl.ensure_constraints(text)",
    "release_references": "PROCEDURE dwh_etl.release_references(regclass)",
    "drop_references": "PROCEDURE dwh_etl.drop_references(regclass)",
    "add_columns": "PROCEDURE dwh_etl.add_columns(regclass)",
    "ensure_partitions": "FUNCTION dwh_etl.ensure_partitions(text, text[])",
    "refuse_doubles": "FUNCTION dwh_etl.refuse_doubles(text, text[])",
    "require_checks": "FUNCTION dwh_etl.require_checks(text, bigint[])",
    "record_checks": "FUNCTION dwh_etl.record_checks(text, uuid, jsonb)",
    "maintain_gold": "FUNCTION dwh_etl.maintain_gold(text)",
    "maintain_statistics": "PROCEDURE dwh_etl.maintain_statistics()",
    "set_views_aside": "PROCEDURE dwh_etl.set_views_aside(regclass)",
    "put_views_back": "PROCEDURE dwh_etl.put_views_back()",
    "refresh_view": "FUNCTION dwh_etl.refresh_view(text)",
}


class Migration(migrations.Migration):
    dependencies = [
        ("medallion", "0006_pipelines"),
    ]

    operations = [RunSqlFile("medallion", name, drop=f"DROP {what};") for name, what in ROUTINES.items()]
