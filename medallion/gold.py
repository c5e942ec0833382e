"""Gold tables: what a SELECT makes of silver and of other gold tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from medallion import declaration
from medallion.calendar import holidays_between
from medallion.columns import Generated
from medallion.query import Query
from quality.checks import Between, Check, Reconciles, References, Unique

__all__ = ["Aggregate", "Between", "Calendar", "Dimension", "Fact", "Index", "MaterializedView", "Reconciles",
           "References", "Snapshot", "Table", "Unique"]  # fmt: skip

Names = str | tuple[str, ...]

#: Surrogate keys of the dimensions that were declared, by target: a query that does not join one by its surrogate key
#: sees standing members alone.
_surrogates: dict[str, str] = {}


def surrogates() -> dict[str, str]:
    """The surrogate keys of the declared dimensions, by target."""
    return _surrogates


@dataclass(frozen=True, init=False)
class Index:
    """An index: columns or expressions, as SQL. using: another method than a B-tree ("brin"); where: of these rows
    only; include: further columns that it carries."""

    columns: tuple[str, ...]
    using: str | None = None
    where: str | None = None
    include: tuple[str, ...] = ()
    unique: bool = False

    def __init__(
        self, *columns: str, using: str | None = None, where: str | None = None, include: Names = (),
        unique: bool = False,
    ) -> None:  # fmt: skip
        for name, value in (("columns", columns), ("using", using), ("where", where),
                            ("include", tuple(_names(include))), ("unique", unique)):  # fmt: skip
            object.__setattr__(self, name, value)

    def contract(self) -> dict[str, Any]:
        said = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}
        return {name: value for name, value in said.items() if value}


def _names(names: Names) -> list[str]:
    return names.split() if isinstance(names, str) else list(names)


def _identities(query: Query) -> dict[str, list[str]]:
    """The columns by which rows of each input are named; an input that nobody declares is `check`'s matter."""
    known = declaration.declared()
    return {name: known[name].identity() for name in query.tables() if name in known}


class Base(declaration.Table):
    """What all gold tables share: a key for others to refer to, files beside the declaration, routines of their own."""

    layer = "gold"
    abstract = True
    routines: ClassVar[Sequence[str]] = ()
    """Files with one hand-written routine each, named after it, that come and go with the table."""

    @classmethod
    def key_column(cls) -> str:
        """The column by which other tables refer to this one."""
        raise NotImplementedError

    @classmethod
    def routine_files(cls) -> Sequence[str]:
        return cls.routines


class Table(Base):
    """A gold table: `query` names a .sql file beside the declaration (or in its folder `sql/`) with one SELECT.

    Columns that are `Generated` are made from those of the query by the database.
    """

    abstract = True
    query: ClassVar[str]
    indexes: ClassVar[Mapping[str, Index]] = {}
    """Indexes by their names."""
    required: ClassVar[Names] = ()
    """Columns beside the grain that are never NULL: "email name"."""
    constraints: ClassVar[Mapping[str, str]] = {}
    """CHECK constraints: name → condition."""
    checks: ClassVar[Sequence[Check]] = ()
    """What must hold before anybody sees a load."""
    surrogate: ClassVar[str | None] = None
    """The name of a generated key that stays when a row's values change."""
    _generated: ClassVar[dict[str, Generated]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        cls._generated = {name: value for name, value in vars(cls).items() if isinstance(value, Generated)}
        for name in cls._generated:
            delattr(cls, name)
        super().__init_subclass__(**kwargs)

    @classmethod
    def grain_columns(cls) -> list[str]:
        """The columns that tell one row from another; they are never NULL."""
        raise NotImplementedError

    @classmethod
    def key_column(cls) -> str:
        return cls.surrogate or cls.grain_columns()[0]

    @classmethod
    def identity(cls) -> list[str]:
        return [cls.surrogate] if cls.surrogate else cls.grain_columns()

    @classmethod
    def generated(cls) -> dict[str, Generated]:
        """The columns that the database makes from the others."""
        return cls._generated

    @classmethod
    def query_path(cls) -> Path:
        """The file with the SELECT."""
        return cls.file(cls.query)

    @classmethod
    def parsed(cls) -> Query:
        """The SELECT, read."""
        return Query(cls.query_path().read_text(encoding="utf-8").strip().rstrip(";"))

    @classmethod
    def contract(cls) -> dict[str, Any]:
        query = cls.parsed()
        contract: dict[str, Any] = {
            "layer": "gold",
            "kind": cls.kind,
            "grain": cls.grain_columns(),
            "columns": [{"name": name} for name in query.output_names()],
            "query": query.text,
        }
        return contract | {name: value for name, value in cls.options(query).items() if value}

    @classmethod
    def options(cls, query: Query) -> dict[str, Any]:
        """What the declaration says beside grain and query."""
        return {
            "surrogate": cls.surrogate,
            "standing": {name: _surrogates[name] for name in query.looked_up(_surrogates)},
            "origins": _identities(query),
            "generated": [column.contract(name) for name, column in cls._generated.items()],
            "required": [name for name in _names(cls.required) if name not in cls.grain_columns()],
            "constraints": dict(cls.constraints),
            "indexes": {name: index.contract() for name, index in cls.indexes.items()},
            "checks": [check.definition() for check in cls.checks],
            "routines": cls.handwritten(),
            "domain": cls.domain,
            "description": cls.description(),
            "about": cls.about(),
        }

    @classmethod
    def inputs(cls) -> list[str]:
        return cls.parsed().tables()


class Dimension(Table):
    """Who, what, where: a row for each `key`, with a `surrogate` key that stays when the row's values change, and an
    unknown member, −1, for facts that refer to nobody.

    With `valid_from` in its key it is of type 2: a row for each version; its query gives `valid_to` and `is_current`.
    """

    kind = "dimension"
    abstract = True
    key: ClassVar[Names]
    unknown: ClassVar[Mapping[str, Any]] = {}
    """Values of the unknown member; without them its texts are "Unknown", the rest is NULL where it may be."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.abstract and cls.surrogate:
            _surrogates[cls.target] = cls.surrogate

    @classmethod
    def grain_columns(cls) -> list[str]:
        return _names(cls.key)

    @classmethod
    def options(cls, query: Query) -> dict[str, Any]:
        return super().options(query) | {"unknown": dict(cls.unknown)}


class Fact(Table):
    """What happened: a row for each `grain`."""

    kind = "fact"
    abstract = True
    grain: ClassVar[Names]
    dimensions: ClassVar[Mapping[str, type[Base]]] = {}
    """Which columns are keys of which dimensions. NULL becomes the unknown member, and a foreign key holds it."""
    partition_by: ClassVar[str | None] = None
    """The column of dates (or of keys like 20261231) by which the table is partitioned."""
    partition_every: ClassVar[str] = "year"
    """"year" or "month"."""

    @classmethod
    def grain_columns(cls) -> list[str]:
        return _names(cls.grain)

    @classmethod
    def options(cls, query: Query) -> dict[str, Any]:
        dimensions = {
            name: {"table": table.target, "key": table.key_column()}
            | ({"members": True} if issubclass(table, Dimension) else {})
            for name, table in cls.dimensions.items()
        }
        partition = {"column": cls.partition_by, "every": cls.partition_every} if cls.partition_by else None
        return super().options(query) | {"dimensions": dimensions, "partition": partition}


class Snapshot(Fact):
    """How things stood at the end of each period: a row for each period and thing. `period` is the column of the grain
    that dates it; the query joins the calendar with a table that has a history."""

    kind = "snapshot"
    abstract = True
    period: ClassVar[str] = "date_key"


class Aggregate(Fact):
    """What it adds up to: a row for each `grain`."""

    kind = "aggregate"
    abstract = True


class MaterializedView(Table):
    """A materialized view of PostgreSQL's, refreshed by its loads while people read it. `key` tells its rows apart."""

    kind = "materialized_view"
    abstract = True
    key: ClassVar[Names]

    @classmethod
    def grain_columns(cls) -> list[str]:
        return _names(cls.key)


class Calendar(Base):
    """The days from `first` to `last`, a row each, with their names, weeks, quarters, fiscal periods and holidays."""

    kind = "calendar"
    abstract = True
    first: ClassVar[str] = "2020-01-01"
    last: ClassVar[str] = "2030-12-31"
    fiscal_year_starts: ClassVar[int] = 1
    """The month in which the fiscal year starts; it has the number of the calendar year in which it ends."""
    country: ClassVar[str | None] = None
    """Whose holidays: "US", or with a part of the country "DE-BY"."""

    @classmethod
    def key_column(cls) -> str:
        return "date_key"

    @classmethod
    def identity(cls) -> list[str]:
        return ["date_key"]

    @classmethod
    def contract(cls) -> dict[str, Any]:
        holidays = holidays_between(cls.country, cls.first, cls.last) if cls.country else {}
        said = {"fiscal_year_starts": cls.fiscal_year_starts, "holidays": holidays, "routines": cls.handwritten(),
                "domain": cls.domain, "description": cls.description(), "about": cls.about()}  # fmt: skip
        return {
            "layer": "gold", "kind": "calendar", "grain": ["date_key"], "first": cls.first, "last": cls.last,
            **{name: value for name, value in said.items() if value and value != 1},
        }  # fmt: skip

    @classmethod
    def inputs(cls) -> list[str]:
        return []
