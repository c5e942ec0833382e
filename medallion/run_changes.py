"""What did a run change? Its loads, and each of their rows before and after, from the images that loads keep."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

#: So many rows are read at a time.
PAGE = 500
#: Why rows are not shown, by what dwh_etl.run_changes says of a load.
WHY_NOT = {
    "no": "It changed more than 1,000 rows and a tenth of the table: of so much, no images are kept.",
    "gone": "Its images are gone: they are kept for a week, and a crash of the server takes them away.",
    "never": "No images are kept of this table: no gold table follows it by keys.",
}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LoadChanges:
    """How many rows a load of a run changed, how it went, and whether they are kept: yes, or a key of WHY_NOT."""

    target: str
    batch_no: int
    inserted: int
    updated: int
    deleted: int
    notes: str | None
    kept: str

    @property
    def why_not(self) -> str:
        """Why its rows are not kept, for people; empty where they are."""
        return WHY_NOT.get(self.kept, "")


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that a run changed. what: inserted, changed or deleted; `was` and `becomes` in the order of the columns;
    differs: the columns whose values are not the same; place: its key, as the page after it is asked for by."""

    what: str
    key: Row
    was: Row | None
    becomes: Row | None
    differs: tuple[str, ...]
    place: str

    @property
    def stands(self) -> Row:
        """The row as it is now; one that was deleted, as it was."""
        return self.becomes or self.was or {}


def loads_of(run_id: int) -> list[LoadChanges]:
    """The loads of a run that changed something, in their order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM dwh_etl.run_changes(%s)", [run_id])
        found = [LoadChanges(*row) for row in cursor.fetchall()]
    return [load for load in found if load.inserted or load.updated or load.deleted]


def rows_of(run_id: int, target: str, limit: int | None = None, after: str | None = None) -> list[RowChange]:
    """Rows that a run changed in a table, by their keys. after: the place of the last row of the page before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT what, key::text, was::text, becomes::text FROM dwh_etl.row_changes(%s, %s, %s, %s::jsonb)",
            [run_id, target, limit, after],
        )
        found = cursor.fetchall()
        cursor.execute(
            "SELECT a.attname FROM dwh_lineage.targets AS t "
            "JOIN pg_attribute AS a ON a.attrelid = to_regclass(t.rows_relation) AND a.attnum > 0 "
            "WHERE t.target = %s AND NOT a.attisdropped ORDER BY a.attnum",
            [target],
        )
        columns = [name for (name,) in cursor.fetchall()]
    return [_change(columns, *row) for row in found]


def all_rows_of(run_id: int, target: str) -> Iterator[RowChange]:
    """The same, all of them, a page at a time."""
    after: str | None = None
    while page := rows_of(run_id, target, PAGE, after):
        yield from page
        after = page[-1].place


def _change(columns: list[str], what: str, key: str, was: str | None, becomes: str | None) -> RowChange:
    before, now = _ordered(columns, was), _ordered(columns, becomes)
    names = now or before or {}
    differs = tuple(name for name in names if before is None or now is None or before.get(name) != now.get(name))
    return RowChange(what, _ordered(columns, key) or {}, before, now, differs, key)


def _ordered(columns: list[str], text: str | None) -> Row | None:
    """A row as JSON, in the order of its table; exact numbers."""
    if text is None:
        return None
    found: Row = json.loads(text, parse_float=Decimal)
    return {name: found[name] for name in [*columns, *sorted(found.keys() - set(columns))] if name in found}
