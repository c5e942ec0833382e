"""The lists of the catalog: tables by layer, the graph as a list, watermarks, loads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import django_tables2 as tables
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from lineage.columns import AssayTable, BadgeColumn, CountColumn, MomentColumn, TableNameColumn
from lineage.models import WatermarkMove
from lineage.templatetags import assay
from lineage.trouble import Trouble
from lineage.viewing import View

WIDE = {"td": {"class": "wide"}}
NAMES_SHOWN = 6


class TableLinkColumn(TableNameColumn):
    """A table's name with the mark of its layer, leading to its page."""

    def render(self, value: str) -> SafeString:
        return table_link(value, reverse("admin:table", args=[value]))


class OpenColumn(CountColumn):
    """A count that is good news when it is zero."""

    def render(self, value: int) -> str:
        return format_html('<span class="bad">{}</span>', assay.count(value)) if value else assay.count(value)


class ShareColumn(CountColumn):
    """A part of a whole, in percent."""

    def render(self, value: float) -> str:
        return assay.percent(value)


class WhenColumn(MomentColumn):
    """How long ago; the moment is its title."""

    def render(self, value: datetime) -> SafeString:
        return render_to_string("assay/_when.html", {"at": value, "relative": True})


class CatalogTable(AssayTable):
    """The tables of one layer."""

    target = TableLinkColumn(verbose_name="Table")
    kind = tables.Column()
    description = tables.Column(attrs=WIDE)
    rows = CountColumn()
    last_load = WhenColumn(verbose_name="Last load", default="never")
    waiting_batches = CountColumn(verbose_name="Batches waiting")
    open_exceptions = OpenColumn(verbose_name="Open exceptions")

    class Meta(AssayTable.Meta):
        pass


class GraphTable(AssayTable):
    """The graph as a list: each node with what feeds it, what it feeds, and how it is."""

    name = tables.Column(verbose_name="Table")
    fed_by = tables.Column(verbose_name="Fed by", attrs=WIDE, empty_values=())
    feeds = tables.Column(attrs=WIDE, empty_values=())
    rows = CountColumn()
    last_load = WhenColumn(verbose_name="Last load")
    status = BadgeColumn(verbose_name="Last run")
    freshness = tables.Column()
    accepted = ShareColumn(verbose_name="Good rows")
    exceptions = OpenColumn(verbose_name="Open exceptions")
    upstream_trouble = tables.Column(verbose_name="Trouble upstream", attrs=WIDE)

    class Meta(AssayTable.Meta):
        attrs = {"class": "grid", "caption": "Tables"}

    def render_name(self, value: str) -> SafeString:
        return table_link(value, _around(value))

    def render_fed_by(self, value: Sequence[str]) -> str:
        return _links(value)

    def render_feeds(self, value: Sequence[str]) -> str:
        return _links(value)

    def render_upstream_trouble(self, value: Trouble) -> SafeString:
        return format_html('<a href="{}">{}</a> {}', _around(value.table), value.table, value.what)


class WatermarkTable(AssayTable):
    """How far each consumer has come."""

    table_name = TableLinkColumn(verbose_name="Consumer")
    up_to = MomentColumn(verbose_name="Has taken everything up to", default="its sources have nothing yet")
    waiting_batches = CountColumn(verbose_name="Batches waiting")
    waiting_rows = CountColumn(verbose_name="Rows waiting")
    updated_at = WhenColumn(verbose_name="Last change")

    class Meta(AssayTable.Meta):
        pass


class WatermarkMoveTable(AssayTable):
    """Watermarks that people moved, the latest first."""

    target_id = TableLinkColumn(verbose_name="Consumer")
    moved_at = WhenColumn(verbose_name="Moved")
    moved_by = tables.Column(verbose_name="By")
    to_value = MomentColumn(verbose_name="To", empty_values=())
    became = tables.Column(verbose_name="What came of it", empty_values=())
    reason = tables.Column(attrs=WIDE)

    class Meta(AssayTable.Meta):
        attrs = {"class": "grid", "caption": "Moved by hand"}

    def render_to_value(self, record: WatermarkMove) -> SafeString | str:
        if record.to_value is None:
            return "the end" if record.forward else "the start"
        return render_to_string("assay/_when.html", {"at": record.to_value})

    def render_became(self, record: WatermarkMove) -> str:
        batches = f"{assay.count(record.batches)} batch{'es' if record.batches != 1 else ''}"
        if not record.forward:
            return f"{batches} waited again"
        undone = record.batches - record.still_skipped  # type: ignore[attr-defined]
        return f"{batches} skipped" + (f", {assay.count(undone)} of them taken back since" if undone else "")


def table_link(name: str, url: str) -> SafeString:
    """A table's name with the mark of its layer, leading to `url`."""
    return format_html(
        '<span class="table-name"><i class="layer layer-{}" aria-hidden="true"></i><a href="{}">{}</a></span>',
        assay.layer(name),
        url,
        name,
    )


def _around(name: str) -> str:
    return f"{reverse('admin:lineage')}?{View(table=name, depth=1).query()}"


def _links(names: Sequence[str]) -> str:
    if not names:
        return assay.NOTHING
    shown = format_html_join(", ", '<a href="{}">{}</a>', ((_around(name), name) for name in names[:NAMES_SHOWN]))
    more = len(names) - NAMES_SHOWN
    return format_html("{} and {} more", shown, more) if more > 0 else shown
