"""Figures, times and states as all pages write them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from lineage import permissions

register = template.Library()

NOTHING = "–"

_TONES = {
    "good": ("completed", "succeeded", "landed", "passed", "fresh", "ingested", "active", "started"),
    "bad": ("failed", "lost", "error", "gap", "quarantine", "fail", "overdue", "blocking"),
    "busy": ("running", "retrying", "cancelling", "queued", "working"),
    "wait": ("pending", "blocked", "open", "proposed", "waiting", "warn", "growing", "failing", "overridden"),
}
_TONE_OF = {state: tone for tone, states in _TONES.items() for state in states}


@register.simple_tag(takes_context=True)
def may(context: template.Context, permission: str, target: str) -> bool:
    """Whether the reader has a permission for a table: {% may "quality.decide" issue.target_id as may_decide %}."""
    return permissions.may(context["request"].user, permission, target)


@register.filter
def count(value: int | float | Decimal | None) -> str:
    """12345 → 12,345; None → –."""
    return NOTHING if value is None else f"{value:,.0f}"


@register.filter
def figure(value: int | float | Decimal | None) -> str:
    """12345.5 → 12,345.5; up to four places, none where there is nothing behind the point; None → –."""
    return NOTHING if value is None else f"{value:,.4f}".rstrip("0").rstrip(".")


@register.filter
def percent(value: float | None) -> str:
    """0.9949 → 99.5 %. What is not all is never rounded up to all, nor something down to nothing."""
    if value is None:
        return NOTHING
    shown = f"{value * 100:.1f}"
    if shown == "100.0":
        return "100 %" if value >= 1 else "> 99.9 %"
    if shown == "0.0":
        return "0 %" if value <= 0 else "< 0.1 %"
    return f"{shown} %"


@register.filter
def duration(value: timedelta | float | None) -> str:
    """A length of time: 0.42 s, 12.3 s, 2 min 05 s, 1 h 04 min, 3 d 02 h. Numbers are seconds."""
    if value is None:
        return NOTHING
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if round(seconds, 1) < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02} h"


@register.filter
def ago(value: datetime | None) -> str:
    """How long ago, in one unit: 40 s ago, 5 min ago, 3 h ago, 12 d ago."""
    if value is None:
        return "never"
    seconds = int((timezone.now() - value).total_seconds())
    if seconds < 0:
        return "in the future"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:,} {unit} ago"
    return f"{seconds} s ago"


@register.filter
def moment(value: datetime | None) -> str:
    """2026-03-31 14:05:09 in the pages' time zone."""
    return NOTHING if value is None else f"{timezone.localtime(value):%Y-%m-%d %H:%M:%S}"


@register.filter
def layer(table: str) -> str:
    """The layer of a table's name: silver.customers → silver. Other schemas → other."""
    schema = str(table).partition(".")[0]
    return schema if schema in {"bronze", "silver", "gold"} else "other"


@register.filter
def tone(state: object) -> str:
    """Which of the five tones a state is shown in: good, bad, busy, wait, quiet."""
    return _TONE_OF.get(str(state).lower(), "quiet")


@register.filter
def words(state: object) -> str:
    """upstream_failed → upstream failed; a label of choices as well as their value."""
    return str(state).replace("_", " ").lower()


@register.simple_tag
def table_url(table: str) -> str:
    """The page of a warehouse table; "" for what is no table of a layer, or where no page of tables is mounted."""
    if layer(table) == "other":
        return ""
    try:
        return reverse("admin:table", args=[table])
    except NoReverseMatch:
        return ""
