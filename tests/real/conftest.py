"""Real files, taken in by declarations of a few lines. They are not in the repository: where they lie beside the
checkout, in `../shared/data`, the tests use them; elsewhere they are skipped.

Each test installs its warehouse, ingests and loads in one transaction, which is rolled back.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection as django_connection
from psycopg import sql

from medallion import bronze, checks, compile, declaration, registry, silver
from medallion.ingestion.ingest import Failed, Ingested, ingest_source
from medallion.pulling import pull as pulling
from medallion.sources import Pulled
from tests.records import Place, broken_rules

DATA = Path(settings.BASE_DIR).parent / "shared" / "data"

Connection = psycopg.Connection[tuple[Any, ...]]
Take = Callable[[str], "Taken"]


def need(*folders: str) -> Path:
    """The folder of the real files; skips the test where one that it needs is not there."""
    for folder in folders:
        if not (DATA / folder).is_dir():
            pytest.skip(f"the real files are not here: {DATA / folder}")
    return DATA


@pytest.fixture
def database(db: None) -> Iterator[Connection]:
    """A connection in a transaction as loads need it, rolled back after the test."""
    parameters = django_connection.get_connection_params()
    for django_only in ("cursor_factory", "context"):
        parameters.pop(django_only, None)
    with psycopg.connect(**parameters | {"autocommit": True}) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        yield connection
        connection.execute("ROLLBACK")


class Taken:
    """A data set in bronze and silver."""

    def __init__(self, connection: Connection, name: str) -> None:
        self.connection, self.ingested, self.failed = connection, list[Ingested](), list[Failed]()
        self.declared = registry.Warehouse()
        registry._collect(self.declared, "real", importlib.import_module(f"tests.real.warehouses.{name}"))
        for table in self.declared.tables.values():
            assert list(checks._table(table, self.declared)) == []
            connection.execute(compile.create(table.target, table.contract(), "real").forward)
        for table in self._of(bronze.Table):
            if issubclass(table.source, Pulled):
                begun = pulling._begin(connection, table.source, False)
                pulling._go_on(connection, table.source, begun, None, lambda so_far: None)
                continue
            for result in ingest_source(connection, table.spec(), root=DATA):
                (self.failed if isinstance(result, Failed) else self.ingested).append(result)  # type: ignore[arg-type]
        self.load()

    def load(self) -> None:
        """Loads what waits for silver."""
        for table in self._of(silver.Table):
            self.connection.execute(
                sql.SQL("CALL {}()").format(sql.Identifier("dwh_etl", f"load_silver_{table.target.split('.')[1]}"))
            )

    def _of(self, kind: type[Any]) -> list[type[Any]]:
        return [table for table in self.declared.tables.values() if issubclass(table, kind)]

    def rows(self, target: str, columns: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """All rows of a table: the columns given, or those that a bronze table declares."""
        names = columns or [column.name for column in self.declared.tables[target].bronze_columns()]  # type: ignore[attr-defined]
        query = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.Identifier(*target.split(".")),
            sql.Identifier("_bronze_id" if target.startswith("bronze") else "_source_bronze_id"),
        )
        return self.connection.execute(query).fetchall()

    def count(self, target: str) -> int:
        row = self.connection.execute(
            sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*target.split(".")))
        ).fetchone()
        assert row is not None
        return int(row[0])

    def broken(self, target: str) -> dict[Place, tuple[str, ...]]:
        """(file, record) → broken rules of a silver table."""
        return broken_rules(self.connection, self.declared.tables[target].inputs()[0], target)

    def reasons(self, target: str) -> Counter[str]:
        """How many rows break each rule."""
        return Counter(rule for rules in self.broken(target).values() for rule in rules)

    def unreadable(self, file: str) -> list[tuple[int, int, bytes, str]]:
        """(record, line, the line itself, reason) of a file's lines that are not CSV."""
        return self.connection.execute(
            "SELECT u.record_no, u.line_no, u.raw, u.reason FROM dwh_lineage.unreadable_lines AS u "
            "JOIN dwh_lineage.batches AS b USING (batch_no) WHERE b.source_file = %s ORDER BY 1",
            (file,),
        ).fetchall()

    def gaps(self) -> dict[str, int]:
        """Silver tables in which a bronze row has no outcome, or two."""
        found = {}
        for table in self.declared.tables.values():  # as autovacuum would: a plan without figures may take minutes
            self.connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(*_stored(table).split("."))))
        for table in self._of(silver.Table):
            row = self.connection.execute("SELECT dwh_etl.measure_accounting(%s)", (table.target,)).fetchone()
            assert row is not None
            found[table.target] = row[0]["gap"]
        return {target: gap for target, gap in found.items() if gap}


def _stored(table: type[declaration.Table]) -> str:
    return table.rows_relation() if issubclass(table, bronze.Table) else table.target


@pytest.fixture
def take(database: Connection) -> Take:
    """take("northwind"): its warehouse, with all that its files hold."""

    def take(name: str) -> Taken:
        return Taken(database, name)

    return take
