"""Silver tables: rows that hold their rules, typed, with their history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from medallion import bronze, declaration
from medallion.columns import Column, Generated
from quality.checks import Check
from quality.rules import References


@dataclass(frozen=True)
class Append:
    """Every good row is kept, repeated ones too."""

    kind: ClassVar[str] = "append"

    def contract(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class SCD1:
    """One row for each key: what its newest event, in the order of the source's time, says.

    effective: the column that says since when a row's values hold; without one, the time of the ingestion.
    deleted_when: a condition over the bronze columns; such a row takes its key's row away. full_extract, max_gone,
    often_late: see SCD2.
    """

    kind: ClassVar[str] = "scd1"
    effective: str | None = None
    deleted_when: str | None = None
    full_extract: bool = False
    max_gone: str | None = None
    often_late: bool = False

    def contract(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value}


@dataclass(frozen=True)
class SCD2:
    """One row for each key and period of the same values.

    effective: the column that says since when a row's values hold; it becomes `valid_from`. Without one, the time of
    the ingestion. deleted_when: a condition over the bronze columns; such a row ends its key's current period.
    tracked: the columns ("email status") whose change makes a new version; without it, all. The others have, within a
    version, the values of its latest event. sequence: a column, as of a place in the source's log, that orders events
    of one effective time; it makes no version by itself. full_extract: each batch is a whole extract; keys that it
    does not have end at the time of its ingestion, which is the time of everything in it (so there is no `effective`).
    max_gone: "20%": with more keys gone the load stops (AS051). often_late: events often come after newer ones; the
    rows of their keys are found by an index then, not by reading all of bronze.
    """

    kind: ClassVar[str] = "scd2"
    effective: str | None = None
    deleted_when: str | None = None
    tracked: str | tuple[str, ...] | None = None
    sequence: str | None = None
    full_extract: bool = False
    max_gone: str | None = None
    often_late: bool = False

    def contract(self) -> dict[str, Any]:
        said: dict[str, Any] = {name: value for name, value in vars(self).items() if value}
        if self.tracked is not None:
            said["tracked"] = self.tracked.split() if isinstance(self.tracked, str) else list(self.tracked)
        return said


class Table(declaration.Table):
    """A silver table: columns over one bronze table, and in `Meta`: source, key, history, where, surrogate,
    max_rejected, checks, routines, domain, owner, tags."""

    layer = "silver"
    abstract = True
    _columns: ClassVar[dict[str, Column]] = {}
    _generated: ClassVar[dict[str, Generated]] = {}

    class Meta:
        source: type[bronze.Table]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # Taken off the class, so that a column may be called `name` or `key` as well.
        cls._columns = {name: value for name, value in vars(cls).items() if isinstance(value, Column)}
        cls._generated = {name: value for name, value in vars(cls).items() if isinstance(value, Generated)}
        for name in (*cls._columns, *cls._generated):
            delattr(cls, name)
        super().__init_subclass__(**kwargs)

    @classmethod
    def columns(cls) -> dict[str, Column]:
        """The declared columns in order."""
        return cls._columns

    @classmethod
    def generated(cls) -> dict[str, Generated]:
        """The columns that the database makes from the others."""
        return cls._generated

    @classmethod
    def history(cls) -> Append | SCD1 | SCD2:
        """How versions of a row are kept."""
        return getattr(cls.Meta, "history", None) or Append()

    @classmethod
    def key(cls) -> list[str]:
        """The columns of the business key."""
        key = getattr(cls.Meta, "key", ())
        return [key] if isinstance(key, str) else list(key)

    @classmethod
    def max_rejected(cls) -> str | int | None:
        """How many rows of a batch may be rejected, before nothing of it lands: a number, or a share as in "5%"."""
        return getattr(cls.Meta, "max_rejected", None)

    @classmethod
    def checks(cls) -> Sequence[Check]:
        """What must hold before anybody sees a load."""
        return getattr(cls.Meta, "checks", ())

    @classmethod
    def routine_files(cls) -> Sequence[str]:
        return getattr(cls.Meta, "routines", ())

    @classmethod
    def key_column(cls) -> str:
        """The column by which other tables refer to this one."""
        return cls.key()[0]

    @classmethod
    def contract(cls) -> dict[str, Any]:
        source = cls.Meta.source
        contract: dict[str, Any] = {
            "layer": "silver",
            "kind": cls.history().kind,
            "source": source.target,
            "source_columns": [column.name for column in source.bronze_columns()],
            "columns": [column.contract(name) for name, column in cls.columns().items()],
            **cls.history().contract(),
        }
        for name, value in (
            ("key", cls.key()),
            ("generated", [column.contract(name) for name, column in cls.generated().items()]),
            ("where", getattr(cls.Meta, "where", None)),
            ("surrogate", getattr(cls.Meta, "surrogate", None)),
            ("max_rejected", None if cls.max_rejected() is None else str(cls.max_rejected())),
            ("checks", [check.definition() for check in cls.checks()]),
            ("domain", getattr(cls.Meta, "domain", "")),
            ("routines", cls.handwritten()),
            ("description", cls.description()),
            ("about", cls.about()),
        ):
            if value:
                contract[name] = value
        return contract

    @classmethod
    def about(cls) -> dict[str, Any]:
        """As the Meta says: among the attributes of the class stand columns, which may have these names."""
        return declaration.said_about(getattr(cls.Meta, "owner", ""), getattr(cls.Meta, "tags", ()), cls.personal())

    @classmethod
    def personal(cls) -> dict[str, bool]:
        columns: dict[str, Column | Generated] = {**cls.columns(), **cls.generated()}
        return {name: column.pii for name, column in columns.items() if column.pii is not None}

    @classmethod
    def identity(cls) -> list[str]:
        if surrogate := getattr(cls.Meta, "surrogate", None):
            return [str(surrogate)]
        if cls.history().kind == "append":
            return ["_source_bronze_id"]
        return [*cls.key(), *(["valid_from"] if cls.history().kind == "scd2" else [])]

    @classmethod
    def inputs(cls) -> list[str]:
        parents = [r.table.target for c in cls.columns().values() for r in c.rules if isinstance(r, References)]
        return list(dict.fromkeys([cls.Meta.source.target, *parents]))
