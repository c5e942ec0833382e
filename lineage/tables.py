"""Lists of the lineage pages."""

from __future__ import annotations

import django_tables2 as tables
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from lineage.columns import (
    NUMBER,
    AgeColumn,
    AssayTable,
    BadgeColumn,
    CountColumn,
    DurationColumn,
    MomentColumn,
    TableNameColumn,
)
from lineage.runs import RunSummary
from lineage.templatetags import assay
from lineage.workers import WorkerState


class RunTable(AssayTable):
    """Runs, the latest first; its rows are RunSummary."""

    run = tables.Column(accessor="run__run_id")
    status = BadgeColumn(accessor="run__status")
    pipeline = tables.Column(accessor="run__pipeline_name")
    started = MomentColumn(accessor="run__started_at")
    duration = DurationColumn()
    steps = tables.Column(empty_values=(), attrs=NUMBER)
    rows_written = CountColumn()
    requested_by = tables.Column(accessor="run", verbose_name="Requested by")

    class Meta(AssayTable.Meta):
        empty_text = "No run fits. Change the filter, or start one: manage.py run PIPELINE"
        attrs = {"class": "grid", "caption": "Runs"}

    def render_run(self, record: RunSummary) -> SafeString:
        # With an id the keyboard's focus stays where it is when the rows are brought up to date.
        url = reverse("admin:run", args=[record.run.pk])
        return format_html('<a id="run-{}" href="{}">{}</a>', record.run.pk, url, record.run.pk)

    def render_pipeline(self, record: RunSummary) -> SafeString:
        url = reverse("admin:run", args=[record.run.pk])
        return format_html('<a id="pipeline-{}" href="{}">{}</a>', record.run.pk, url, record.run.pipeline_name)

    def render_steps(self, record: RunSummary) -> str:
        return f"{record.steps_done} / {record.steps}" if record.steps else "–"

    def render_requested_by(self, record: RunSummary) -> str:
        run = record.run
        return f"{run.requested_by} ({run.trigger})" if run.requested_by else run.trigger


class WorkerTable(AssayTable):
    """Workers, the living first; its rows are WorkerState."""

    state = BadgeColumn()
    host = tables.Column()
    pid = tables.Column(verbose_name="Process", attrs=NUMBER)
    works_at = TableNameColumn(accessor="target", verbose_name="Works at")
    run = tables.Column(accessor="run_id")
    since = AgeColumn()
    seen_at = AgeColumn(verbose_name="Last seen")
    started_at = MomentColumn(verbose_name="Started")
    steps = CountColumn(verbose_name="Attempts")
    load = tables.Column(attrs=NUMBER)
    queues = tables.Column(empty_values=())
    version = tables.Column()

    class Meta(AssayTable.Meta):
        empty_text = "No worker."
        attrs = {"class": "grid", "caption": "Workers"}

    def render_run(self, record: WorkerState) -> SafeString:
        url = reverse("admin:run", args=[record.run_id])
        return format_html('<a id="at-{}" href="{}">{} {}</a>', record.name, url, record.pipeline, record.run_id)

    def render_load(self, value: float) -> str:
        return assay.percent(value)

    def render_queues(self, record: WorkerState) -> str:
        return ", ".join(record.queues) or "one run, in a terminal"
