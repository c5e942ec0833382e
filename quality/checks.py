"""Checks: conditions on a whole table, asked of what a load has computed before anybody sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from quality.rules import Severity

__all__ = ["Accounting", "Between", "Check", "Drift", "Freshness", "NotNull", "Reconciles", "References", "RowCount",
           "SchemaDrift", "Sql", "Unique", "Volume"]  # fmt: skip


@dataclass(frozen=True)
class Check:
    """The base of all checks: it measures a number, which has to be within bounds."""

    kind: ClassVar[str]

    def definition(self) -> dict[str, Any]:
        """The check as JSON; what has its default value is left out."""
        said = {name: value for name, value in vars(self).items() if value is not None}
        if said.get("severity") == Severity.FAIL:
            del said["severity"]
        return {"kind": self.kind, **{name: _plain(value) for name, value in said.items()}}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, (str, int, float)) else str(value)


@dataclass(frozen=True, kw_only=True)
class _OfRows:
    """What checks that count rows share.

    severity: `fail` (the load is refused) or `warn`. limit: how many rows may fail, as 10 or "1%". where: only rows for
    which this holds.
    """

    severity: str = Severity.FAIL
    limit: str | int | None = None
    where: str | None = None


@dataclass(frozen=True)
class Between(_OfRows, Check):
    """No row has a value below `low` or above `high`; NULL is neither."""

    kind = "between"
    column: str
    low: Any
    high: Any


@dataclass(frozen=True)
class References(_OfRows, Check):
    """Every key is there in `dimension`, in its key column or the one named `key`; NULL refers to nobody. max_unknown:
    how many rows may have the unknown member, as 10 or "1%"."""

    kind = "references"
    column: str
    dimension: Any
    key: str | None = None
    max_unknown: str | int | None = None

    def definition(self) -> dict[str, Any]:
        said = {name: value for name, value in super().definition().items() if name not in ("dimension", "max_unknown")}
        said |= {"table": self.dimension.target, "key": self.key or self.dimension.key_column()}
        return said | ({} if self.max_unknown is None else {"max_unknown": str(self.max_unknown)})


class _OfColumns(_OfRows, Check):
    """A check of some columns."""

    def __init__(
        self,
        *columns: str,
        where: str | None = None,
        limit: str | int | None = None,
        severity: str = Severity.FAIL,
    ) -> None:
        for name, value in (("columns", columns), ("where", where), ("limit", limit), ("severity", severity)):
            object.__setattr__(self, name, value)


@dataclass(frozen=True, init=False)
class Unique(_OfColumns):
    """No two rows have the same values in these columns."""

    kind = "unique"
    columns: tuple[str, ...]


@dataclass(frozen=True, init=False)
class NotNull(_OfColumns):
    """No row lacks a value in any of these columns."""

    kind = "not_null"
    columns: tuple[str, ...]


@dataclass(frozen=True)
class RowCount(Check):
    """The table has at least `low` and at most `high` rows."""

    kind = "row_count"
    low: int | None = 1
    high: int | None = None
    where: str | None = None
    severity: str = Severity.FAIL


@dataclass(frozen=True)
class Volume(Check):
    """A load's rows are about as many as those of the `last` loads, of the same weekday where there are enough: within
    so many deviations (1.4826 × MAD) of their median. Before five loads it only measures."""

    kind = "volume"
    within: float = 4
    last: int = 20
    severity: str = Severity.WARN


@dataclass(frozen=True)
class Freshness(Check):
    """The newest value of a column of dates or times is no older than `within` ("26 hours") when the load runs."""

    kind = "freshness"
    column: str
    within: str
    severity: str = Severity.WARN


@dataclass(frozen=True)
class Drift(Check):
    """The values of a column are distributed as in the `last` loads: their population stability index is at most
    `max_psi` (over deciles of numbers and times, over the most frequent of other values)."""

    kind = "drift"
    column: str
    max_psi: float = 0.2
    last: int = 10
    where: str | None = None
    severity: str = Severity.WARN


@dataclass(frozen=True)
class SchemaDrift(Check):
    """The batches that a load takes have values in the same columns of the source as those before: none is new, none
    is gone. Of silver tables."""

    kind = "schema_drift"
    severity: str = Severity.WARN


@dataclass(frozen=True)
class Reconciles(Check):
    """A total of the table equals one from elsewhere: `own` is an aggregate over the table's columns, `other` a SELECT
    of one value. within: how far apart they may be."""

    kind = "reconciles"
    name: str
    own: str
    other: str
    within: int | float = 0
    severity: str = Severity.FAIL


@dataclass(frozen=True)
class Accounting(Check):
    """Every row of the source has exactly one outcome. Reads the whole source. Of silver tables."""

    kind = "accounting_gap"
    severity: str = Severity.FAIL


@dataclass(frozen=True)
class Sql(Check):
    """A SELECT of one number, which is at least `low` and at most `high`."""

    kind = "sql"
    name: str
    query: str
    low: int | float | None = None
    high: int | float | None = 0
    severity: str = Severity.FAIL
