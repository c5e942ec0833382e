"""Exceptions as CSV: what a spreadsheet opens without running it, and what comes back exactly as it went."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Case, JSONField, OuterRef, QuerySet, Subquery, Value, When

from lineage.exporting import escaped
from quality.models import Correction

#: The columns before those of the source.
ABOUT = ("exception", "seen", "state", "key", "broken")
_CHUNK = 2_000


def unescaped(cell: str) -> str:
    """What `escaped` wrote, as it was."""
    return cell.removeprefix("'")


def with_patches(rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    """The exceptions, each with the correction that lies over its row by now as `lies_over`; None without one."""
    latest = Correction.objects.filter(target=OuterRef("target_table"), bronze_id=OuterRef("bronze_id"))
    counts = Case(When(withdrawn=False, then="patch"), default=Value(None, JSONField()), output_field=JSONField())
    patch = Subquery(latest.order_by("-version").annotate(counts=counts).values("counts")[:1])
    annotated: QuerySet[Any, Any] = rows.annotate(lies_over=patch)
    return annotated


def effective(source_data: Mapping[str, Any] | None, patch: Mapping[str, str | None] | None) -> dict[str, str | None]:
    """The row as a load sees it: as it arrived, with its correction over it."""
    row = {**(source_data or {}), **(patch or {})}
    return {name: None if value is None else str(value) for name, value in row.items()}


def fingerprint(row: Mapping[str, str | None]) -> str:
    """By which a file that comes back shows that the row is the one that went out."""
    return hashlib.sha256(json.dumps(sorted(row.items())).encode()).hexdigest()[:12]


def csv_lines(rows: QuerySet[Any, Any], columns: list[str]) -> Iterator[str]:
    """The file, line by line: as little memory for a million rows as for one, here and in the server."""
    writer = csv.writer(_Line(), lineterminator="\r\n")
    yield writer.writerow([*ABOUT, *(escaped(name) for name in columns)])
    for number, state, key, issues, data, patch in _in_chunks(with_patches(rows)):
        row = effective(data, patch)
        about = [str(number), fingerprint(row), state, escaped(key), escaped(" · ".join(issues))]
        yield writer.writerow([*about, *(escaped(row.get(name)) for name in columns)])


def _in_chunks(rows: QuerySet[Any, Any]) -> Iterator[tuple[Any, ...]]:
    """The rows by their ids, each chunk a short query of its own. A cursor would make the server find and keep all of
    them before the first one goes out, for the response is streamed outside of a transaction."""
    fields = ("pk", "state", "source_id", "issues", "source_data", "lies_over")
    last = 0
    while found := list(rows.filter(pk__gt=last).order_by("pk").values_list(*fields)[:_CHUNK]):
        yield from found
        last = found[-1][0]


class _Line:
    """What csv.writer writes to: its writerow returns the line."""

    def write(self, line: str) -> str:
        return line
