"""A shell on the warehouse, also where no PostgreSQL is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from assay.embedded import binaries
from assay.embedded.places import CHECKOUT


@pytest.mark.skipif(binaries.client_bin() is None, reason="The wheel with PostgreSQL's programs is not installed.")
def test_dbshell_uses_the_psql_of_the_wheel_where_there_is_no_other(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "manage.py", "dbshell", "--", "-At", "-c", "SELECT 40 + 2"],
        cwd=CHECKOUT, env={**os.environ, "PATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (result.stdout, result.stderr) == ("42\n", "")
