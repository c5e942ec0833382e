"""What docs/how-to/analysts.md says is typed, and read, as it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from assay.embedded.places import CHECKOUT

pytestmark = pytest.mark.django_db


def test_an_analyst_reads_gold_and_nothing_else(database_copy: Callable[[], psycopg.Connection[Any]]) -> None:
    text = (CHECKOUT / "docs" / "how-to" / "analysts.md").read_text(encoding="utf-8")
    make, ask = re.findall(r"^```sql\n(.*?)^```", text, re.M | re.S)
    owner = database_copy()
    owner.execute(make)
    try:
        settings = owner.execute("SELECT rolconfig FROM pg_roles WHERE rolname = 'metabase'").fetchone()
        assert settings == (["search_path=gold", "default_transaction_read_only=on", "statement_timeout=2min"],)
        owner.execute("GRANT metabase TO CURRENT_USER WITH SET TRUE; SET ROLE metabase")
        assert owner.execute(ask).fetchall() == []
        for refused in ("SELECT * FROM silver.customers", "DELETE FROM gold.agg_daily_sales"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                owner.execute(refused)
    finally:
        owner.execute("RESET ROLE")
        owner.execute("DROP ROLE metabase")
