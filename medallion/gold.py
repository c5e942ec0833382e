"""Gold tables: what a SELECT makes of silver and of other gold tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from medallion import declaration
from medallion.declaration import declaring_file
from medallion.query import Query


class Table(declaration.Table):
    """A gold table: `query` names a .sql file beside the declaration (or in its folder `sql/`) with one SELECT."""

    layer = "gold"
    abstract = True
    query: ClassVar[str]

    @classmethod
    def grain_columns(cls) -> list[str]:
        """The columns that tell one row from another; they are never NULL."""
        raise NotImplementedError

    @classmethod
    def query_path(cls) -> Path:
        """The file with the SELECT."""
        folder = declaring_file(cls).parent
        beside = folder / cls.query
        return beside if beside.exists() else folder / "sql" / cls.query

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
        surrogate = getattr(cls, "surrogate", None)
        if surrogate:
            contract["surrogate"] = surrogate
        if cls.description():
            contract["description"] = cls.description()
        return contract

    @classmethod
    def inputs(cls) -> list[str]:
        return cls.parsed().tables()


def _names(names: str | tuple[str, ...]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


class Dimension(Table):
    """Who, what, where: a row for each `key`, with a `surrogate` key that stays when the row's values change."""

    kind = "dimension"
    abstract = True
    key: ClassVar[str | tuple[str, ...]]
    surrogate: ClassVar[str]

    @classmethod
    def grain_columns(cls) -> list[str]:
        return _names(cls.key)


class Fact(Table):
    """What happened: a row for each `grain`."""

    kind = "fact"
    abstract = True
    grain: ClassVar[str | tuple[str, ...]]

    @classmethod
    def grain_columns(cls) -> list[str]:
        return _names(cls.grain)


class Aggregate(Fact):
    """What it adds up to: a row for each `grain`."""

    kind = "aggregate"
    abstract = True
