"""What a decision would do: the decision itself, replayed and rolled back, so that what is shown is what happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from lineage.connections import work_connection
from quality.resolution import Decision, DecisionRefused, refused

#: Rows that a preview replays; of a larger selection it shows so many, the oldest.
MOST = 100_000
SAMPLES = 5

_OUTCOMES = """
    SELECT d.selected, d.landed, d.failing, d.rejected, d.overtaken
    FROM dwh_lineage.quality_decisions AS d WHERE d.id = %s
"""
_BROKEN = """
    SELECT b.message, count(*)
    FROM dwh_lineage.decision_rows AS r
    JOIN dwh_lineage.exception_breaches AS b ON b.exception_id = r.exception_id
    WHERE r.decision_id = %s AND r.outcome = 'open'
    GROUP BY b.message ORDER BY count(*) DESC, b.message
"""
_SAMPLES = """
    SELECT r.exception_id, r.bronze_id, e.source_data
    FROM dwh_lineage.decision_rows AS r
    JOIN dwh_lineage.quality_exceptions AS e ON e.id = r.exception_id
    WHERE r.decision_id = %s AND r.outcome = 'landed'
    ORDER BY r.bronze_id LIMIT %s
"""


@dataclass(frozen=True)
class Sample:
    """A row that would land: as it arrived, and as the table would have it."""

    exception: int
    arrived: dict[str, str | None]
    landed: dict[str, Any]


@dataclass(frozen=True)
class Preview:
    """What a decision would do to its rows, counted, and some that would land."""

    selected: int
    tried: int
    landed: int
    failing: int
    rejected: int
    overtaken: int
    broken: list[tuple[str, int]]  # what the failing rows break then, the most frequent first
    samples: list[Sample]


def preview(decision: Decision) -> Preview:
    """Makes a decision, carries it out for MOST rows, counts, and takes everything back.

    Raises DecisionRefused as the decision itself would. Holds the table as a load does: loads wait for it.
    """
    with work_connection("preview", statement_timeout=300, lock_timeout=30) as connection:
        try:
            with connection.transaction(force_rollback=True):
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                made = connection.execute(decision.QUERY, decision.tried()).fetchone()
                number = int(made[0]) if made else 0
                connection.execute("SELECT dwh_lineage.try_decision(%s)", (number,))
                connection.execute("SELECT dwh_lineage.replay_chunk(%s, %s)", (number, MOST))
                return _seen(connection, decision.selection.target, number)
        except psycopg.errors.SerializationFailure:
            raise DecisionRefused("The table was loaded just now.", "Ask again.") from None
        except psycopg.errors.LockNotAvailable:
            raise DecisionRefused("The table is being loaded.", "Ask again when the load is over.") from None
        except psycopg.Error as error:
            raise refused(error) from error


def _seen(connection: psycopg.Connection[Any], target: str, decision: int) -> Preview:
    row = connection.execute(_OUTCOMES, (decision,)).fetchone()
    selected, landed, failing, rejected, overtaken = row or (0, 0, 0, 0, 0)
    broken = [(str(message), int(times)) for message, times in connection.execute(_BROKEN, (decision,)).fetchall()]
    tried = landed + failing + rejected + overtaken
    return Preview(
        selected, tried, landed, failing, rejected, overtaken, broken, _samples(connection, target, decision)
    )


def _samples(connection: psycopg.Connection[Any], target: str, decision: int) -> list[Sample]:
    found = connection.execute(_SAMPLES, (decision, SAMPLES)).fetchall()
    evaluate = sql.Identifier("dwh_etl", f"evaluate_{target.replace('.', '_')}")
    query = sql.SQL("SELECT v._bronze_id, to_jsonb(v) FROM {}(NULL, NULL, %s) AS v").format(evaluate)
    values = dict(connection.execute(query, ([bronze_id for _, bronze_id, _ in found],)).fetchall()) if found else {}
    return [
        Sample(exception, arrived, {name: value for name, value in values[row].items() if not name.startswith("_")})
        for exception, row, arrived in found
    ]
