from django.db import migrations

from lineage.schema import RunSqlFile

_COUNTS = "bigint, bigint, bigint, bigint, bigint"

ROUTINES = {
    "watermarks": "VIEW dwh_etl.watermarks, dwh_lineage.watermarks",
    "get_watermark": "FUNCTION dwh_etl.get_watermark(text)",
    "register_input": "FUNCTION dwh_lineage.register_input(text, text)",
    "unregister_input": "FUNCTION dwh_lineage.unregister_input(text, text)",
    "open_batch": "FUNCTION dwh_lineage.open_batch(text, text, uuid, text, text, text, bigint, bigint)",
    "close_batch": f"FUNCTION dwh_lineage.close_batch(bigint, bigint, {_COUNTS})",
    "begin_load": "FUNCTION dwh_lineage.begin_load(text, uuid, boolean)",
    "finish_load": f"FUNCTION dwh_lineage.finish_load(bigint, text, jsonb, {_COUNTS}, text)",
    "take_again": "PROCEDURE dwh_lineage.take_again(text, timestamptz, bigint)",
    "skip_batches": "PROCEDURE dwh_lineage.skip_batches(text, timestamptz, bigint)",
    "set_watermark": "PROCEDURE dwh_etl.set_watermark(text, text, timestamptz, text, text)",
    "start_pipeline": "FUNCTION dwh_lineage.start_pipeline(text, jsonb)",
    "complete_pipeline": "PROCEDURE dwh_lineage.complete_pipeline(uuid, text, text, jsonb)",
    "log_ingestion": "FUNCTION dwh_lineage.log_ingestion(text, uuid, text, bigint)",
    "log_transformation": "FUNCTION dwh_lineage.log_transformation(text, text, uuid, bigint, bigint, bigint, bigint)",
    "log_aggregation": "FUNCTION dwh_lineage.log_aggregation(text, text, uuid, bigint, bigint)",
    "log_refresh": "FUNCTION dwh_lineage.log_refresh(text, uuid)",
    "get_upstream": "FUNCTION dwh_lineage.get_upstream(text)",
    "get_downstream": "FUNCTION dwh_lineage.get_downstream(text)",
    "trace_record": "FUNCTION dwh_lineage.trace_record(text, uuid)",
    "get_pipeline_history": "FUNCTION dwh_lineage.get_pipeline_history(text, integer)",
    "v_dependency_graph": "VIEW dwh_lineage.v_dependency_graph",
}


class Migration(migrations.Migration):
    dependencies = [("lineage", "0002_tables")]

    operations = [
        *(RunSqlFile("lineage", name, drop=f"DROP {what};") for name, what in ROUTINES.items()),
        RunSqlFile("lineage", "grants", drop=""),
    ]
