"""What `makemigrations` and `migrate` compare: the models, as Django does, and the declarations of warehouses."""

from __future__ import annotations

import functools
from typing import Any

from django.apps import apps
from django.core.management.commands import makemigrations
from django.db.migrations import Migration
from django.db.migrations.graph import MigrationGraph

from medallion import compile as compiler
from medallion.operations import WarehouseTable
from medallion.registry import LAYERS, Warehouse, is_warehouse, warehouse

Contract = dict[str, Any]


@functools.cache
def autodetector() -> type:
    """The detector class, built on the one that django-pgtrigger puts into makemigrations in its `ready()`.

    Built late for that reason, and once: `migrate` and `makemigrations` must share it, or `migrate` would warn of
    changes that `makemigrations` does not find.
    """
    base: type = makemigrations.MigrationAutodetector  # type: ignore[attr-defined]

    class WarehouseAutodetector(base):  # type: ignore[misc]
        """Adds the tables of warehouses to what changed."""

        def changes(
            self,
            graph: MigrationGraph,
            trim_to_apps: set[str] | None = None,
            convert_apps: set[str] | None = None,
            migration_name: str | None = None,
        ) -> dict[str, list[Migration]]:
            self._warehouse_name = migration_name
            found: dict[str, list[Migration]] = super().changes(graph, trim_to_apps, convert_apps, migration_name)
            for app in apps.get_app_configs():
                if is_warehouse(app) and (trim_to_apps is None or app.label in trim_to_apps):
                    self._add(found, graph, app.label, migration_name)
            return found

        def _add(self, found: dict[str, list[Migration]], graph: MigrationGraph, label: str, name: str | None) -> None:
            operations = table_changes(warehouse(), label, installed_contracts(graph, label))
            if not operations:
                return
            if found.get(label):
                last = found[label][-1]
                last.operations = [*last.operations, *operations]  # type: ignore[misc]
                return
            found[label] = [self._migration(graph, label, operations, name)]

        def _migration(
            self, graph: MigrationGraph, label: str, operations: list[WarehouseTable], name: str | None
        ) -> Migration:
            leaves = graph.leaf_nodes(label)
            number = max((self.parse_number(leaf[1]) or 0 for leaf in leaves), default=0) + 1
            migration_class = type(
                "Migration", (Migration,), {"operations": operations, "initial": True} if not leaves else
                {"operations": operations},
            )  # fmt: skip
            migration: Migration = migration_class("custom", label)
            migration.dependencies = leaves or _floors(graph)  # type: ignore[misc]
            suffix = name or migration.suggest_name()
            migration.name = f"{number:04d}_{suffix}"
            return migration

    return WarehouseAutodetector


def _floors(graph: MigrationGraph) -> list[tuple[str, str]]:
    """What a warehouse's first migration stands on: all of Assay as it is now."""
    return [node for label in ("lineage", "quality", "medallion") for node in graph.leaf_nodes(label)]


def installed_contracts(graph: MigrationGraph, label: str) -> dict[str, Contract]:
    """The declarations that an app's migrations install, by target."""
    contracts: dict[str, Contract] = {}
    plan: list[tuple[str, str]] = []
    for leaf in graph.leaf_nodes(label):
        plan += [node for node in graph.forwards_plan(leaf) if node[0] == label and node not in plan]
    for node in plan:
        for operation in graph.nodes[node].operations:  # type: ignore[union-attr]
            if isinstance(operation, WarehouseTable) and operation.installs:
                contract = operation.contract(label)
                if contract is None:
                    contracts.pop(operation.target, None)
                else:
                    contracts[operation.target] = contract
    return contracts


def table_changes(declared: Warehouse, label: str, installed: dict[str, Contract]) -> list[WarehouseTable]:
    """From what is installed to what is declared: inputs before what reads them; a removal as soon as nothing reads the
    table any more, so that backward its sources are again what they were before it comes back.

    Contracts are compared, never SQL: an upgrade of Assay that generates other SQL for the same declaration is no
    change of the user's.
    """
    tables = declared.of_app(label)
    wanted = {name: table.contract() for name, table in tables.items()}
    operations: list[WarehouseTable] = []
    for name in declared.in_order(list(wanted)):
        contract = wanted[name]
        if name not in installed:
            operations.append(
                WarehouseTable.planned(compiler.create(name, contract, label), compiler.settled(contract))
            )
        elif installed[name] != compiler.settled(contract):
            change = compiler.replace(name, installed[name], contract, label)
            operations.append(WarehouseTable.planned(change, compiler.settled(contract)))
    operations = _prepared(operations, wanted, installed, label)
    gone = {name: contract for name, contract in installed.items() if name not in wanted}
    for name in removal_order(gone):
        readers = [reader for reader, contract in installed.items() if name in compiler.inputs(contract)]
        after = [number for number, operation in enumerate(operations, 1) if operation.target in readers]
        removal = WarehouseTable.planned(compiler.remove(name, gone[name], label), None)
        operations.insert(max(after, default=0), removal)
    return operations


def _prepared(
    operations: list[WarehouseTable], wanted: dict[str, Contract], installed: dict[str, Contract], label: str
) -> list[WarehouseTable]:
    """Changes of tables whose inputs lose columns, in two parts around these; new inputs go before both."""

    def rank(operation: WarehouseTable) -> tuple[int, bool]:
        layer = LAYERS.index(operation.target.split(".")[0])
        return layer, layer < 2 and operation.verb != "create"

    ordered = sorted(operations, key=rank)
    for operation in list(ordered):
        target, contract = operation.target, wanted[operation.target]
        if operation.verb != "change":
            continue
        inputs = {*compiler.inputs(contract), *compiler.inputs(installed[target])}
        reads = {number: other for number, other in enumerate(ordered) if other.target in inputs}
        binding = [
            number for number, other in reads.items()
            if other.verb == "change" and compiler.binds(contract, installed[other.target], wanted[other.target])
        ]  # fmt: skip
        if binding and not any(number > binding[0] for number, other in reads.items() if other.verb == "create"):
            first = min(number for number, other in reads.items() if other.verb != "create")
            before, after = compiler.replace_with_inputs(target, installed[target], contract, label)
            ordered[ordered.index(operation)] = WarehouseTable.planned(after, compiler.settled(contract))
            ordered.insert(first, WarehouseTable.planned(before, None))
    return ordered


def removal_order(gone: dict[str, Contract]) -> list[str]:
    """Tables with what they read after them."""
    ordered: list[str] = []

    def enter(name: str) -> None:
        if name in gone and name not in ordered:
            for reader, contract in gone.items():
                if name in compiler.inputs(contract):
                    enter(reader)
            ordered.append(name)

    for name in gone:
        enter(name)
    return ordered
