"""Lists of the pages of files."""

from __future__ import annotations

import django_tables2 as tables
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from lineage.columns import AssayTable, BadgeColumn, CountColumn, MomentColumn
from medallion.models import Pull, ReceivedFile


class ReceivedFileTable(AssayTable):
    """Files that came by pickup or upload, the latest first."""

    file = tables.Column(attrs={"td": {"class": "wide"}})
    state = BadgeColumn()
    target = tables.Column(verbose_name="Table")
    rows_landed = CountColumn(accessor="rows", verbose_name="Rows")
    unreadable = CountColumn(verbose_name="Unreadable lines")
    seen_at = MomentColumn(verbose_name="Seen")
    uploaded_by = tables.Column(verbose_name="By", empty_values=(), default="pickup")

    class Meta(AssayTable.Meta):
        attrs = {"class": "grid", "caption": "Files"}
        empty_text = "No file has come yet. Upload one, or set pickup = True in a source."

    def render_file(self, record: ReceivedFile) -> SafeString:
        """Its path, and below what was wrong with it."""
        if not record.error:
            return format_html("{}", record.file)
        return format_html('{}<br><span class="quiet">{}</span>', record.file, record.error)

    def render_target(self, record: ReceivedFile) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("admin:table", args=[record.target]), record.target)

    def render_uploaded_by(self, record: ReceivedFile) -> str:
        return record.uploaded_by or "pickup"


class PullTable(AssayTable):
    """Pulls of APIs and databases, the latest first."""

    source = tables.Column(attrs={"td": {"class": "wide"}})
    state = BadgeColumn()
    pages = CountColumn()
    rows_landed = CountColumn(accessor="rows", verbose_name="Rows")
    since = tables.Column(verbose_name="Asked since")
    started_at = MomentColumn(verbose_name="Started")
    progressed_at = MomentColumn(verbose_name="Last page")

    class Meta(AssayTable.Meta):
        attrs = {"class": "grid", "caption": "Pulls"}
        empty_text = "Nothing has been pulled yet: manage.py ingest SOURCE."

    def render_source(self, record: Pull) -> SafeString:
        """Its name, and below what was wrong."""
        if not record.error:
            return format_html("{}", record.source)
        return format_html('{}<br><span class="quiet">{}</span>', record.source, record.error)
