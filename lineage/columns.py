"""The base of all list tables and the columns that they share. Cells are escaped by the templates that show them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_tables2 as tables
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from lineage.keyset import KeysetPage
from lineage.templatetags import assay

NUMBER = {"td": {"class": "num"}, "th": {"class": "num"}}


class AssayTable(tables.Table):
    """A list in the pages' look. Give it a `KeysetPage` to have "newer" and "older" beneath it.

    `empty_text` is the sentence for no rows. Columns do not sort: an index stands behind the one order that is shown.
    """

    class Meta:
        template_name = "assay/table.html"
        orderable = False
        default = assay.NOTHING
        attrs = {"class": "grid"}

    def __init__(self, data: Any, *, keyset: KeysetPage[Any] | None = None, body_id: str = "", **options: Any) -> None:
        """`body_id`: the id of the rows in the page, where they are brought up to date while one looks."""
        super().__init__(data, **options)
        self.keyset, self.body_id = keyset, body_id


class BadgeColumn(tables.Column):
    """A state as a badge."""

    def render(self, value: object) -> SafeString:
        return render_to_string("assay/_badge.html", {"state": value})


class CountColumn(tables.Column):
    """A whole number, right-aligned."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"attrs": NUMBER, **options})

    def render(self, value: int) -> str:
        return assay.count(value)


class DurationColumn(tables.Column):
    """A length of time (timedelta, or seconds), right-aligned."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"attrs": NUMBER, **options})

    def render(self, value: Any) -> str:
        return assay.duration(value)


class MomentColumn(tables.Column):
    """A moment, to the second; how long ago is its title."""

    def render(self, value: datetime) -> SafeString:
        return render_to_string("assay/_when.html", {"at": value})


class AgeColumn(tables.Column):
    """How long ago; the moment is its title."""

    def render(self, value: datetime) -> SafeString:
        return render_to_string("assay/_when.html", {"at": value, "relative": True})


class TableNameColumn(tables.Column):
    """The name of a warehouse table behind the mark of its layer."""

    def render(self, value: str) -> SafeString:
        return render_to_string("assay/_table_name.html", {"table": value})


class CodeColumn(tables.Column):
    """Text as a program wrote it."""

    def render(self, value: object) -> SafeString:
        return format_html("<code>{}</code>", value)
