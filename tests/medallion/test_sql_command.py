"""sql TABLE prints what the declaration compiles to."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from retail import warehouse


def printed(*arguments: str) -> str:
    out = StringIO()
    call_command("sql", *arguments, stdout=out)
    return out.getvalue()


def test_it_prints_the_sql_that_the_migration_has() -> None:
    migrations = Path(warehouse.__file__).parent / "migrations" / "sql" / "0001_initial"
    for table in ("bronze.raw_invoice_lines", "silver.retail_customers", "gold.retail_daily_revenue"):
        assert printed(table) == (migrations / f"{table}.sql").read_text()
        assert printed(table, "--down") == (migrations / f"{table}.down.sql").read_text()


def test_the_layer_may_be_left_out() -> None:
    assert printed("invoice_lines") == printed("silver.invoice_lines")


def test_an_unknown_table_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(CommandError, match=r"No declared table is called nothing.*silver\.invoice_lines"):
        printed("nothing")
