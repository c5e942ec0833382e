"""Lists as CSV files that a spreadsheet opens without running anything in them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable

from django.http import HttpResponse

_FORMULA = re.compile("[\\s\0]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n\0']")
_NEGATIVE = re.compile(r"-(\d+([.,]\d+)*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def escaped(value: str | None) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe before what may be one, but not before -12."""
    text = value or ""
    return f"'{text}" if _FORMULA.match(text) and not _NEGATIVE.fullmatch(text) else text


def csv_response(rows: Iterable[Iterable[str | None]], name: str) -> HttpResponse:
    """Rows as a file to save, under a name that is made safe for headers and disks."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{safe_name(name)}.csv"'
    csv.writer(response, lineterminator="\r\n").writerows([escaped(cell) for cell in row] for row in rows)
    return response


def safe_name(text: str) -> str:
    """A name that is safe in a header and on every disk."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in text)[:100]
