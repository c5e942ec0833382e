import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from lineage.schema import SchemaMigration


class Migration(SchemaMigration):
    dependencies = [
        ("lineage", "0007_notifications"),
        ("medallion", "0003_silver"),
        ("quality", "0005_notifications"),
    ]

    operations = [
        migrations.CreateModel(
            name="ScheduleChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("changed_by", models.TextField()),
                ("changes", models.JSONField(help_text="Field → [before, after]")),
            ],
            options={
                "db_table": "schedule_changes",
                "db_table_comment": "Who changed which schedule, and how",
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="ScheduleSlot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "logical_time",
                    models.DateTimeField(help_text="The time of the schedule, however late it was recorded"),
                ),
                (
                    "state",
                    models.TextField(
                        choices=[("waiting", "Waiting"), ("started", "Started"), ("skipped", "Skipped")],
                        db_default="waiting",
                    ),
                ),
                ("reason", models.TextField(blank=True, db_default="", help_text="Why it waits or was skipped")),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("decided_at", models.DateTimeField(blank=True, help_text="When it was started or skipped", null=True)),
            ],
            options={
                "db_table": "schedule_slots",
                "db_table_comment": "The times of the schedules, and what became of each",
            },
        ),
        migrations.AlterModelOptions(
            name="schedule",
            options={"ordering": ("pipeline",)},
        ),
        migrations.AddField(
            model_name="schedule",
            name="catch_up_within",
            field=models.DurationField(blank=True, help_text="A time older than this is skipped", null=True),
        ),
        migrations.AddField(
            model_name="schedule",
            name="declared",
            field=models.JSONField(
                blank=True, help_text="What the declaration says; NULL: made by a person", null=True
            ),
        ),
        migrations.AddField(
            model_name="schedule",
            name="fresh_until",
            field=models.DateTimeField(blank=True, help_text="When to look whether it is overdue", null=True),
        ),
        migrations.AddField(
            model_name="schedule",
            name="fresh_within",
            field=models.DurationField(
                blank=True, help_text="Longest time without a success; empty: an hour after the next time", null=True
            ),
        ),
        migrations.AddField(
            model_name="schedule",
            name="next_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(),
                help_text="No time before this is still to be recorded",
            ),
        ),
        migrations.AddField(
            model_name="schedule",
            name="overdue",
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name="schedule",
            name="pause_reason",
            field=models.TextField(blank=True, db_default=""),
        ),
        migrations.AlterField(
            model_name="schedule",
            name="cron",
            field=models.TextField(help_text="Minute, hour, day of month, month, day of week"),
        ),
        migrations.AddIndex(
            model_name="schedule",
            index=models.Index(condition=models.Q(("paused", False)), fields=["next_at"], name="schedules_next_idx"),
        ),
        migrations.AddIndex(
            model_name="schedule",
            index=models.Index(
                condition=models.Q(("paused", False)), fields=["fresh_until"], name="schedules_fresh_idx"
            ),
        ),
        migrations.AddField(
            model_name="schedulechange",
            name="schedule",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="changes", to="medallion.schedule"
            ),
        ),
        migrations.AddField(
            model_name="scheduleslot",
            name="run",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="slots",
                to="lineage.pipelinerun",
            ),
        ),
        migrations.AddField(
            model_name="scheduleslot",
            name="schedule",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="slots", to="medallion.schedule"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="schedulechange",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="b74bba2f3ac2774690ee86878fba12d9dd557ffd",
                    ignore_func_name='"dwh_lineage"._pgtrigger_should_ignore',
                    operation="UPDATE",
                    pgid="pgtrigger_append_only_b68c7",
                    table="schedule_changes",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="scheduleslot",
            index=models.Index(
                condition=models.Q(("state", "waiting")),
                fields=["schedule", "logical_time"],
                name="schedule_slots_wait",
            ),
        ),
        migrations.AddConstraint(
            model_name="scheduleslot",
            constraint=models.UniqueConstraint(fields=("schedule", "logical_time"), name="schedule_slots_once"),
        ),
        migrations.AddConstraint(
            model_name="scheduleslot",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ("waiting", "started", "skipped"))), name="schedule_slots_state_known"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="scheduleslot",
            trigger=pgtrigger.compiler.Trigger(
                name="slot_states",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{waiting:started,waiting:skipped}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="53a6e3ab9a75381e47f2c2cf6bf154cc76fc6e28",
                    ignore_func_name='"dwh_lineage"._pgtrigger_should_ignore',
                    operation="UPDATE",
                    pgid="pgtrigger_slot_states_6918c",
                    table="schedule_slots",
                    when="BEFORE",
                ),
            ),
        ),
    ]
