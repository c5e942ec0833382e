"""What the columns of a table hold: one set-based pass over a sample of its rows, or all of them.

Values are looked at as texts, as bronze has them; what they could be is asked of the casts that loads use.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from medallion.compile import profiles
from medallion.naming import ident

SAMPLE = 10_000
MOST = 10

#: What a text could be, the narrowest first: name → column of a contract.
KINDS: dict[str, dict[str, Any]] = {
    "SmallInt": {"type": "smallint"},
    "Integer": {"type": "integer"},
    "BigInt": {"type": "bigint"},
    "Numeric": {"type": "numeric"},
    "Boolean": {"type": "boolean"},
    "Uuid": {"type": "uuid"},
    "Date": {"type": "date"},
    "Timestamp": {"type": "timestamptz"},
    **{
        f'Date format="{form}"': {"type": "date", "cast": {"formats": [form]}}
        for form in ("DD.MM.YYYY", "DD/MM/YYYY", "MM/DD/YYYY", "YYYYMMDD")
    },
}


class Cursor(Protocol):
    """What is needed of a cursor: Django's or psycopg's."""

    def execute(self, query: Any, params: Any = None, /) -> Any: ...

    def fetchall(self) -> list[Any]: ...


@dataclass(frozen=True)
class Profile:
    """A column: how many of `rows` are NULL or blank, how many values differ, how long they are, and what they look
    like. `fits`: how many of those that are neither could be which kind (KINDS)."""

    column: str
    rows: int
    nulls: int
    blanks: int
    distinct: int
    minimum: str | None
    maximum: str | None
    lowest: str | None  # as a number, of those that are one
    highest: str | None
    shortest: int | None
    longest: int | None
    top: list[tuple[str, int]]
    patterns: list[tuple[str, int]]
    fits: dict[str, int]

    @property
    def filled(self) -> int:
        """Rows with a value that is not blank."""
        return self.rows - self.nulls - self.blanks

    @property
    def is_unique(self) -> bool:
        return self.filled > 0 and self.distinct == self.rows


def profile(cursor: Cursor, relation: str, columns: Sequence[str] = (), sample: int | None = SAMPLE) -> list[Profile]:
    """Profiles of the columns of a table or view (`bronze.raw_customers`), in their order; without `columns` of all but
    those that Assay adds. sample: at most so many rows, taken from all over the table where it is large; None: all."""
    names = list(columns) or _columns(cursor, relation)
    if not names:
        return []
    cursor.execute(profiles.query(_source(cursor, relation, sample), names, KINDS, MOST))
    return [_profile(names, *row) for row in cursor.fetchall()]


def _profile(names: Sequence[str], number: int, *found: Any) -> Profile:
    *counts, top, patterns, fits = found
    # Django's cursors give JSON as text.
    top, patterns, fits = (json.loads(one) if isinstance(one, str) else one for one in (top, patterns, fits))
    values = [names[number], *counts, [(v, n) for v, n in top], [(p, n) for p, n in patterns], fits]
    return Profile(*values)


def _columns(cursor: Cursor, relation: str) -> list[str]:
    cursor.execute(
        "SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 "
        "AND NOT a.attisdropped AND a.attname NOT LIKE '\\_%%' ORDER BY a.attnum", [relation],
    )  # fmt: skip
    return [name for (name,) in cursor.fetchall()]


def _source(cursor: Cursor, relation: str, sample: int | None) -> str:
    """FROM and LIMIT. Pages from all over a table that is larger than the sample; of a view, its first rows."""
    name = ident(*relation.split("."))
    if sample is None:
        return name
    cursor.execute(
        "SELECT sum(c.reltuples) FROM pg_class AS c WHERE c.relkind = 'r' AND (c.oid = to_regclass(%s) "
        "OR c.oid IN (SELECT t.relid FROM pg_partition_tree(to_regclass(%s)) AS t))", [relation, relation],
    )  # fmt: skip
    rows = float(cursor.fetchall()[0][0] or 0)
    if rows > 4 * sample:
        percent = 100 * 2 * sample / rows
        name += f" TABLESAMPLE SYSTEM ({percent:.6f}) REPEATABLE (1)"
    return f"{name} LIMIT {int(sample)}"
