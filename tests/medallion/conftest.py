"""Bronze tables made by hand, as the compiler makes them, and taken away after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection as django_connection
from psycopg import sql

from lineage.connections import work_connection
from medallion.compile import records
from medallion.ingestion.spec import BronzeColumn, BronzeSpec
from medallion.sources import CsvFiles, Files, JsonRecords
from tests.medallion.bronze_tables import Connection

MakeBronze = Callable[..., BronzeSpec]

_numbers = count(1)
_TARGET = """
    INSERT INTO dwh_lineage.targets (target, layer, kind, warehouse, rows_relation)
    VALUES (%s, 'bronze', 'bronze', 'tests', %s)
"""
_FORGET = (
    "DELETE FROM dwh_lineage.unreadable_lines WHERE batch_no IN "
    "(SELECT batch_no FROM dwh_lineage.batches WHERE target = %s)",
    "DELETE FROM dwh_lineage.table_lineage WHERE target_table = %s",
    "DELETE FROM dwh_lineage.batches WHERE target = %s",
    "DELETE FROM dwh_lineage.targets WHERE target = %s",
)


@pytest.fixture
def owner(db: None) -> Iterator[Connection]:
    """A connection of the owner's, committing at once: what ingestion does is seen from outside."""
    parameters = django_connection.get_connection_params()
    for django_only in ("cursor_factory", "context"):
        parameters.pop(django_only, None)
    with psycopg.connect(**parameters | {"autocommit": True}) as connection:
        yield connection


@pytest.fixture
def work(owner: Connection) -> Iterator[Connection]:
    """A connection as ingestion has it."""
    with work_connection("ingest") as connection:
        yield connection


@pytest.fixture
def make_bronze(owner: Connection) -> Iterator[MakeBronze]:
    """make_bronze("id name", unknown_columns=FAIL, aliases={"id": ("customer",)}) → BronzeSpec of a new table."""
    made: list[BronzeSpec] = []

    def make(
        columns: str,
        aliases: dict[str, tuple[str, ...]] | None = None,
        *,
        of: type[Files] = CsvFiles,
        explode: str | None = None,
        **attributes: Any,
    ) -> BronzeSpec:
        source = type("Drop", (of,), {"path": "*.csv", **attributes})
        names = columns.split()
        target = f"bronze.raw_test_{next(_numbers)}"
        found = tuple(BronzeColumn(n, (aliases or {}).get(n, ())) for n in names)
        spec = BronzeSpec(target, f"{target}_rows", source, found)
        _create(owner, spec, names)
        if issubclass(source, JsonRecords):
            contract = {"layer": "bronze", "name": target.split(".")[1], "records": {"at": []}, "explode": explode}
            contract["columns"] = [{"name": c.name, "headers": list(c.aliases or (c.name,))} for c in found]
            owner.execute(records.land(contract).encode())
        made.append(spec)
        return spec

    yield make
    for spec in made:
        owner.execute(sql.SQL("DROP ROUTINE IF EXISTS {}").format(_landing(spec)))
        owner.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(*spec.rows_relation.split("."))))
        for statement in _FORGET:
            owner.execute(statement, (spec.target,))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def _landing(spec: BronzeSpec) -> sql.Identifier:
    return sql.Identifier("dwh_etl", f"land_{spec.target.replace('.', '_')}")


def _create(owner: Connection, spec: BronzeSpec, names: list[str]) -> None:
    relation = sql.Identifier(*spec.rows_relation.split("."))
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in names)
    owner.execute(
        sql.SQL(
            "CREATE TABLE {} (_bronze_id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000) NOT NULL,"
            " _ingested_at timestamptz NOT NULL DEFAULT now(),"
            " _batch_no bigint NOT NULL DEFAULT current_setting('assay.batch_no')::bigint, {}, _extra jsonb,"
            " _raw_payload jsonb)"
            " PARTITION BY RANGE (_ingested_at)"
        ).format(relation, sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in names))
    )
    owner.execute(_TARGET, (spec.target, spec.rows_relation))
    owner.execute("CALL dwh_etl.guard_bronze(%s::regclass, %s)", (spec.rows_relation, spec.target))
    owner.execute("CALL dwh_etl.ensure_bronze_partitions(%s)", (spec.target,))
    owner.execute(sql.SQL("GRANT INSERT ({}, _extra, _raw_payload) ON {} TO etl_service").format(columns, relation))
