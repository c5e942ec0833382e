"""The shop's files, and the warehouse that takes them in: all that a test does is rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection as django_connection
from psycopg import sql

from ecommerce import generator
from ecommerce.truth import Truth
from medallion.ingestion.ingest import Failed, Ingested, ingest_source
from medallion.registry import warehouse

TABLES = ("customers", "products", "orders", "order_items", "stock")


@dataclass(frozen=True)
class Files:
    """The generated files under a data root, and what they hide."""

    root: Path
    truth: Truth

    @property
    def folder(self) -> Path:
        return self.root / "ecommerce"

    def of(self, table: str) -> list[Path]:
        """A table's files by day, relative to the root."""
        return sorted(path.relative_to(self.root) for path in self.folder.glob(f"*/{table}_2026-*.csv"))


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    root = tmp_path_factory.mktemp("root")
    return Files(root, generator.write(root / "ecommerce", 0.08))


class Shop:
    """A connection in one transaction, in which files are ingested and tables loaded."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]], files: Files) -> None:
        self.connection, self.files = connection, files

    def ingest(self, table: str, *paths: Path) -> list[Ingested]:
        """Ingests files of a table, all of them where none is named."""
        spec = warehouse().bronze_specs[f"bronze.raw_{table}"]
        results = ingest_source(self.connection, spec, paths or self.files.of(table), root=self.files.root)
        assert [result for result in results if isinstance(result, Failed)] == []
        return [result for result in results if isinstance(result, Ingested)]

    def load(self, table: str, verb: str = "load") -> None:
        self.connection.execute(sql.SQL("CALL {}()").format(sql.Identifier("dwh_etl", f"{verb}_silver_{table}")))

    def query_nothing(self, statement: str) -> None:
        """A statement without rows."""
        self.connection.execute(statement)  # type: ignore[call-overload]

    def query(self, query: sql.SQL | sql.Composed | str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(query, parameters).fetchall()  # type: ignore[arg-type]


@pytest.fixture
def shop(db: None, files: Files) -> Iterator[Shop]:
    parameters = django_connection.get_connection_params()
    for django_only in ("cursor_factory", "context"):
        parameters.pop(django_only, None)
    with psycopg.connect(**parameters | {"autocommit": True}) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        yield Shop(connection, files)
        connection.execute("ROLLBACK")
