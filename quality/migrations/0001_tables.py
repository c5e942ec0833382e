import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

from lineage.schema import SchemaMigration


class Migration(SchemaMigration):
    initial = True

    dependencies = [
        ("lineage", "0002_tables"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="QualityDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("verb", models.TextField(help_text="correct, waive, reject, undo")),
                ("selection", models.JSONField(db_default=models.Value({}, models.JSONField()))),
                ("reason", models.TextField(blank=True, db_default="")),
                ("selected", models.BigIntegerField(db_default=0)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "approver",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        db_column="target",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="decisions",
                        to="lineage.target",
                    ),
                ),
            ],
            options={
                "db_table": "quality_decisions",
                "db_table_comment": "What people decided about exceptions",
            },
        ),
        migrations.CreateModel(
            name="Correction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("bronze_id", models.BigIntegerField()),
                ("version", models.IntegerField()),
                (
                    "patch",
                    models.JSONField(
                        help_text="Source columns and the text that stands for theirs; null removes a value"
                    ),
                ),
                (
                    "expected",
                    models.JSONField(
                        db_default=models.Value({}, models.JSONField()),
                        help_text="Values of the bronze row that the author saw; others are refused",
                    ),
                ),
                ("withdrawn", models.BooleanField(db_default=False, help_text="Undone by a later version")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "target",
                    models.ForeignKey(
                        db_column="target",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="corrections",
                        to="lineage.target",
                    ),
                ),
                (
                    "decision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrections",
                        to="quality.qualitydecision",
                    ),
                ),
            ],
            options={
                "db_table": "corrections",
                "db_table_comment": "Patches over bronze rows",
            },
        ),
        migrations.CreateModel(
            name="QualityException",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source_table", models.TextField()),
                ("source_id", models.TextField(blank=True, help_text="The row's key, where it has one", null=True)),
                ("bronze_id", models.BigIntegerField()),
                (
                    "issues",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        help_text="Messages of all the rules that the row breaks",
                        size=None,
                    ),
                ),
                ("source_data", models.JSONField(blank=True, null=True)),
                ("detected_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                ("resolution", models.TextField(blank=True, null=True)),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("open", "Open"),
                            ("proposed", "Proposed"),
                            ("queued", "Queued"),
                            ("landed", "Landed"),
                            ("rejected", "Rejected"),
                            ("superseded", "Superseded"),
                        ],
                        db_default="open",
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        db_column="batch_no",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exceptions",
                        to="lineage.batch",
                    ),
                ),
                (
                    "target_table",
                    models.ForeignKey(
                        db_column="target_table",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="exceptions",
                        to="lineage.target",
                    ),
                ),
            ],
            options={
                "db_table": "quality_exceptions",
                "db_table_comment": "Rows that broke a rule, kept until a person or a newer row resolves them",
            },
        ),
        migrations.CreateModel(
            name="ExceptionEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("from_state", models.TextField(blank=True, null=True)),
                ("to_state", models.TextField()),
                ("note", models.TextField(blank=True, db_default="")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "batch",
                    models.ForeignKey(
                        blank=True,
                        db_column="batch_no",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="lineage.batch",
                    ),
                ),
                (
                    "decision",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="quality.qualitydecision",
                    ),
                ),
                (
                    "exception",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="quality.qualityexception",
                    ),
                ),
            ],
            options={
                "db_table": "exception_events",
                "db_table_comment": "What happened to each exception",
            },
        ),
        migrations.CreateModel(
            name="QualityIssue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fingerprint", models.TextField(help_text="Target, rule and cause", unique=True)),
                ("rule", models.TextField()),
                ("column_name", models.TextField(blank=True, null=True)),
                ("title", models.TextField()),
                ("first_seen_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("snoozed_until", models.DateTimeField(blank=True, null=True)),
                (
                    "assignee",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "first_batch",
                    models.ForeignKey(
                        db_column="first_batch_no",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="lineage.batch",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        db_column="target",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="issues",
                        to="lineage.target",
                    ),
                ),
            ],
            options={
                "db_table": "quality_issues",
                "db_table_comment": "Causes of exceptions",
            },
        ),
        migrations.CreateModel(
            name="IssueDelta",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("delta", models.BigIntegerField()),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "batch",
                    models.ForeignKey(
                        db_column="batch_no",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="lineage.batch",
                    ),
                ),
                (
                    "issue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="deltas", to="quality.qualityissue"
                    ),
                ),
            ],
            options={
                "db_table": "issue_deltas",
                "db_table_comment": "Changes of the issues' counts",
            },
        ),
        migrations.CreateModel(
            name="ExceptionBreach",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule", models.TextField()),
                ("column_name", models.TextField(blank=True, null=True)),
                (
                    "value",
                    models.TextField(
                        blank=True, help_text="What the column's expression gave, before the cast", null=True
                    ),
                ),
                ("message", models.TextField()),
                (
                    "exception",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="breaches",
                        to="quality.qualityexception",
                    ),
                ),
                (
                    "issue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="breaches", to="quality.qualityissue"
                    ),
                ),
            ],
            options={
                "db_table": "exception_breaches",
                "db_table_comment": "The rules that each exception breaks",
            },
        ),
        migrations.CreateModel(
            name="QualityMetric",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("batch_id", models.UUIDField()),
                ("table_name", models.TextField()),
                ("metric_name", models.TextField()),
                ("metric_value", models.DecimalField(blank=True, decimal_places=10, max_digits=38, null=True)),
                ("threshold", models.DecimalField(blank=True, decimal_places=10, max_digits=38, null=True)),
                ("passed", models.BooleanField(blank=True, null=True)),
                ("details", models.JSONField(blank=True, null=True)),
                ("measured_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quality_metrics",
                        to="lineage.pipelinerun",
                    ),
                ),
            ],
            options={
                "db_table": "quality_metrics",
                "db_table_comment": "Measured figures of tables",
            },
        ),
        migrations.CreateModel(
            name="QualityRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule", models.TextField(help_text="Name within the target, as in customer_id:required")),
                ("position", models.SmallIntegerField(help_text="Number by which the load routine names the rule")),
                ("column_name", models.TextField(blank=True, null=True)),
                ("kind", models.TextField(help_text="castable, required, one_of, matches, range, condition, …")),
                ("definition", models.JSONField(db_default=models.Value({}, models.JSONField()))),
                ("message", models.TextField()),
                ("severity", models.TextField(db_default="quarantine")),
                ("version", models.TextField(help_text="Fingerprint of what the rule asks")),
                (
                    "can_be_waived",
                    models.BooleanField(
                        db_default=True,
                        help_text="Whether the table could hold a row that breaks it; not so a cast, a key, an enum",
                    ),
                ),
                ("active", models.BooleanField(db_default=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "target",
                    models.ForeignKey(
                        db_column="target",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rules",
                        to="lineage.target",
                    ),
                ),
            ],
            options={
                "db_table": "quality_rules",
                "db_table_comment": "Rules of the declarations, versioned",
            },
        ),
        migrations.CreateModel(
            name="UnreadableLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "record_no",
                    models.BigIntegerField(
                        help_text="Number of the record in the file, the first after the header is 1"
                    ),
                ),
                ("line_no", models.BigIntegerField(help_text="Number of the record's first line in the file, from 1")),
                ("raw", models.BinaryField()),
                ("reason", models.TextField()),
                (
                    "batch",
                    models.ForeignKey(
                        db_column="batch_no",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="unreadable_lines",
                        to="lineage.batch",
                    ),
                ),
            ],
            options={
                "db_table": "unreadable_lines",
                "db_table_comment": "Lines of source files that are not CSV",
            },
        ),
        migrations.CreateModel(
            name="Waiver",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule", models.TextField()),
                (
                    "rule_version",
                    models.TextField(
                        editable=False, help_text="The rule's version when it was waived; a trigger writes it"
                    ),
                ),
                ("bronze_id", models.BigIntegerField(blank=True, null=True)),
                ("first_batch_no", models.BigIntegerField(blank=True, null=True)),
                ("last_batch_no", models.BigIntegerField(blank=True, null=True)),
                (
                    "expires_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="It does not govern batches that are ingested later: the next load writes last_batch_no",
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "decision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="waivers",
                        to="quality.qualitydecision",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        db_column="target",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="waivers",
                        to="lineage.target",
                    ),
                ),
            ],
            options={
                "db_table": "waivers",
                "db_table_comment": "Rules set aside by a person",
            },
        ),
        migrations.AddConstraint(
            model_name="qualitydecision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approver__isnull", True),
                    models.Q(("approver", models.F("author")), _negated=True),
                    _connector="OR",
                ),
                name="quality_decisions_four_eyes",
            ),
        ),
        migrations.AddConstraint(
            model_name="correction",
            constraint=models.UniqueConstraint(fields=("target", "bronze_id", "version"), name="corrections_version"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="correction",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="92ef24398387d9200e59f79ba122a7ef985b7c8c",
                    ignore_func_name='"dwh_lineage"._pgtrigger_should_ignore',
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_d7ac2",
                    table="corrections",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="qualityexception",
            index=models.Index(
                condition=models.Q(("state__in", ("open", "proposed", "queued"))),
                fields=["target_table", "-id"],
                name="quality_exc_open_idx",
            ),
        ),
        migrations.AddConstraint(
            model_name="qualityexception",
            constraint=models.UniqueConstraint(fields=("target_table", "bronze_id"), name="quality_exceptions_once"),
        ),
        migrations.AddConstraint(
            model_name="qualityexception",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["open", "proposed", "queued", "landed", "rejected", "superseded"])),
                name="quality_exceptions_state_known",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="qualityexception",
            trigger=pgtrigger.compiler.Trigger(
                name="exception_states",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{open:proposed,proposed:open,proposed:queued,queued:landed,queued:open,open:superseded,proposed:superseded,queued:superseded,open:rejected,open:queued,landed:open,rejected:open,open:landed,proposed:landed,superseded:open,superseded:landed}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="7e566857a4649e860e770565a30b90cee8f581b0",
                    ignore_func_name='"dwh_lineage"._pgtrigger_should_ignore',
                    operation="UPDATE",
                    pgid="pgtrigger_exception_states_4839d",
                    table="quality_exceptions",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exceptionevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="676aba5603546adbe2b86f5f071288dc33e3a000",
                    ignore_func_name='"dwh_lineage"._pgtrigger_should_ignore',
                    operation="UPDATE",
                    pgid="pgtrigger_append_only_27caf",
                    table="exception_events",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="exceptionbreach",
            constraint=models.UniqueConstraint(fields=("exception", "rule"), name="exception_breaches_once"),
        ),
        migrations.AddIndex(
            model_name="qualitymetric",
            index=models.Index(fields=["table_name", "metric_name", "-measured_at"], name="quality_metrics_idx"),
        ),
        migrations.AddConstraint(
            model_name="qualityrule",
            constraint=models.UniqueConstraint(fields=("target", "rule", "version"), name="quality_rules_version"),
        ),
        migrations.AddConstraint(
            model_name="qualityrule",
            constraint=models.UniqueConstraint(
                condition=models.Q(("active", True)), fields=("target", "position"), name="quality_rules_position"
            ),
        ),
        migrations.AddConstraint(
            model_name="unreadableline",
            constraint=models.UniqueConstraint(fields=("batch", "record_no"), name="unreadable_lines_once"),
        ),
    ]
