from django.db import migrations

from lineage.schema import RunSqlFile

ROUTINES = {
    "code_version": "FUNCTION dwh_lineage.code_version(text[], text)",
    "require_loads": "FUNCTION dwh_lineage.require_loads(text[], boolean)",
    "plan_steps": "FUNCTION dwh_lineage.plan_steps(text[], boolean)",
    "hold_step": "FUNCTION dwh_lineage.hold_step(bigint)",
    "step_is_held": "FUNCTION dwh_lineage.step_is_held(bigint)",
    "seconds_until_retry": "FUNCTION dwh_lineage.seconds_until_retry(text, integer)",
    "lock_run": "FUNCTION dwh_lineage.lock_run(bigint)",
    "finish_run": "FUNCTION dwh_lineage.finish_run(bigint)",
    "settle_run": "FUNCTION dwh_lineage.settle_run(bigint, text)",
    "claim_step": "FUNCTION dwh_lineage.claim_step(bigint, text, interval, integer)",
    "succeed_step": "FUNCTION dwh_lineage.succeed_step(bigint, bigint, uuid, text)",
    "end_step": "FUNCTION dwh_lineage.end_step(bigint, bigint, text, text, text, text, jsonb)",
    "step_is_over_time": "FUNCTION dwh_lineage.step_is_over_time(bigint)",
    "stop_sessions": "FUNCTION dwh_lineage.stop_sessions(bigint, boolean)",
    "expire_run": "FUNCTION dwh_lineage.expire_run(bigint)",
    "queue_of": "FUNCTION dwh_lineage.queue_of(bigint)",
    "step_ahead": "FUNCTION dwh_lineage.step_ahead(bigint)",
    "take_again_between": "FUNCTION dwh_lineage.take_again_between(text[], timestamptz, timestamptz)",
    "cancel_run": "FUNCTION dwh_lineage.cancel_run(bigint)",
    "end_left_run": "FUNCTION dwh_lineage.end_left_run(bigint)",
    "open_run": "FUNCTION dwh_lineage.open_run(text, text[], jsonb, uuid, interval, interval)",
}


class Migration(migrations.Migration):
    dependencies = [("lineage", "0009_backfills")]

    operations = [RunSqlFile("lineage", name, drop=f"DROP {what};") for name, what in ROUTINES.items()]
