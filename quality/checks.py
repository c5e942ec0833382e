"""Checks: conditions on a whole table, asked of what a load has computed before anybody sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Check:
    """The base of all checks: it measures a number, which may not be above a limit."""

    kind: ClassVar[str]

    def definition(self) -> dict[str, Any]:
        """The check as JSON; what has its default value is left out."""
        values = {name: _plain(value) for name, value in vars(self).items() if value is not None}
        return {"kind": self.kind, **values}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, (str, int, float)) else str(value)


@dataclass(frozen=True)
class Between(Check):
    """No row has a value below `low` or above `high`; NULL is neither."""

    kind = "between"
    column: str
    low: Any
    high: Any


@dataclass(frozen=True)
class References(Check):
    """Every key is there in `dimension`. max_unknown: how many rows may have the unknown member, as 10 or "1%"."""

    kind = "references"
    column: str
    dimension: Any
    max_unknown: str | int | None = None

    def definition(self) -> dict[str, Any]:
        said = {"kind": self.kind, "column": self.column, "table": self.dimension.target,
                "key": self.dimension.key_column()}  # fmt: skip
        return said | ({} if self.max_unknown is None else {"max_unknown": str(self.max_unknown)})


@dataclass(frozen=True, init=False)
class Unique(Check):
    """No two rows have the same values in these columns. where: only rows for which this holds."""

    kind = "unique"
    columns: tuple[str, ...]
    where: str | None = None

    def __init__(self, *columns: str, where: str | None = None) -> None:
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "where", where)


@dataclass(frozen=True)
class Reconciles(Check):
    """A total of the table equals one from elsewhere: `own` is an aggregate over the table's columns, `other` a SELECT
    of one value. within: how far apart they may be."""

    kind = "reconciles"
    name: str
    own: str
    other: str
    within: int | float = 0
