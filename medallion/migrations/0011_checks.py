from django.db import migrations

from lineage.schema import RunSqlFile

ROUTINES = {
    "too_many": "FUNCTION dwh_etl.too_many(numeric, numeric, text)",
    "check_rules": "FUNCTION dwh_etl.check_rules(text)",
    "record_rules": "FUNCTION dwh_etl.record_rules(text, uuid, bigint)",
    "judge_checks": "FUNCTION dwh_etl.judge_checks(text, bigint)",
    "usual_range": "FUNCTION dwh_etl.usual_range(text, text, integer, numeric)",
    "measure_drift": "FUNCTION dwh_etl.measure_drift(text, text, text, integer)",
    "measure_schema": "FUNCTION dwh_etl.measure_schema(text, text, text, bigint[])",
    "relation_named": "FUNCTION dwh_etl.relation_named(text, text[])",
    "record_measure": "FUNCTION dwh_etl.record_measure(text, uuid, text, bigint, jsonb)",
    "check_not_null": "FUNCTION dwh_etl.check_not_null(text, text, uuid, text)",
    "check_unique": "FUNCTION dwh_etl.check_unique(text, text[], uuid, text)",
    "check_referential_integrity": "FUNCTION dwh_etl.check_referential_integrity(text, text, text, text, uuid, text)",
    "check_range": "FUNCTION dwh_etl.check_range(text, text, numeric, numeric, uuid, text)",
    "run_quality_gate": "PROCEDURE dwh_etl.run_quality_gate(text, uuid, boolean)",
}


class Migration(migrations.Migration):
    dependencies = [
        ("medallion", "0010_change_events"),
        ("quality", "0010_overrides"),
    ]

    operations = [RunSqlFile("medallion", name, drop=f"DROP {what};") for name, what in ROUTINES.items()]
