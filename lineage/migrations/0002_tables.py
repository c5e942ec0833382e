import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from lineage.schema import SchemaMigration


class Migration(SchemaMigration):
    initial = True

    dependencies = [
        ("lineage", "0001_schemas"),
    ]

    operations = [
        migrations.CreateModel(
            name="Watermark",
            fields=[
                ("table_name", models.TextField(primary_key=True, serialize=False)),
                ("watermark_column", models.TextField()),
                ("watermark_value", models.DateTimeField(null=True)),
                ("updated_at", models.DateTimeField()),
                ("waiting_batches", models.BigIntegerField()),
                ("waiting_rows", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "watermarks",
                "ordering": ("table_name",),
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Batch",
            fields=[
                ("batch_no", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.TextField(
                        choices=[("ingest", "Ingest"), ("foreign", "Foreign"), ("load", "Load"), ("rebuild", "Rebuild")]
                    ),
                ),
                ("batch_id", models.UUIDField(blank=True, help_text="The run that wrote it", null=True)),
                ("load_no", models.BigIntegerField(blank=True, null=True)),
                ("source_system", models.TextField(blank=True, null=True)),
                ("source_file", models.TextField(blank=True, null=True)),
                ("source_checksum", models.TextField(blank=True, null=True)),
                ("source_bytes", models.BigIntegerField(blank=True, null=True)),
                (
                    "ingested_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="Start of the transaction, as on the rows",
                    ),
                ),
                ("completed_at", models.DateTimeField(blank=True, null=True)),
                ("first_bronze_id", models.BigIntegerField(blank=True, null=True)),
                ("last_bronze_id", models.BigIntegerField(blank=True, null=True)),
                ("rows_read", models.BigIntegerField(blank=True, null=True)),
                ("rows_inserted", models.BigIntegerField(blank=True, null=True)),
                ("rows_updated", models.BigIntegerField(blank=True, null=True)),
                ("rows_deleted", models.BigIntegerField(blank=True, null=True)),
                ("rows_unchanged", models.BigIntegerField(blank=True, null=True)),
                ("rows_rejected", models.BigIntegerField(blank=True, null=True)),
                (
                    "opened_in",
                    models.BigIntegerField(
                        help_text="Transaction that opened it: only that one may write under its number"
                    ),
                ),
            ],
            options={
                "db_table": "batches",
                "db_table_comment": "The ledger: every committed change of every table",
            },
        ),
        migrations.CreateModel(
            name="ColumnLineage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source_table", models.TextField(db_default="")),
                ("source_column", models.TextField()),
                ("target_table", models.TextField(db_default="")),
                ("target_column", models.TextField()),
                ("transformation", models.TextField(blank=True, null=True)),
                ("is_key", models.BooleanField(db_default=False)),
                (
                    "kind",
                    models.TextField(
                        db_default="DIRECT", help_text="DIRECT: the value. INDIRECT: join, filter, group, sort"
                    ),
                ),
                (
                    "origin",
                    models.TextField(db_default="declared", help_text="declared, parsed, observed, openlineage"),
                ),
                ("notes", models.TextField(blank=True, null=True)),
            ],
            options={
                "db_table": "column_lineage",
                "db_table_comment": "Columns and what they are made of",
            },
        ),
        migrations.CreateModel(
            name="Step",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("target", models.TextField()),
                ("position", models.IntegerField(help_text="Order in the run: what it needs comes before it")),
                (
                    "needs",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        db_default=models.Value(
                            [], django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)
                        ),
                        size=None,
                    ),
                ),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("blocked", "Blocked"),
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("retrying", "Retrying"),
                            ("succeeded", "Succeeded"),
                            ("skipped", "Skipped"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                            ("upstream_failed", "Upstream Failed"),
                        ],
                        db_default="blocked",
                    ),
                ),
                ("rebuild", models.BooleanField(db_default=False)),
                (
                    "token",
                    models.BigIntegerField(
                        db_default=0, help_text="Number of the claim; only its holder may finish the step"
                    ),
                ),
                ("due_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "failures",
                    models.IntegerField(db_default=0, help_text="Attempts that failed and may be tried again"),
                ),
                ("lost", models.IntegerField(db_default=0, help_text="Attempts whose worker vanished")),
                ("error_sqlstate", models.TextField(blank=True, null=True)),
                ("error_message", models.TextField(blank=True, null=True)),
                ("error_hint", models.TextField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "batch",
                    models.ForeignKey(
                        blank=True,
                        db_column="batch_no",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="lineage.batch",
                    ),
                ),
            ],
            options={
                "db_table": "run_steps",
                "db_table_comment": "Loads of a run, one for each table",
                "ordering": ("run", "position"),
            },
        ),
        migrations.CreateModel(
            name="PipelineRun",
            fields=[
                ("run_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("batch_id", models.UUIDField(db_default=django.contrib.postgres.functions.RandomUUID(), unique=True)),
                ("pipeline_name", models.TextField()),
                (
                    "status",
                    models.TextField(
                        choices=[
                            ("pending", "Pending"),
                            ("running", "Running"),
                            ("cancelling", "Cancelling"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        db_default="running",
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("completed_at", models.DateTimeField(blank=True, null=True)),
                ("parameters", models.JSONField(db_default=models.Value({}, models.JSONField()))),
                ("error_message", models.TextField(blank=True, null=True)),
                ("metrics", models.JSONField(db_default=models.Value({}, models.JSONField()))),
                ("trigger", models.TextField(db_default="sql", help_text="manual, schedule, sql")),
                ("requested_by", models.TextField(db_default="")),
                ("code_version", models.TextField(db_default="")),
                ("concurrency_key", models.TextField(blank=True, help_text="One live run for each key", null=True)),
            ],
            options={
                "db_table": "pipeline_runs",
                "db_table_comment": "Executions of pipelines",
            },
        ),
        migrations.CreateModel(
            name="TableDependency",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("upstream_table", models.TextField()),
                ("downstream_table", models.TextField()),
                ("dependency_type", models.TextField(db_default="data")),
                (
                    "origin",
                    models.TextField(db_default="observed", help_text="declared, parsed, observed, openlineage"),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "verbose_name_plural": "table dependencies",
                "db_table": "table_dependencies",
                "db_table_comment": "Which table feeds which",
            },
        ),
        migrations.CreateModel(
            name="TableLineage",
            fields=[
                ("lineage_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("batch_id", models.UUIDField(help_text="The run's id; a load outside a run has one of its own")),
                ("source_table", models.TextField()),
                ("target_table", models.TextField()),
                ("operation", models.TextField()),
                ("rows_read", models.BigIntegerField(blank=True, null=True)),
                ("rows_inserted", models.BigIntegerField(blank=True, null=True)),
                ("rows_updated", models.BigIntegerField(blank=True, null=True)),
                ("rows_deleted", models.BigIntegerField(blank=True, null=True)),
                ("rows_rejected", models.BigIntegerField(blank=True, null=True)),
                ("rows_unchanged", models.BigIntegerField(blank=True, null=True)),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("completed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "duration_ms",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            django.db.models.functions.datetime.Extract(
                                django.db.models.expressions.CombinedExpression(
                                    models.F("completed_at"), "-", models.F("started_at")
                                ),
                                "epoch",
                            ),
                            "*",
                            models.Value(1000),
                        ),
                        output_field=models.BigIntegerField(),
                    ),
                ),
                ("sql_hash", models.TextField(blank=True, null=True)),
                ("notes", models.TextField(blank=True, null=True)),
            ],
            options={
                "db_table": "table_lineage",
                "db_table_comment": "What each load read and wrote",
            },
        ),
        migrations.CreateModel(
            name="Target",
            fields=[
                (
                    "target",
                    models.TextField(
                        help_text="Schema and name, as in silver.customers", primary_key=True, serialize=False
                    ),
                ),
                ("layer", models.TextField(choices=[("bronze", "Bronze"), ("silver", "Silver"), ("gold", "Gold")])),
                ("kind", models.TextField(help_text="bronze, append, scd2, dimension, fact, aggregate")),
                ("warehouse", models.TextField(help_text="Label of the app that declares the table")),
                ("description", models.TextField(blank=True, db_default="")),
                (
                    "contract",
                    models.JSONField(db_default=models.Value({}, models.JSONField()), help_text="The declaration"),
                ),
                (
                    "rows_relation",
                    models.TextField(help_text="Relation that holds the rows: the table, or what stands behind a view"),
                ),
                ("load_routine", models.TextField(blank=True, null=True)),
                ("rebuild_routine", models.TextField(blank=True, null=True)),
                ("outcomes_routine", models.TextField(blank=True, null=True)),
                ("load_no", models.BigIntegerField(db_default=0)),
                (
                    "last_event_at",
                    models.DateTimeField(blank=True, help_text="Latest effective time that was folded", null=True),
                ),
                (
                    "last_gone_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Latest effective time of a delete that leaves its key without a row",
                        null=True,
                    ),
                ),
                (
                    "needs_rebuild",
                    models.BooleanField(db_default=False, help_text="A new declaration waits for its rebuild"),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "targets",
                "db_table_comment": "Tables that loads write; one row each, locked by every load of its table",
                "ordering": ("target",),
            },
        ),
        migrations.CreateModel(
            name="TargetInput",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
            options={
                "db_table": "target_inputs",
                "db_table_comment": "Who takes whose batches",
            },
        ),
        migrations.CreateModel(
            name="BatchInput",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.ForeignKey(
                        db_column="batch_no",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="taken",
                        to="lineage.batch",
                    ),
                ),
                (
                    "input",
                    models.ForeignKey(
                        db_column="input_batch_no",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="taken_by",
                        to="lineage.batch",
                    ),
                ),
            ],
            options={
                "db_table": "batch_inputs",
                "db_table_comment": "Which batches each load took",
            },
        ),
        migrations.CreateModel(
            name="Lease",
            fields=[
                (
                    "step",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="lease",
                        serialize=False,
                        to="lineage.step",
                    ),
                ),
                ("token", models.BigIntegerField()),
                ("worker", models.TextField()),
                ("until", models.DateTimeField()),
                ("cancel_requested", models.BooleanField(db_default=False)),
                ("progress", models.JSONField(db_default=models.Value({}, models.JSONField()))),
            ],
            options={
                "db_table": "step_leases",
                "db_table_comment": "Leases of running steps, renewed by heartbeats",
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("token", models.BigIntegerField()),
                ("worker", models.TextField()),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "outcome",
                    models.TextField(
                        blank=True,
                        choices=[
                            ("succeeded", "succeeded"),
                            ("failed", "failed"),
                            ("lost", "lost"),
                            ("fenced", "fenced"),
                            ("cancelled", "cancelled"),
                        ],
                        null=True,
                    ),
                ),
                ("sqlstate", models.TextField(blank=True, null=True)),
                ("message", models.TextField(blank=True, null=True)),
                (
                    "step",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="attempts", to="lineage.step"
                    ),
                ),
            ],
            options={
                "db_table": "step_attempts",
                "db_table_comment": "Tries at a step; append-only but for the outcome, which is written once",
                "ordering": ("step", "token"),
            },
        ),
        migrations.CreateModel(
            name="Pending",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.ForeignKey(
                        db_column="batch_no",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pending_for",
                        to="lineage.batch",
                    ),
                ),
            ],
            options={
                "db_table": "pendings",
                "db_table_comment": "Batches that wait for a consumer; a load deletes the rows of what it takes",
            },
        ),
        migrations.AddField(
            model_name="step",
            name="run",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="lineage.pipelinerun"
            ),
        ),
        migrations.AddIndex(
            model_name="pipelinerun",
            index=models.Index(fields=["pipeline_name", "-run_id"], name="pipeline_runs_name_idx"),
        ),
        migrations.AddIndex(
            model_name="pipelinerun",
            index=models.Index(fields=["status"], name="pipeline_runs_status_idx"),
        ),
        migrations.AddIndex(
            model_name="pipelinerun",
            index=models.Index(fields=["started_at"], name="pipeline_runs_started_idx"),
        ),
        migrations.AddConstraint(
            model_name="pipelinerun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["pending", "running", "cancelling", "completed", "failed", "cancelled"])
                ),
                name="pipeline_runs_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="pipelinerun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ("pending", "running", "cancelling"))),
                fields=("concurrency_key",),
                name="pipeline_runs_one_live",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pipelinerun",
            trigger=pgtrigger.compiler.Trigger(
                name="run_states",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."status", \':\', NEW."status") = ANY(\'{pending:running,pending:cancelled,pending:failed,running:cancelling,running:completed,running:failed,running:cancelled,cancelling:cancelled,cancelling:completed,cancelling:failed,failed:running}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="f1b3aaf1c1e1ec8d2c2574459536628834426625",
                    ignore_func_name='"dwh_lineage"._pgtrigger_should_ignore',
                    operation="UPDATE",
                    pgid="pgtrigger_run_states_60bbc",
                    table="pipeline_runs",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="tabledependency",
            index=models.Index(fields=["downstream_table"], name="table_dep_downstream_idx"),
        ),
        migrations.AddConstraint(
            model_name="tabledependency",
            constraint=models.UniqueConstraint(
                fields=("upstream_table", "downstream_table"), name="table_dependencies_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="tabledependency",
            constraint=models.CheckConstraint(
                condition=models.Q(("dependency_type__in", ("data", "reference", "optional"))),
                name="table_dependencies_type_known",
            ),
        ),
        migrations.AddField(
            model_name="tablelineage",
            name="ledger_batch",
            field=models.ForeignKey(
                blank=True,
                db_column="batch_no",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="edges",
                to="lineage.batch",
            ),
        ),
        migrations.AddField(
            model_name="tablelineage",
            name="run",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="edges",
                to="lineage.pipelinerun",
            ),
        ),
        migrations.AddField(
            model_name="columnlineage",
            name="lineage",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="columns",
                to="lineage.tablelineage",
            ),
        ),
        migrations.AddField(
            model_name="pending",
            name="consumer",
            field=models.ForeignKey(
                db_column="consumer",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="pending",
                to="lineage.target",
            ),
        ),
        migrations.AddField(
            model_name="batch",
            name="target",
            field=models.ForeignKey(
                db_column="target",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="batches",
                to="lineage.target",
            ),
        ),
        migrations.AddField(
            model_name="targetinput",
            name="consumer",
            field=models.ForeignKey(
                db_column="consumer",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="inputs",
                to="lineage.target",
            ),
        ),
        migrations.AddField(
            model_name="targetinput",
            name="source",
            field=models.ForeignKey(
                db_column="source",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="consumers",
                to="lineage.target",
            ),
        ),
        migrations.AddConstraint(
            model_name="batchinput",
            constraint=models.UniqueConstraint(fields=("batch", "input"), name="batch_inputs_once"),
        ),
        migrations.AddConstraint(
            model_name="attempt",
            constraint=models.UniqueConstraint(fields=("step", "token"), name="step_attempts_once"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="attempt",
            trigger=pgtrigger.compiler.Trigger(
                name="outcome_once",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."outcome" IS NOT NULL)',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="2aa280eaabf59eb96fa38fae03fe837e97a05954",
                    ignore_func_name='"dwh_lineage"._pgtrigger_should_ignore',
                    operation="UPDATE",
                    pgid="pgtrigger_outcome_once_4168b",
                    table="step_attempts",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="step",
            index=models.Index(
                condition=models.Q(("state__in", ("queued", "retrying"))), fields=["due_at"], name="run_steps_due_idx"
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.UniqueConstraint(fields=("run", "target"), name="run_steps_once"),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "blocked",
                            "queued",
                            "running",
                            "retrying",
                            "succeeded",
                            "skipped",
                            "failed",
                            "cancelled",
                            "upstream_failed",
                        ],
                    )
                ),
                name="run_steps_state_known",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="step",
            trigger=pgtrigger.compiler.Trigger(
                name="step_states",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{blocked:queued,blocked:upstream_failed,blocked:cancelled,blocked:skipped,queued:running,queued:cancelled,queued:skipped,running:succeeded,running:failed,running:retrying,running:cancelled,running:running,retrying:running,retrying:cancelled,retrying:failed,failed:queued,failed:blocked,upstream_failed:blocked,upstream_failed:queued,cancelled:queued,cancelled:blocked}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="71ce999ffcafccec3c22b6d8d827fc80910819e9",
                    ignore_func_name='"dwh_lineage"._pgtrigger_should_ignore',
                    operation="UPDATE",
                    pgid="pgtrigger_step_states_34f15",
                    table="run_steps",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="tablelineage",
            index=models.Index(fields=["source_table"], name="table_lineage_source_idx"),
        ),
        migrations.AddIndex(
            model_name="tablelineage",
            index=models.Index(fields=["target_table", "-lineage_id"], name="table_lineage_target_idx"),
        ),
        migrations.AddIndex(
            model_name="tablelineage",
            index=models.Index(fields=["batch_id"], name="table_lineage_batch_idx"),
        ),
        migrations.AddConstraint(
            model_name="tablelineage",
            constraint=models.CheckConstraint(
                condition=models.Q(("operation__in", ("ingest", "transform", "aggregate", "refresh", "delete"))),
                name="table_lineage_operation_known",
            ),
        ),
        migrations.AddIndex(
            model_name="columnlineage",
            index=models.Index(fields=["target_table", "target_column"], name="column_lineage_target_idx"),
        ),
        migrations.AddIndex(
            model_name="columnlineage",
            index=models.Index(fields=["source_table", "source_column"], name="column_lineage_source_idx"),
        ),
        migrations.AddConstraint(
            model_name="pending",
            constraint=models.UniqueConstraint(fields=("consumer", "batch"), name="pendings_once"),
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(fields=["target", "-batch_no"], name="batches_target_idx"),
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(fields=["batch_id"], name="batches_run_idx"),
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(
                condition=models.Q(("kind", "ingest")), fields=["target", "source_bytes"], name="batches_bytes_idx"
            ),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "ingest")), fields=("target", "source_checksum"), name="batches_file_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="targetinput",
            constraint=models.UniqueConstraint(fields=("consumer", "source"), name="target_inputs_once"),
        ),
    ]
