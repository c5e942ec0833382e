"""Lists of the pages of backfills."""

from __future__ import annotations

from dataclasses import dataclass

import django_tables2 as tables
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from lineage.columns import AssayTable, BadgeColumn, CountColumn, MomentColumn
from lineage.models import Backfill, BackfillTime, PipelineRun
from medallion.backfills.plan import PlannedTime
from medallion.backfills.progress import Progress


@dataclass(frozen=True)
class BackfillSummary:
    """A backfill with how far it is."""

    backfill: Backfill
    progress: Progress


@dataclass(frozen=True)
class TimeSummary:
    """A logical time of a backfill, and its run once there is one."""

    time: BackfillTime
    run: PipelineRun | None

    @property
    def state(self) -> str:
        return self.run.status if self.run else "waiting"


class BackfillTable(AssayTable):
    """Backfills, the latest first; its rows are BackfillSummary."""

    backfill = tables.Column(accessor="backfill__pk")
    pipeline = tables.Column(accessor="backfill__pipeline")
    state = BadgeColumn(accessor="backfill__state")
    times = tables.Column(accessor="backfill", verbose_name="From, to")
    progress = tables.Column(attrs={"th": {"class": "axis"}, "td": {"class": "axis"}})
    requested_by = tables.Column(accessor="backfill__requested_by", verbose_name="Requested by")
    created = MomentColumn(accessor="backfill__created_at", verbose_name="Ordered")

    class Meta(AssayTable.Meta):
        attrs = {"class": "grid", "caption": "Backfills"}
        empty_text = "No backfill has been ordered."

    def render_backfill(self, value: int) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("admin:backfill", args=[value]), value)

    def render_times(self, value: Backfill) -> str:
        return f"{value.first_time:%Y-%m-%d} – {value.last_time:%Y-%m-%d}"

    def render_progress(self, value: Progress) -> SafeString:
        return render_to_string("medallion/_progress.html", {"progress": value})


class BackfillTimeTable(AssayTable):
    """The logical times of one backfill, the last one on top; its rows are TimeSummary."""

    logical_time = MomentColumn(accessor="time__logical_time", verbose_name="Time")
    state = BadgeColumn()
    run = tables.Column(default="–")
    after = MomentColumn(accessor="time__after", verbose_name="Stands for what came since")

    class Meta(AssayTable.Meta):
        attrs = {"class": "grid", "caption": "Times"}

    def render_run(self, value: PipelineRun) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("admin:run", args=[value.pk]), value.pk)


class PlanTable(AssayTable):
    """What a backfill would do; its rows are PlannedTime."""

    logical_time = MomentColumn(verbose_name="Time")
    is_run = tables.Column(verbose_name="Would be")
    why = tables.Column(verbose_name="Until now")
    batches = CountColumn(verbose_name="Batches in it")

    class Meta(AssayTable.Meta):
        attrs = {"class": "grid", "caption": "What would be run"}

    def render_is_run(self, record: PlannedTime) -> SafeString:
        shown = {"state": "started", "label": "run"} if record.is_run else {"state": "left as it is"}
        return render_to_string("assay/_badge.html", shown)
