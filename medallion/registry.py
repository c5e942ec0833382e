"""The declarations of all installed warehouses."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from dataclasses import dataclass, field
from types import ModuleType

from django.apps import AppConfig, apps

from medallion import bronze, declaration
from medallion.ingestion.spec import BronzeSpec
from medallion.pipelines import Pipeline
from medallion.sources import Files, HttpFeed, Pulled, Source

LAYERS = ("bronze", "silver", "gold")


@dataclass
class Warehouse:
    """What the `warehouse.py` of the installed apps declare."""

    tables: dict[str, type[declaration.Table]] = field(default_factory=dict)
    #: Target name → label of the app that declares it.
    apps: dict[str, str] = field(default_factory=dict)
    sources: dict[str, type[Source]] = field(default_factory=dict)
    pipelines: dict[str, type[Pipeline]] = field(default_factory=dict)
    #: (what is declared twice, where) – reported by `check`.
    doubled: list[tuple[str, str]] = field(default_factory=list)

    @property
    def bronze_specs(self) -> dict[str, BronzeSpec]:
        """What ingestions of files need to know, by target name."""
        return {
            name: table.spec()
            for name, table in self.tables.items()
            if issubclass(table, bronze.Table) and issubclass(table.source, Files)
        }

    @property
    def pulled(self) -> dict[str, type[Pulled]]:
        """The sources that are pulled, by name: APIs and databases."""
        return {name: source for name, source in self.sources.items() if issubclass(source, Pulled)}

    @property
    def feeds(self) -> dict[str, type[HttpFeed]]:
        """The sources that are delivered to, by name."""
        return {name: source for name, source in self.sources.items() if issubclass(source, HttpFeed)}

    def of_app(self, label: str) -> dict[str, type[declaration.Table]]:
        """The tables that one app declares."""
        return {name: table for name, table in self.tables.items() if self.apps[name] == label}

    def in_order(self, targets: list[str]) -> list[str]:
        """Targets with what they read before them; a cycle is cut (and reported by `check`)."""
        ordered: list[str] = []
        entered: set[str] = set()

        def enter(name: str) -> None:
            if name in entered:
                return
            entered.add(name)
            table = self.tables.get(name)
            for source in table.inputs() if table else ():
                enter(source)
            if name in targets:
                ordered.append(name)

        for name in sorted(targets, key=lambda name: (LAYERS.index(name.split(".")[0]), name)):
            enter(name)
        return ordered


def is_warehouse(app: AppConfig) -> bool:
    """Whether an installed app declares a warehouse."""
    return importlib.util.find_spec(f"{app.name}.warehouse") is not None


@functools.cache
def warehouse() -> Warehouse:
    """All declarations, read once."""
    found = Warehouse()
    for app in apps.get_app_configs():
        if is_warehouse(app):
            _collect(found, app.label, importlib.import_module(f"{app.name}.warehouse"))
    return found


def _collect(found: Warehouse, label: str, module: ModuleType) -> None:
    for value in vars(module).values():
        if not isinstance(value, type) or value.__module__ != module.__name__:
            continue
        if issubclass(value, declaration.Table) and not value.abstract:
            if value.target in found.tables:
                found.doubled.append((value.target, value.where()))
            found.tables[value.target] = value
            found.apps[value.target] = label
        elif issubclass(value, Source):
            found.sources[value.name] = value
        elif issubclass(value, Pipeline):
            found.pipelines[value.name] = value
