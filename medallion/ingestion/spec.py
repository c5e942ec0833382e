"""What ingestion needs to know of a bronze table: the compiled form of its declaration."""

from __future__ import annotations

from dataclasses import dataclass

from medallion.sources import CsvFiles, Encoded, Files


@dataclass(frozen=True)
class BronzeColumn:
    """A source column: found in a file's header under its name or one of its aliases, never by position; in a JSON
    record at the first of its paths that leads to something. `encoded`: how a change event without a schema has it."""

    name: str
    aliases: tuple[str, ...] = ()
    encoded: Encoded | None = None


@dataclass(frozen=True)
class BronzeSpec:
    """A bronze table. `target` is its name, "bronze.raw_customers"; `rows_relation` the table that COPY writes."""

    target: str
    rows_relation: str
    source: type[Files]
    columns: tuple[BronzeColumn, ...]

    @property
    def csv(self) -> type[CsvFiles]:
        """The source, where it is of CSV files."""
        if not issubclass(self.source, CsvFiles):
            raise TypeError(f"{self.source.__name__}, the source of {self.target}, has no CSV files.")
        return self.source
