"""Lists of the quality pages."""

from __future__ import annotations

import django_tables2 as tables
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from lineage.columns import NUMBER, AssayTable, BadgeColumn, CountColumn, MomentColumn, TableNameColumn
from quality.models import ExceptionBreach, QualityException, UnreadableLine
from quality.states import ExceptionState

WIDE = {"td": {"class": "wide"}}


class ExceptionTable(AssayTable):
    """Exceptions, the latest first."""

    chosen = tables.Column(verbose_name="", accessor="pk", orderable=False)
    id = tables.Column(verbose_name="Exception")
    source_id = tables.Column(verbose_name="Key", default="–")
    state = BadgeColumn()
    issues = tables.Column(verbose_name="Broken rules", attrs=WIDE)
    target_table = TableNameColumn(accessor="target_table_id", verbose_name="Target")
    bronze_id = tables.Column(verbose_name="Bronze row", attrs=NUMBER)
    detected_at = MomentColumn(verbose_name="Detected")

    class Meta(AssayTable.Meta):
        empty_text = "No exception fits."
        attrs = {"class": "grid", "caption": "Exceptions"}

    def render_chosen(self, record: QualityException) -> SafeString:
        """A box for a row that is open, which others are not for choosing."""
        if record.state != ExceptionState.OPEN:
            return SafeString("")
        return format_html(
            '<input type="checkbox" name="chosen" form="chosen" value="{}" aria-label="Choose exception {}">',
            record.pk, record.pk,
        )  # fmt: skip

    def render_id(self, value: int) -> SafeString:
        return exception_link(value)

    def render_issues(self, value: list[str]) -> str:
        return " · ".join(value)


class BreachTable(AssayTable):
    """The rows of one cause, the latest first; its rows are breaches with their exception."""

    exception = tables.Column(accessor="exception_id")
    key = tables.Column(accessor="exception__source_id", default="–")
    value = tables.Column(attrs=WIDE, empty_values=())
    state = BadgeColumn(accessor="exception__state")
    also = tables.Column(accessor="exception__issues", verbose_name="Breaks also", attrs=WIDE)
    bronze_id = tables.Column(accessor="exception__bronze_id", verbose_name="Bronze row", attrs=NUMBER)
    detected_at = MomentColumn(accessor="exception__detected_at", verbose_name="Detected")

    class Meta(AssayTable.Meta):
        empty_text = "No row fits."
        attrs = {"class": "grid", "caption": "Rows"}

    def render_exception(self, value: int) -> SafeString:
        return exception_link(value)

    def render_value(self, value: str | None) -> SafeString:
        return raw_value(value)

    def render_also(self, record: ExceptionBreach, value: list[str]) -> str:
        return " · ".join(message for message in value if message != record.message)


class DecisionTable(AssayTable):
    """Decisions, the latest first."""

    id = tables.Column(verbose_name="Decision")
    verb = tables.Column()
    state = BadgeColumn()
    target = TableNameColumn(accessor="target_id", verbose_name="Table")
    selected = CountColumn(verbose_name="Rows")
    landed = CountColumn()
    failing = CountColumn(verbose_name="Still fail")
    reason = tables.Column(attrs=WIDE)
    author = tables.Column(verbose_name="By")
    created_at = MomentColumn(verbose_name="When")

    class Meta(AssayTable.Meta):
        empty_text = "Nobody has decided anything."
        attrs = {"class": "grid", "caption": "Decisions"}

    def render_id(self, value: int) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("admin:decision", args=[value]), value)


class UnreadableLineTable(AssayTable):
    """Lines of files that are no rows, the latest first."""

    source_file = tables.Column(accessor="batch__source_file", verbose_name="File", default="–")
    line_no = tables.Column(verbose_name="Line", attrs=NUMBER)
    reason = tables.Column(attrs=WIDE)
    raw = tables.Column(verbose_name="Text", attrs=WIDE)
    target = TableNameColumn(accessor="batch__target_id", verbose_name="Table")
    batch = tables.Column(accessor="batch__batch_no", attrs=NUMBER)

    class Meta(AssayTable.Meta):
        empty_text = "Every line of every file was read."
        attrs = {"class": "grid", "caption": "Unreadable lines"}

    def render_raw(self, record: UnreadableLine) -> SafeString:
        return format_html("<code>{}</code>", readable(bytes(record.raw)))


def exception_link(number: int) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse("admin:exception", args=[number]), number)


def raw_value(value: str | None) -> SafeString:
    """A source value as it came, spaces and all; an absent one and an empty one can be told apart."""
    return render_to_string("quality/_value.html", {"value": value})


def readable(raw: bytes, longest: int = 500) -> str:
    """The bytes as text: what is no UTF-8, and control characters, as \\x escapes; cut after `longest` characters."""
    text = raw[: longest * 4].decode("utf-8", errors="backslashreplace")
    shown = "".join(c if c.isprintable() or c == "\t" else f"\\x{ord(c):02x}" for c in text[:longest])
    return shown + ("…" if len(text) > longest else "")
