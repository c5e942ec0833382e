"""What ingestion needs to know of a bronze table: the compiled form of its declaration."""

from __future__ import annotations

from dataclasses import dataclass

from medallion.sources import CsvFiles


@dataclass(frozen=True)
class BronzeColumn:
    """A source column: found in a file's header under its name or one of its aliases, never by position."""

    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class BronzeSpec:
    """A bronze table. `target` is its name, "bronze.raw_customers"; `rows_relation` the table that COPY writes."""

    target: str
    rows_relation: str
    source: type[CsvFiles]
    columns: tuple[BronzeColumn, ...]
