"""Bronze tables with months behind them, and maintenance that drops some."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from medallion import bronze, compile
from tests.warehouses import bench_database as bench

MONTHS = 6


def month(ago: int) -> datetime:
    """The begin of the month so many months ago."""
    today = datetime.now(UTC)
    count = today.year * 12 + today.month - 1 - ago
    return datetime(count // 12, count % 12 + 1, 1, tzinfo=UTC)


def on(ago: int, day: int = 10) -> str:
    return (month(ago) + timedelta(days=day - 1)).date().isoformat()


def keep(lab: bench.Connection, table: type[bronze.Table], retention: str | None) -> None:
    """Declares a retention."""
    new = type(table.__name__, (table,), {"retention": retention, "abstract": True}).contract()
    lab.execute(compile.replace(table.target, table.contract(), new, "lab").forward)


def retire(lab: bench.Connection, table: type[bronze.Table], retention: str) -> list[tuple[Any, ...]]:
    """Declares a retention and does maintenance."""
    keep(lab, table, retention)
    return lab.execute("SELECT * FROM dwh_etl.retire_partitions(%s, 'tester')", (table.target,)).fetchall()


def old_months(lab: bench.Connection) -> None:
    """Partitions for the months of the histories."""
    for table in bench.BRONZE:
        lab.execute("CALL dwh_etl.ensure_bronze_partitions(%s, in_since => %s)", (table.target, month(MONTHS)))
