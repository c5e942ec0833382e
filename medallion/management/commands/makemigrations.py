"""makemigrations: Django's, and the raw SQL of what changed in the declarations of warehouses."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from django.core.management.commands import makemigrations
from django.db.migrations import Migration
from django.db.migrations.writer import MigrationWriter

from medallion.autodetector import autodetector
from medallion.operations import WarehouseTable


class Command(makemigrations.Command):
    def handle(self, *app_labels: str, **options: Any) -> None:
        self.autodetector = autodetector()  # type: ignore[misc]
        super().handle(*app_labels, **options)

    def write_migration_files(
        self, changes: dict[str, list[Migration]], update_previous_migration_paths: dict[str, str] | None = None
    ) -> None:
        """Also writes the .sql files beside the migration; a dry run with -v 2 shows the SQL."""
        for label, migrations in changes.items():
            for migration in migrations:
                planned = [step for step in migration.operations if isinstance(step, WarehouseTable) and step.change]
                if planned and not self.dry_run:
                    _ensure_package(migration)
                for operation in planned:
                    self._write(operation, label, migration.name)
        super().write_migration_files(changes, update_previous_migration_paths)

    def _write(self, operation: WarehouseTable, label: str, migration_name: str) -> None:
        if not self.dry_run:
            operation.write(label, migration_name)
        elif self.verbosity > 1:
            self.stdout.write(f"-- {operation.target}\n{operation.sql(label)}")


def _ensure_package(migration: Migration) -> None:
    """Makes the app's `migrations` where this is its first one: the .sql files go there before Django makes it."""
    folder = Path(MigrationWriter(migration).basedir)
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").touch()
    importlib.invalidate_caches()
