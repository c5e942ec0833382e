"""Bronze tables: rows as they arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from medallion import declaration
from medallion.ingestion.spec import BronzeColumn, BronzeSpec
from medallion.sources import Decimal, Encoded, Files, JsonRecords, Source, json_path

#: What is taken from a change event itself: its op, when and where in the log it was made, and the source's table.
CDC_COLUMNS = ("_cdc_operation", "_cdc_timestamp", "_cdc_lsn", "_cdc_table")


class Table(declaration.Table):
    """A bronze table. `columns` names its columns: a text of names that are spelled as in the files, or a mapping from
    a column's name to the header, or headers, under which it arrives; of JSON, to its path, or paths, in a record
    ("address.city"). `explode`: the path to a list in each JSON record, whose elements are the rows; their columns'
    paths begin there, or with "^." at the record around it. `retention`: how long rows are kept, as in "13 months";
    None: for ever. `renamed_from`: columns that had another name before, {"email": "mail"}. `routines`: files with one
    hand-written routine each, that come and go with the table."""

    layer = "bronze"
    kind = "bronze"
    abstract = True
    source: ClassVar[type[Source]]
    columns: ClassVar[str | Mapping[str, str | tuple[str, ...] | Encoded]]
    retention: ClassVar[str | None] = None
    explode: ClassVar[str | None] = None
    renamed_from: ClassVar[Mapping[str, str]] = {}
    routines: ClassVar[Sequence[str]] = ()

    @classmethod
    def bronze_columns(cls) -> tuple[BronzeColumn, ...]:
        """The columns with the headers under which they arrive; before them, those that a change event has."""
        events = issubclass(cls.source, JsonRecords) and cls.source.envelope is not None
        return (*(BronzeColumn(name) for name in CDC_COLUMNS if events), *cls.declared_columns())

    @classmethod
    def declared_columns(cls) -> tuple[BronzeColumn, ...]:
        """The columns that the declaration names."""
        if isinstance(cls.columns, str):
            return tuple(BronzeColumn(name) for name in cls.columns.split())
        return tuple(_column(name, given) for name, given in cls.columns.items())

    @classmethod
    def rows_relation(cls) -> str:
        """The partitioned table that holds the rows; the table's own name is a view of it with the ledger's columns."""
        return f"bronze.{cls.name}_rows"

    @classmethod
    def spec(cls) -> BronzeSpec:
        """What an ingestion of files needs to know. TypeError where the source has none."""
        if not issubclass(cls.source, Files):
            raise TypeError(f"{cls.source.__name__}, the source of {cls.target}, has no files.")
        return BronzeSpec(cls.target, cls.rows_relation(), cls.source, cls.bronze_columns())

    @classmethod
    def contract(cls) -> dict[str, Any]:
        columns: list[dict[str, Any]] = [
            {
                "name": column.name,
                **({"headers": list(column.aliases)} if column.aliases else {}),
                **({"renamed_from": cls.renamed_from[column.name]} if column.name in cls.renamed_from else {}),
                **({"encoded": _encoded(column.encoded)} if column.encoded else {}),
            }
            for column in cls.bronze_columns()
        ]
        options = {
            "records": _records(cls.source) if issubclass(cls.source, JsonRecords) else None,
            "explode": cls.explode,
            "retention": cls.retention,
            "domain": cls.domain,
            "routines": cls.handwritten(),
            "description": cls.description(),
            "about": cls.about(),
        }
        return {"layer": "bronze", "kind": "bronze", "source": {"name": cls.source.name}, "columns": columns} | {
            name: value for name, value in options.items() if value
        }

    @classmethod
    def routine_files(cls) -> Sequence[str]:
        return cls.routines

    @classmethod
    def identity(cls) -> list[str]:
        return ["_bronze_id"]

    @classmethod
    def inputs(cls) -> list[str]:
        return []


def _column(name: str, given: str | tuple[str, ...] | Encoded) -> BronzeColumn:
    if isinstance(given, Encoded):
        return BronzeColumn(name, (given.path,), given)
    return BronzeColumn(name, (given,) if isinstance(given, str) else tuple(given))


def _encoded(encoded: Encoded) -> dict[str, Any]:
    """As a schema of the event would say it."""
    return {"type": encoded.type, **({"scale": encoded.scale} if isinstance(encoded, Decimal) else {})}


def _records(source: type[JsonRecords]) -> dict[str, Any]:
    """Where records are in what arrives, and where events are in records."""
    events = {} if source.envelope is None else {"event": json_path(source.envelope.at)}
    return {"at": json_path(source.records), **events}
