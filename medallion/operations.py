"""The migration operation of a warehouse table: raw SQL in files beside the migration, forward and backward, frozen."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation, OperationCategory

from medallion.compile import Change

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.state import ProjectState


_CATEGORIES = {
    "create": OperationCategory.ADDITION,
    "remove": OperationCategory.REMOVAL,
    "change": OperationCategory.ALTERATION,
    "prepare": OperationCategory.ALTERATION,
}


class WarehouseTable(Operation):
    """Creates, changes or removes one table of the warehouse.

    `folder` is relative to the app's migrations: `sql/0001_initial`. It holds `<target>.sql` (forward),
    `<target>.down.sql` (backward) and, unless the table is removed, `<target>.json`: the declaration that is
    installed then, with which the next `makemigrations` compares. What only prepares the change of a table whose inputs
    change, too, has `<target>.prepare.sql` and `<target>.prepare.down.sql`.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, verb: str, target: str, folder: str = "") -> None:
        self.verb, self.target, self.folder = verb, target, folder
        #: What makemigrations writes to the files; a migration that is loaded reads them instead.
        self.change: Change | None = None
        self.new_contract: dict[str, Any] | None = None

    @classmethod
    def planned(cls, change: Change, contract: dict[str, Any] | None) -> WarehouseTable:
        """An operation whose files are still to be written."""
        operation = cls(change.verb, change.target)
        operation.change, operation.new_contract = change, contract
        return operation

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [self.verb, self.target, self.folder], {}

    def formatted_description(self) -> str:
        """What makemigrations prints, with Django's marks for added, removed and altered."""
        return f"{_CATEGORIES[self.verb].value} {self.describe()}"

    def describe(self) -> str:
        return f"{self.verb.capitalize()} {self.target}"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.verb}_{self.target.replace('.', '_')}"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Warehouse tables are no models."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        schema_editor.execute(self.sql(app_label), params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        schema_editor.execute(self.sql(app_label, "down.sql"), params=None)

    def sql(self, app_label: str, suffix: str = "sql") -> str:
        """The SQL of one direction, as the file has it."""
        if self.change is not None:
            return self.change.forward if suffix == "sql" else self.change.backward
        return self._path(app_label, suffix).read_text(encoding="utf-8")

    @property
    def installs(self) -> bool:
        """Whether another declaration, or none, is installed after this operation."""
        return self.verb != "prepare"

    def contract(self, app_label: str) -> dict[str, Any] | None:
        """The declaration that this operation installs; None where it removes the table."""
        if self.verb == "remove":
            return None
        loaded: dict[str, Any] = json.loads(self._path(app_label, "json").read_text(encoding="utf-8"))
        return loaded

    def write(self, app_label: str, migration_name: str) -> list[Path]:
        """Writes the files beside the migration and returns their paths."""
        if self.change is None:
            raise ValueError(f"{self.describe()}: there is nothing to write, for it was loaded from its files.")
        self.folder = f"sql/{migration_name}"
        contents = {"sql": self.change.forward, "down.sql": self.change.backward}
        if self.new_contract is not None:
            contents["json"] = json.dumps(self.new_contract, indent=2, ensure_ascii=False) + "\n"
        paths = []
        for suffix, content in contents.items():
            path = self._path(app_label, suffix)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            paths.append(path)
        return paths

    def _path(self, app_label: str, suffix: str) -> Path:
        module_name, _explicit = MigrationLoader.migrations_module(app_label)
        if module_name is None:
            raise CommandError(f"MIGRATION_MODULES switches migrations off for {app_label}, which declares tables.")
        package = importlib.import_module(module_name)
        name = self.target if self.installs else f"{self.target}.{self.verb}"
        return Path(package.__path__[0]) / self.folder / f"{name}.{suffix}"
