"""Lists of the pages of schedules."""

from __future__ import annotations

from datetime import datetime

import django_tables2 as tables
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from lineage.columns import AssayTable, BadgeColumn, MomentColumn
from lineage.models import PipelineRun
from medallion.schedules.reading import ScheduleSummary


class ScheduleTable(AssayTable):
    """Schedules by pipeline; its rows are ScheduleSummary."""

    pipeline = tables.Column(accessor="schedule__pipeline")
    state = BadgeColumn()
    when = tables.Column(accessor="words", attrs={"td": {"class": "wide"}})
    time_zone = tables.Column(accessor="schedule__time_zone", verbose_name="Zone")
    next_times = tables.Column(verbose_name="Next", empty_values=())
    last = tables.Column(verbose_name="Last", empty_values=())
    run = tables.Column(accessor="last__run", verbose_name="Run", default="–")

    class Meta(AssayTable.Meta):
        attrs = {"class": "grid", "caption": "Schedules"}
        empty_text = "No pipeline begins so."

    def render_pipeline(self, record: ScheduleSummary) -> SafeString:
        url = reverse("admin:schedule", args=[record.schedule.pk])
        return format_html('<a href="{}">{}</a>', url, record.schedule.pipeline)

    def render_when(self, record: ScheduleSummary) -> SafeString:
        return format_html('{} <code class="quiet nowrap">{}</code>', record.words, record.schedule.cron)

    def render_next_times(self, record: ScheduleSummary) -> SafeString:
        """The next one, and the four after it smaller; their years and seconds would say nothing."""
        if not record.next_times:
            return format_html('<span class="quiet">{}</span>', "–")
        first, *others = (_short(time) for time in record.next_times)
        later = format_html_join(" · ", "{}", ((time,) for time in others))
        return format_html('{}<br><span class="quiet small-print">{}</span>', first, later)

    def render_last(self, record: ScheduleSummary) -> SafeString:
        if record.last is None:
            return format_html('<span class="quiet">{}</span>', "none yet")
        badge = render_to_string("assay/_badge.html", {"state": record.last.state})
        return format_html("{} {}", _short(record.last.logical_time), badge)

    def render_run(self, value: PipelineRun) -> SafeString:
        return run_link(value)


class SlotTable(AssayTable):
    """The times of one schedule, the latest first."""

    logical_time = MomentColumn(verbose_name="Time")
    state = BadgeColumn()
    run = tables.Column(default="–")
    reason = tables.Column(attrs={"td": {"class": "wide"}}, default="")
    decided_at = MomentColumn(verbose_name="Decided", default="–")

    class Meta(AssayTable.Meta):
        attrs = {"class": "grid", "caption": "Times"}
        empty_text = "None of its times has come yet."

    def render_run(self, value: PipelineRun) -> SafeString:
        return run_link(value)


def run_link(run: PipelineRun) -> SafeString:
    """A run's number and how it stands."""
    badge = render_to_string("assay/_badge.html", {"state": run.status})
    return format_html('<a href="{}">{}</a> {}', reverse("admin:run", args=[run.pk]), run.pk, badge)


def _short(time: datetime) -> SafeString:
    return render_to_string("medallion/_time.html", {"at": time})
