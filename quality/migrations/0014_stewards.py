import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from lineage.schema import RunSqlFile, SchemaMigration

ROUTINES = {
    "alone_up_to": "FUNCTION dwh_lineage.alone_up_to(bigint)",
    "try_decision": "FUNCTION dwh_lineage.try_decision(bigint)",
    "why_absent": "FUNCTION dwh_lineage.why_absent(text)",
    "my_targets": "FUNCTION dwh_lineage.my_targets(text)",
    "my_exceptions": "VIEW dwh_lineage.my_exceptions",
    "my_issues": "VIEW dwh_lineage.my_issues",
    "my_decisions": "VIEW dwh_lineage.my_decisions",
}


class Migration(SchemaMigration):
    """What people may do who sign in to the database as stewards, and states that only routines change."""

    dependencies = [
        ("lineage", "0016_scopes"),
        ("quality", "0013_fast_replays"),
    ]

    operations = [
        migrations.CreateModel(
            name="DecisionLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("alone_up_to", models.BigIntegerField(help_text="Empty: about any number", null=True)),
            ],
            options={
                "db_table": "decision_limits",
                "db_table_comment": "How many rows one person decides about alone",
            },
        ),
        *(RunSqlFile("quality", name, drop=f"DROP {what};") for name, what in ROUTINES.items()),
        pgtrigger.migrations.RemoveTrigger(
            model_name="qualitydecision",
            name="decision_states",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="qualityexception",
            name="exception_states",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="qualitydecision",
            trigger=pgtrigger.compiler.Trigger(
                name="decision_states",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE l_illegal record;",
                    func="\n            SELECT c.* INTO l_illegal\n            FROM (\n                SELECT x.id, min(x.state) FILTER (WHERE x.was) AS was, min(x.state) FILTER (WHERE NOT x.was) AS becomes\n                FROM (SELECT id, state, true AS was FROM before UNION ALL SELECT id, state, false FROM after) AS x\n                GROUP BY x.id\n            ) AS c\n            WHERE c.becomes <> c.was AND (\n                c.was || ':' || c.becomes <> ALL ('{proposed:queued,proposed:withdrawn,queued:done,queued:cancelled}'::text[])\n                OR current_setting('assay.changes_states', true) IS DISTINCT FROM 'on'\n            )\n            LIMIT 1;\n            IF FOUND THEN\n                RAISE EXCEPTION 'Invalid transition of % % from \"%\" to \"%\".',\n                    TG_TABLE_NAME, l_illegal.id, l_illegal.was, l_illegal.becomes\n                    USING ERRCODE = 'AS088',\n                          HINT = 'Loads and decisions change states: see dwh_lineage.decide, approve, stop_decision.';\n            END IF;\n            RETURN NULL;\n        ",
                    hash="87db312d838d84b8138659643d3bfcc646274d66",
                    ignore_func_name='"dwh_lineage"._pgtrigger_should_ignore',
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_decision_states_856cc",
                    referencing="REFERENCING OLD TABLE AS before  NEW TABLE AS after ",
                    table="quality_decisions",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="qualityexception",
            trigger=pgtrigger.compiler.Trigger(
                name="exception_states",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE l_illegal record;",
                    func="\n            SELECT c.* INTO l_illegal\n            FROM (\n                SELECT x.id, min(x.state) FILTER (WHERE x.was) AS was, min(x.state) FILTER (WHERE NOT x.was) AS becomes\n                FROM (SELECT id, state, true AS was FROM before UNION ALL SELECT id, state, false FROM after) AS x\n                GROUP BY x.id\n            ) AS c\n            WHERE c.becomes <> c.was AND (\n                c.was || ':' || c.becomes <> ALL ('{open:proposed,proposed:open,proposed:queued,queued:landed,queued:open,open:superseded,proposed:superseded,queued:superseded,open:rejected,queued:rejected,open:queued,landed:open,rejected:open,open:landed,proposed:landed,superseded:open,superseded:landed}'::text[])\n                OR current_setting('assay.changes_states', true) IS DISTINCT FROM 'on'\n            )\n            LIMIT 1;\n            IF FOUND THEN\n                RAISE EXCEPTION 'Invalid transition of % % from \"%\" to \"%\".',\n                    TG_TABLE_NAME, l_illegal.id, l_illegal.was, l_illegal.becomes\n                    USING ERRCODE = 'AS088',\n                          HINT = 'Loads and decisions change states: see dwh_lineage.decide, approve, stop_decision.';\n            END IF;\n            RETURN NULL;\n        ",
                    hash="1c94316ff061d77328de7409d863ed6e5c19d9e8",
                    ignore_func_name='"dwh_lineage"._pgtrigger_should_ignore',
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_exception_states_4839d",
                    referencing="REFERENCING OLD TABLE AS before  NEW TABLE AS after ",
                    table="quality_exceptions",
                    when="AFTER",
                ),
            ),
        ),
        RunSqlFile("quality", "grants_stewards", drop=""),
    ]
