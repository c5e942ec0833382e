import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

from lineage.schema import RunSqlFile, SchemaMigration

ROUTINES = {
    "user_named": "FUNCTION dwh_lineage.user_named(text)",
    "refuse_bad_decision": "FUNCTION dwh_lineage.refuse_bad_decision(text, text, jsonb, text, jsonb, text)",
    "refuse_bad_selection": "FUNCTION dwh_lineage.refuse_bad_selection(text, jsonb)",
    "try_patch": "FUNCTION dwh_lineage.try_patch(bigint, jsonb, text)",
    "move_decided": "FUNCTION dwh_lineage.move_decided(bigint, text, text)",
    "decide": "FUNCTION dwh_lineage.decide(text, text, jsonb, text, text, jsonb, text, boolean, bigint)",
    "approve": "FUNCTION dwh_lineage.approve(bigint, text)",
    "stop_decision": "FUNCTION dwh_lineage.stop_decision(bigint, text)",
    "undo": "FUNCTION dwh_lineage.undo(bigint, text, text)",
    "take_back": "FUNCTION dwh_lineage.take_back(bigint, bigint, bigint[])",
    "apply_decision": "FUNCTION dwh_lineage.apply_decision(bigint)",
    "reject_rows": "FUNCTION dwh_lineage.reject_rows(bigint)",
    "replay_chunk": "FUNCTION dwh_lineage.replay_chunk(bigint, integer)",
}


class Migration(SchemaMigration):
    dependencies = [
        ("lineage", "0011_replay"),
        ("quality", "0005_notifications"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DecisionRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("bronze_id", models.BigIntegerField()),
                ("patch", models.JSONField(blank=True, help_text="The row's own patch, where rows differ", null=True)),
                (
                    "outcome",
                    models.TextField(blank=True, help_text="landed, open, rejected, overtaken, cancelled", null=True),
                ),
            ],
            options={
                "db_table": "decision_rows",
                "db_table_comment": "The frozen selections of decisions, and what became of each row",
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="qualityexception",
            name="exception_states",
        ),
        migrations.AddField(
            model_name="qualitydecision",
            name="failing",
            field=models.BigIntegerField(db_default=0, help_text="Still break a rule"),
        ),
        migrations.AddField(
            model_name="qualitydecision",
            name="finished_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="qualitydecision",
            name="landed",
            field=models.BigIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="qualitydecision",
            name="needs_approval",
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name="qualitydecision",
            name="overtaken",
            field=models.BigIntegerField(db_default=0, help_text="Something else had become of them"),
        ),
        migrations.AddField(
            model_name="qualitydecision",
            name="patch",
            field=models.JSONField(
                blank=True, help_text="Source columns and the text that stands for theirs", null=True
            ),
        ),
        migrations.AddField(
            model_name="qualitydecision",
            name="progressed_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddField(
            model_name="qualitydecision",
            name="rejected",
            field=models.BigIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="qualitydecision",
            name="rule",
            field=models.TextField(
                blank=True, help_text="The rule that is waived; empty: all that the rows break", null=True
            ),
        ),
        migrations.AddField(
            model_name="qualitydecision",
            name="state",
            field=models.TextField(
                choices=[
                    ("proposed", "Proposed"),
                    ("queued", "Queued"),
                    ("done", "Done"),
                    ("cancelled", "Cancelled"),
                    ("withdrawn", "Withdrawn"),
                ],
                db_default="queued",
            ),
        ),
        migrations.AddField(
            model_name="qualitydecision",
            name="undoes",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="undone_by",
                to="quality.qualitydecision",
            ),
        ),
        migrations.AddField(
            model_name="waiver",
            name="withdrawn_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="quality.qualitydecision",
            ),
        ),
        migrations.AlterField(
            model_name="qualitydecision",
            name="selection",
            field=models.JSONField(
                db_default=models.Value({}, models.JSONField()), help_text="What was asked for; the rows are frozen"
            ),
        ),
        migrations.AlterField(
            model_name="qualitydecision",
            name="verb",
            field=models.TextField(
                choices=[("correct", "Correct"), ("waive", "Waive"), ("reject", "Reject"), ("undo", "Undo")]
            ),
        ),
        migrations.AddIndex(
            model_name="qualitydecision",
            index=models.Index(
                condition=models.Q(("state", "queued")), fields=["progressed_at"], name="quality_decisions_queued_idx"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="qualitydecision",
            trigger=pgtrigger.compiler.Trigger(
                name="decision_states",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE l_illegal record;",
                    func="\n            SELECT c.* INTO l_illegal\n            FROM (\n                SELECT x.id, min(x.state) FILTER (WHERE x.was) AS was, min(x.state) FILTER (WHERE NOT x.was) AS becomes\n                FROM (SELECT id, state, true AS was FROM before UNION ALL SELECT id, state, false FROM after) AS x\n                GROUP BY x.id\n            ) AS c\n            WHERE c.becomes <> c.was AND c.was || ':' || c.becomes <> ALL ('{proposed:queued,proposed:withdrawn,queued:done,queued:cancelled}'::text[])\n            LIMIT 1;\n            IF FOUND THEN\n                RAISE EXCEPTION 'Invalid transition of % % from \"%\" to \"%\".',\n                    TG_TABLE_NAME, l_illegal.id, l_illegal.was, l_illegal.becomes;\n            END IF;\n            RETURN NULL;\n        ",
                    hash="c6a1d5d259693abb3ee5aea2c0c9258c77401bdb",
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
                    func="\n            SELECT c.* INTO l_illegal\n            FROM (\n                SELECT x.id, min(x.state) FILTER (WHERE x.was) AS was, min(x.state) FILTER (WHERE NOT x.was) AS becomes\n                FROM (SELECT id, state, true AS was FROM before UNION ALL SELECT id, state, false FROM after) AS x\n                GROUP BY x.id\n            ) AS c\n            WHERE c.becomes <> c.was AND c.was || ':' || c.becomes <> ALL ('{open:proposed,proposed:open,proposed:queued,queued:landed,queued:open,open:superseded,proposed:superseded,queued:superseded,open:rejected,queued:rejected,open:queued,landed:open,rejected:open,open:landed,proposed:landed,superseded:open,superseded:landed}'::text[])\n            LIMIT 1;\n            IF FOUND THEN\n                RAISE EXCEPTION 'Invalid transition of % % from \"%\" to \"%\".',\n                    TG_TABLE_NAME, l_illegal.id, l_illegal.was, l_illegal.becomes;\n            END IF;\n            RETURN NULL;\n        ",
                    hash="840479219aae645047a7a8a582cee2e99b408902",
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
        migrations.AddConstraint(
            model_name="qualitydecision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("needs_approval", False),
                    ("approver__isnull", False),
                    ("state__in", ("proposed", "withdrawn")),
                    _connector="OR",
                ),
                name="quality_decisions_approved",
            ),
        ),
        migrations.AddConstraint(
            model_name="qualitydecision",
            constraint=models.CheckConstraint(
                condition=models.Q(("verb__in", ["correct", "waive", "reject", "undo"])),
                name="quality_decisions_verb_known",
            ),
        ),
        migrations.AddField(
            model_name="decisionrow",
            name="decision",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="rows",
                to="quality.qualitydecision",
            ),
        ),
        migrations.AddField(
            model_name="decisionrow",
            name="exception",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="decided", to="quality.qualityexception"
            ),
        ),
        migrations.AddIndex(
            model_name="decisionrow",
            index=models.Index(
                condition=models.Q(("outcome__isnull", True)), fields=["decision", "id"], name="decision_rows_due_idx"
            ),
        ),
        migrations.AddConstraint(
            model_name="decisionrow",
            constraint=models.UniqueConstraint(fields=("decision", "bronze_id"), name="decision_rows_once"),
        ),
        *(RunSqlFile("quality", name, drop=f"DROP {what};") for name, what in ROUTINES.items()),
        RunSqlFile("quality", "grants_decisions", drop=""),
    ]
