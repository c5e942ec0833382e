"""A warehouse app of a user's own in a temporary folder, declared, migrated and declared anew."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection

from medallion.registry import warehouse
from tests.warehouses import bench_database as bench

PREAMBLE = """
from medallion.warehouse import *
from quality.rules import *


class Drop(sources.CsvFiles):
    path = "drop/*.csv"
"""


class Shop:
    """The app: `declare` its warehouse, `make` its migrations, `migrate`; `sql` talks to its database."""

    def __init__(self, folder: Path, label: str, sql: bench.Connection) -> None:
        self.label, self.sql, self.package = label, sql, folder / label
        (self.package / "migrations").mkdir(parents=True)
        for module in ("__init__.py", "migrations/__init__.py", "warehouse.py"):
            (self.package / module).write_text("")

    def declare(self, text: str, **queries: str) -> None:
        """Writes warehouse.py, and queries as files."""
        (self.package / "warehouse.py").write_text(PREAMBLE + text)
        for name, query in queries.items():
            (self.package / f"{name}.sql").write_text(query)
        sys.modules.pop(f"{self.label}.warehouse", None)
        importlib.invalidate_caches()
        warehouse.cache_clear()

    def make(self) -> list[str]:
        """makemigrations; returns what the new migration does, as `create bronze.x`."""
        before = set(self.migrations())
        call_command("makemigrations", self.label, verbosity=0)
        new = sorted(set(self.migrations()) - before)
        if not new:
            return []
        importlib.invalidate_caches()
        module = importlib.import_module(f"{self.label}.migrations.{new[0]}")
        return [f"{operation.verb} {operation.target}" for operation in module.Migration.operations]

    def migrations(self) -> list[str]:
        return sorted(path.stem for path in (self.package / "migrations").glob("0*.py"))

    def migrate(self, name: str | None = None) -> None:
        """Forward to the end, or to a migration (`zero`: away with everything)."""
        call_command("migrate", self.label, *([name] if name else []), verbosity=0)
        connection.close()

    def step(self, text: str, **queries: str) -> list[str]:
        """Declares, makes and migrates."""
        self.declare(text, **queries)
        made = self.make()
        self.migrate()
        return made

    def forth_and_back(self) -> None:
        """One migration back and forward again."""
        names = ["zero", *self.migrations()]
        self.migrate(names[-2])
        self.migrate()

    def value(self, statement: str, *parameters: Any) -> Any:
        row = self.sql.execute(statement, parameters).fetchone()
        return row and (row[0] if len(row) == 1 else row)

    def columns(self, relation: str) -> list[str]:
        return [
            row[0]
            for row in self.sql.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped "
                "AND left(attname, 1) <> '_' ORDER BY attnum",
                (relation,),
            )
        ]

    def ingest(self, *rows: dict[str, str | None], table: str = "bronze.shop_raw") -> None:
        """Rows by plain SQL."""
        for row in rows:
            names, values = ", ".join(row), ", ".join(["%s"] * len(row))
            self.sql.execute(f"INSERT INTO {table} ({names}) VALUES ({values})", list(row.values()))

    def run(self, *targets: str) -> None:
        """Loads tables as a run does: a rebuild where one waits."""
        for target in targets:
            anew = self.value("SELECT needs_rebuild FROM dwh_lineage.targets WHERE target = %s", target)
            bench.run(self.sql, target, "rebuild" if anew else "load")

    def run_anew(self, target: str) -> None:
        """Rebuilds a table."""
        bench.run(self.sql, target, "rebuild")

    def rows(self, target: str, order: str = "1") -> list[tuple[Any, ...]]:
        """Rows without surrogate keys; of a dimension the members that stand."""
        names = self.columns(target)
        chosen = ", ".join(name for name in names if not name.endswith(("_sk", "_key")))
        members = "SELECT contract ->> 'surrogate' FROM dwh_lineage.targets WHERE target = %s AND kind = 'dimension'"
        surrogate = self.value(members, target)
        known = f"WHERE {surrogate} > 0 AND _retired_at IS NULL" if surrogate else ""
        return self.sql.execute(f"SELECT {chosen} FROM {target} {known} ORDER BY {order}").fetchall()
