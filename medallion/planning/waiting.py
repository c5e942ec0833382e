"""What waits for which table, before a run takes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from medallion.execution.plan import steps_upstream


@dataclass(frozen=True)
class Waiting:
    """A table's next load: what it would take. `rows`: None where another program wrote them and nobody counted."""

    target: str
    needs: list[str]
    rebuild: bool
    batches: int
    rows: int | None


def waiting_for(targets: Iterable[str]) -> list[Waiting]:
    """The loads that bring `targets` up to date, in order, with what waits for each by now.

    Raises RunRefused where a table is not installed.
    """
    steps = steps_upstream(targets)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.consumer, count(*), "
            "CASE WHEN bool_and(b.rows_inserted IS NOT NULL) THEN "
            "sum(b.rows_inserted + coalesce(b.rows_updated, 0) + coalesce(b.rows_deleted, 0))::bigint END "
            "FROM dwh_lineage.pendings AS p JOIN dwh_lineage.batches AS b ON b.batch_no = p.batch_no "
            "WHERE p.consumer = ANY (%s) GROUP BY p.consumer",
            [[step.target for step in steps]],
        )
        found = {target: (batches, rows) for target, batches, rows in cursor.fetchall()}
    return [Waiting(step.target, step.needs, step.rebuild, *found.get(step.target, (0, 0))) for step in steps]
