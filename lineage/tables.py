"""Lists of the lineage pages."""

from __future__ import annotations

import django_tables2 as tables
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from lineage.columns import NUMBER, AssayTable, BadgeColumn, CountColumn, DurationColumn, MomentColumn
from lineage.runs import RunSummary


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
        return format_html('<a href="{}">{}</a>', reverse("admin:run", args=[record.run.pk]), record.run.pk)

    def render_pipeline(self, record: RunSummary) -> SafeString:
        url = reverse("admin:run", args=[record.run.pk])
        return format_html('<a href="{}">{}</a>', url, record.run.pipeline_name)

    def render_steps(self, record: RunSummary) -> str:
        return f"{record.steps_done} / {record.steps}" if record.steps else "–"

    def render_requested_by(self, record: RunSummary) -> str:
        run = record.run
        return f"{run.requested_by} ({run.trigger})" if run.requested_by else run.trigger
