"""Bronze tables: rows as they arrived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from medallion import declaration
from medallion.ingestion.spec import BronzeColumn, BronzeSpec
from medallion.sources import CsvFiles


class Table(declaration.Table):
    """A bronze table. `columns` names its columns: a text of names that are spelled as in the files, or a mapping from
    a column's name to the header, or headers, under which it arrives. `retention`: how long rows are kept, as in
    "13 months"; None: for ever."""

    layer = "bronze"
    kind = "bronze"
    abstract = True
    source: ClassVar[type[CsvFiles]]
    columns: ClassVar[str | Mapping[str, str | tuple[str, ...]]]
    retention: ClassVar[str | None] = None

    @classmethod
    def bronze_columns(cls) -> tuple[BronzeColumn, ...]:
        """The columns with the headers under which they arrive."""
        if isinstance(cls.columns, str):
            return tuple(BronzeColumn(name, ()) for name in cls.columns.split())
        return tuple(
            BronzeColumn(name, (headers,) if isinstance(headers, str) else tuple(headers))
            for name, headers in cls.columns.items()
        )

    @classmethod
    def rows_relation(cls) -> str:
        """The partitioned table that holds the rows; the table's own name is a view of it with the ledger's columns."""
        return f"bronze.{cls.name}_rows"

    @classmethod
    def spec(cls) -> BronzeSpec:
        """What an ingestion needs to know."""
        return BronzeSpec(cls.target, cls.rows_relation(), cls.source, cls.bronze_columns())

    @classmethod
    def contract(cls) -> dict[str, Any]:
        columns: list[dict[str, Any]] = [
            {"name": column.name, **({"headers": list(column.aliases)} if column.aliases else {})}
            for column in cls.bronze_columns()
        ]
        options = {"retention": cls.retention, "description": cls.description()}
        return {"layer": "bronze", "kind": "bronze", "source": {"name": cls.source.name}, "columns": columns} | {
            name: value for name, value in options.items() if value
        }

    @classmethod
    def identity(cls) -> list[str]:
        return ["_bronze_id"]

    @classmethod
    def inputs(cls) -> list[str]:
        return []
