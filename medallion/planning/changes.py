"""What a migration would do: from what the database has installed to what is declared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from medallion import compile as compiler
from medallion.autodetector import installed_contracts, table_changes
from medallion.operations import WarehouseTable
from medallion.planning.words import differences
from medallion.registry import Warehouse, is_warehouse, warehouse

Contract = dict[str, Any]

#: A measure of a shorter load says nothing about a long one.
_ROWS_OF_A_MEASURE = 10_000


@dataclass(frozen=True)
class Statement:
    """SQL that is still to be run. `migration`: where it stands; None: makemigrations has not written it yet."""

    target: str
    verb: str
    sql: str
    migration: str | None


@dataclass(frozen=True)
class TableChange:
    """A table that is declared otherwise than it is installed. `verb`: create, change, remove."""

    target: str
    verb: str
    words: list[str]
    #: What becomes of its rows: `anew`, `rebuild`, or nothing at all.
    consequence: str
    #: How many rows of its inputs that reads, about; None: nobody has counted.
    rows: int | None = None
    #: How long that takes, after what its last loads took; None: never measured.
    seconds: float | None = None


@dataclass(frozen=True)
class Plan:
    """All that is still to be migrated, and then to be loaded because of it."""

    changes: list[TableChange] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    #: Tables that are loaded because what they read is written anew.
    fed: list[str] = field(default_factory=list)

    @property
    def unwritten(self) -> bool:
        """Whether makemigrations has something to write."""
        return any(statement.migration is None for statement in self.statements)


def plan_changes() -> Plan:
    """Compares the declarations with the database. Changes nothing, locks nothing."""
    found, installed = warehouse(), installed_tables()
    changes = list(_changes(found, installed))
    statements = [*_unapplied(), *_unwritten(found)]
    anew = {change.target for change in changes if change.consequence}
    return Plan(changes, statements, [name for name in _readers(found, anew) if name not in anew])


def installed_tables() -> dict[str, Contract]:
    """The declarations that the database has, by target."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT target, contract FROM dwh_lineage.targets WHERE warehouse = ANY (%s)", [_labels()])
        return {target: _as_declared(contract) for target, contract in cursor.fetchall()}


def _as_declared(contract: Any) -> Contract:
    loaded: Contract = json.loads(contract) if isinstance(contract, str) else contract
    return {name: value for name, value in loaded.items() if name != "name"}


def _labels() -> list[str]:
    return [app.label for app in apps.get_app_configs() if is_warehouse(app)]


def _changes(found: Warehouse, installed: dict[str, Contract]) -> Iterator[TableChange]:
    for target in found.in_order(list(found.tables)):
        new, old = found.tables[target].contract(), installed.get(target)
        if old is None:
            yield TableChange(target, "create", [], "")
        elif old != compiler.settled(new):
            consequence = compiler.consequence(old, new)
            cost = _cost(target, compiler.inputs(new)) if consequence else (None, None)
            yield TableChange(target, "change", differences(old, new), consequence, *cost)
    yield from (TableChange(target, "remove", [], "") for target in installed if target not in found.tables)


def _cost(target: str, inputs: list[str]) -> tuple[int | None, float | None]:
    counts = [rows_of(source) for source in inputs]
    rows = sum(count for count in counts if count is not None)
    if all(count is None for count in counts):
        return None, None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT b.rows_read, extract(epoch FROM b.completed_at - b.ingested_at)::float8 "
            "FROM dwh_lineage.batches AS b WHERE b.target = %s AND b.kind IN ('load', 'rebuild') AND b.rows_read >= %s "
            "ORDER BY b.kind = 'rebuild' DESC, b.batch_no DESC LIMIT 1",
            [target, _ROWS_OF_A_MEASURE],
        )
        measured = cursor.fetchone()
    return rows, measured and measured[1] / measured[0] * rows


def rows_of(target: str) -> int | None:
    """About how many rows a table has: of bronze by the ledger, of others by PostgreSQL's statistics."""
    ledger = (
        "SELECT sum(b.rows_inserted)::bigint FROM dwh_lineage.batches AS b "
        "WHERE b.target = %s AND b.kind NOT IN ('load', 'rebuild')"
    )
    statistics = (
        "SELECT sum(pg_stat_get_live_tuples(p.relid))::bigint FROM dwh_lineage.targets AS t, "
        "pg_partition_tree(t.rows_relation::regclass) AS p WHERE t.target = %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(ledger if target.startswith("bronze.") else statistics, [target])
        (rows,) = cursor.fetchone()
    return None if rows is None else int(rows)


def _unapplied() -> Iterator[Statement]:
    executor = MigrationExecutor(connection)
    for migration, _backwards in executor.migration_plan(executor.loader.graph.leaf_nodes()):
        for operation in migration.operations:
            if isinstance(operation, WarehouseTable):
                name = f"{migration.app_label}.{migration.name}"
                yield Statement(operation.target, operation.verb, operation.sql(migration.app_label), name)


def _unwritten(found: Warehouse) -> Iterator[Statement]:
    graph = MigrationExecutor(connection).loader.graph
    for label in _labels():
        for operation in table_changes(found, label, installed_contracts(graph, label)):
            yield Statement(operation.target, operation.verb, operation.sql(label), None)


def _readers(found: Warehouse, anew: set[str]) -> list[str]:
    """The tables that read these, or what reads them, in the order of their loads."""
    reached = set(anew)
    ordered = found.in_order(list(found.tables))
    for target in ordered:
        if reached & set(found.tables[target].inputs()):
            reached.add(target)
    return [target for target in ordered if target in reached]
