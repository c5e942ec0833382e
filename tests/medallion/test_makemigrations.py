"""Migrations of a warehouse that has none yet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from assay.embedded.places import CHECKOUT

WAREHOUSE = """
from medallion.warehouse import bronze, sources


class Drop(sources.CsvFiles):
    path = "newborn.csv"


class RawNewborn(bronze.Table):
    source = Drop
    columns = "id"
"""


def test_the_first_migration_of_a_warehouse_makes_its_package(tmp_path: Path) -> None:
    app = tmp_path / "newborn"
    app.mkdir()
    (app / "warehouse.py").write_text(WAREHOUSE)
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "ASSAY_WAREHOUSES": "newborn"}

    def make(*options: str) -> str:
        command = [sys.executable, "manage.py", "makemigrations", "newborn", *options]
        result = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    assert "Create bronze.raw_newborn" in make("--dry-run")
    assert not (app / "migrations").exists()
    make()
    assert (app / "migrations" / "__init__.py").exists()
    assert "No changes detected" in make()
