import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from lineage.schema import RunSqlFile, SchemaMigration


class Migration(SchemaMigration):
    dependencies = [
        ("lineage", "0011_replay"),
    ]

    operations = [
        migrations.CreateModel(
            name="Intervention",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "verb",
                    models.TextField(
                        choices=[
                            ("cancel", "Cancelled"),
                            ("resume", "Resumed"),
                            ("skip", "Skipped"),
                            ("rerun", "Carried out again"),
                        ]
                    ),
                ),
                ("by", models.TextField(help_text="Who asked for it")),
                ("reason", models.TextField(blank=True, db_default="")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "run_interventions",
                "db_table_comment": "What people did to runs: who, when and why",
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="PipelineTotal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("pipeline_name", models.TextField()),
                ("status", models.TextField()),
                ("runs", models.BigIntegerField(help_text="A run that is resumed and ends again counts again")),
                ("seconds", models.FloatField(help_text="Sum of their durations")),
                ("last_at", models.DateTimeField()),
            ],
            options={
                "db_table": "pipeline_totals",
                "db_table_comment": "How often each pipeline has ended how, and when last",
            },
        ),
        migrations.CreateModel(
            name="TargetTotal",
            fields=[
                (
                    "target",
                    models.OneToOneField(
                        db_column="target",
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="total",
                        serialize=False,
                        to="lineage.target",
                    ),
                ),
                (
                    "counted_below",
                    models.BigIntegerField(help_text="Batches opened in older transactions than this one are in"),
                ),
                ("batches", models.BigIntegerField()),
                ("rows_read", models.BigIntegerField()),
                ("rows_inserted", models.BigIntegerField()),
                ("rows_updated", models.BigIntegerField()),
                ("rows_deleted", models.BigIntegerField()),
                ("rows_unchanged", models.BigIntegerField()),
                ("rows_rejected", models.BigIntegerField()),
            ],
            options={
                "db_table": "target_totals",
                "db_table_comment": "Sums over the older part of the ledger",
            },
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[
                (
                    "name",
                    models.TextField(
                        help_text="Host and process, as attempts and leases name it", primary_key=True, serialize=False
                    ),
                ),
                ("host", models.TextField()),
                ("pid", models.IntegerField()),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("seen_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("version", models.TextField(help_text="Version of Assay")),
                (
                    "queues",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        help_text="Celery's queues; none: it carries out one run in a terminal",
                        size=None,
                    ),
                ),
                ("steps", models.BigIntegerField(db_default=0, help_text="Attempts since it started")),
                ("busy_seconds", models.FloatField(db_default=0.0, help_text="Time spent on them")),
            ],
            options={
                "db_table": "workers",
                "db_table_comment": "Processes that work at steps, with their last sign of life",
                "ordering": ("name",),
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="pipelinerun",
            name="run_states",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="step",
            name="step_states",
        ),
        migrations.AddField(
            model_name="attempt",
            name="hint",
            field=models.TextField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="attempt",
            name="notices",
            field=models.JSONField(
                db_default=models.Value([], models.JSONField()),
                help_text="What the database said: at, severity, message, hint",
            ),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(fields=["ended_at"], name="step_attempts_ended_idx"),
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(fields=["opened_in"], name="batches_opened_idx"),
        ),
        migrations.AddIndex(
            model_name="pipelinerun",
            index=models.Index(fields=["created_at"], name="pipeline_runs_created_idx"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pipelinerun",
            trigger=pgtrigger.compiler.Trigger(
                name="run_states",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."status", \':\', NEW."status") = ANY(\'{pending:running,pending:cancelled,pending:failed,running:cancelling,running:completed,running:failed,running:cancelled,cancelling:cancelled,cancelling:completed,cancelling:failed,failed:running,completed:running}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="66e4e476e5c73667b81d81db8580c4683205aca2",
                    ignore_func_name='"dwh_lineage"._pgtrigger_should_ignore',
                    operation="UPDATE",
                    pgid="pgtrigger_run_states_60bbc",
                    table="pipeline_runs",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pipelinerun",
            trigger=pgtrigger.compiler.Trigger(
                name="count_ends",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.status IS DISTINCT FROM NEW.status AND NEW.status IN ('completed', 'failed', 'cancelled'))",
                    func="\nINSERT INTO dwh_lineage.pipeline_totals AS t (pipeline_name, status, runs, seconds, last_at)\nVALUES (\n    NEW.pipeline_name, NEW.status, 1,\n    extract(epoch FROM coalesce(NEW.completed_at, clock_timestamp()) - coalesce(NEW.started_at, NEW.created_at)),\n    coalesce(NEW.completed_at, clock_timestamp())\n)\nON CONFLICT (pipeline_name, status) DO UPDATE\nSET runs = t.runs + 1, seconds = t.seconds + excluded.seconds, last_at = greatest(t.last_at, excluded.last_at);\nRETURN NULL;\n",
                    hash="0eaa404a3bce107e0466140488b80293bc03e512",
                    ignore_func_name='"dwh_lineage"._pgtrigger_should_ignore',
                    operation='UPDATE OF "status"',
                    pgid="pgtrigger_count_ends_02b94",
                    table="pipeline_runs",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="step",
            trigger=pgtrigger.compiler.Trigger(
                name="step_states",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{blocked:queued,blocked:upstream_failed,blocked:cancelled,blocked:skipped,queued:running,queued:cancelled,queued:skipped,running:succeeded,running:failed,running:retrying,running:cancelled,running:running,retrying:running,retrying:cancelled,retrying:failed,failed:queued,failed:blocked,upstream_failed:blocked,upstream_failed:queued,cancelled:queued,cancelled:blocked,retrying:skipped,failed:skipped,upstream_failed:skipped,cancelled:skipped,succeeded:blocked,skipped:blocked}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="4745c5c0705aa55b590e748d78832ea88f359e90",
                    ignore_func_name='"dwh_lineage"._pgtrigger_should_ignore',
                    operation="UPDATE",
                    pgid="pgtrigger_step_states_34f15",
                    table="run_steps",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddField(
            model_name="intervention",
            name="run",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="interventions", to="lineage.pipelinerun"
            ),
        ),
        migrations.AddField(
            model_name="intervention",
            name="step",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="interventions",
                to="lineage.step",
            ),
        ),
        migrations.AddConstraint(
            model_name="pipelinetotal",
            constraint=models.UniqueConstraint(fields=("pipeline_name", "status"), name="pipeline_totals_once"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="intervention",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="a085cf32f48c8d165066af99a8aa825a5f5d56f0",
                    ignore_func_name='"dwh_lineage"._pgtrigger_should_ignore',
                    operation="UPDATE",
                    pgid="pgtrigger_append_only_11e3e",
                    table="run_interventions",
                    when="BEFORE",
                ),
            ),
        ),
        RunSqlFile("lineage", "grants_of_totals", drop=""),
    ]
