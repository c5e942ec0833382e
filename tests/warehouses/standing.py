"""What stands in the laboratory: rows, exceptions and issues, comparable with the model's."""

from __future__ import annotations

from collections import Counter
from typing import Any

from psycopg import sql

from tests.warehouses import bench_database as bench
from tests.warehouses import decisions


def multiset(rows: Any) -> Counter[Any]:
    """Rows that can be compared, whatever their order."""
    return Counter(tuple(sorted(row.items())) if isinstance(row, dict) else tuple(row) for row in rows)


def without_surrogate(rows: list[dict[str, Any]]) -> Counter[Any]:
    """Rows of a silver table, comparable with the model's."""
    return multiset([{k: v for k, v in row.items() if not k.endswith("_sk")} for row in rows])


def rows_of(connection: bench.Connection, target: str) -> Counter[Any]:
    """A gold table's rows without surrogate keys; of a dimension the members that stand."""
    rows = [row for row in bench.rows(connection, target) if row.pop("_retired_at", None) is None]
    keys = [[v for k, v in row.items() if k.endswith("_key")] for row in rows]
    return multiset(
        [
            tuple(v for k, v in row.items() if not k.endswith("_key"))
            for row, of_row in zip(rows, keys, strict=True)
            if -1 not in of_row
        ]
    )


def quarantined(connection: bench.Connection, target: str) -> dict[int, set[str]]:
    """The broken rules of each open exception, by bronze id."""
    found: dict[int, set[str]] = {}
    for bronze_id, rule in connection.execute(
        "SELECT e.bronze_id, b.rule FROM dwh_lineage.quality_exceptions AS e "
        "LEFT JOIN dwh_lineage.exception_breaches AS b "
        "ON b.exception_id = e.id WHERE e.target_table = %s AND e.state = 'open'",
        (target,),
    ):
        found.setdefault(bronze_id, set()).add(rule)
    return found


def open_by_issue(connection: bench.Connection, target: str) -> Counter[str]:
    """How many open breaches each rule's issue counts."""
    return Counter(
        dict(
            connection.execute(
                "SELECT i.rule, sum(d.delta)::int FROM dwh_lineage.quality_issues AS i "
                "JOIN dwh_lineage.issue_deltas AS d ON d.issue_id = i.id "
                # Without a first batch it has no rows: a rule that only warns.
                "WHERE i.target = %s AND i.first_batch_no IS NOT NULL "
                "GROUP BY 1 HAVING sum(d.delta) <> 0",
                (target,),
            ).fetchall()
        )
    )


def open_rows(connection: bench.Connection, target: str) -> int:
    """How many rows of a table the counters say are unresolved."""
    counted = "SELECT coalesce(sum(delta), 0)::int FROM dwh_lineage.open_row_deltas WHERE target = %s"
    return int(decisions.value(connection, counted, target))


def everything(connection: bench.Connection, *targets: str) -> dict[str, Counter[Any]]:
    """All rows of some tables in all columns."""
    return {
        target: multiset(
            connection.execute(sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(*target.split("."))))
        )
        for target in targets
    }
