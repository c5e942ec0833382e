"""A dry run: loads carried out in order in one transaction, looked at, and rolled back.

What it leaves is nothing but numbers that sequences have given away. While it lasts it holds what its loads hold: other
loads of the same tables wait for it. Changes that are not migrated yet come first where they are asked for; they lock
their tables as the migration would, against readers too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from lineage.connections import work_connection
from medallion.planning.changes import Statement
from medallion.planning.noting import Noted, note, noting

Connection = psycopg.Connection[Any]

#: How long a dry run waits for a lock, in seconds.
LOCK_SECONDS = 5.0
#: How often a dry run begins again because a load of one of its tables has just committed.
_ATTEMPTS = 5


class Refused(Exception):
    """The dry run could not be carried out; the message says why, `hint` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class LoadOutcome:
    """What a load would do. Counts are rows; `closed` are versions that end, and among the changed ones."""

    target: str
    #: `load`, `rebuild`, or `nothing`: nothing waits for it. `failed`: it would fail. `not tried`: what it reads did.
    verb: str
    read: int = 0
    inserted: int = 0
    changed: int = 0
    closed: int = 0
    deleted: int = 0
    unchanged: int = 0
    rejected: int = 0
    #: Quarantined rows that would land.
    landed: int = 0
    error: str | None = None
    samples: Noted = field(default_factory=Noted)


def dry_run(
    targets: Sequence[str], statements: Sequence[Statement] = (), samples: int = 3, time_limit: float = 60
) -> list[LoadOutcome]:
    """Brings `targets` up to date, after the changes of `statements`, and takes everything back.

    Waits 5 seconds for a lock at most; stops after `time_limit` seconds. Raises Refused.
    """
    with work_connection("plan", lock_timeout=LOCK_SECONDS, statement_timeout=time_limit) as connection:
        # The triggers, and the changes, are the owner's to make.
        connection.execute("RESET ROLE")
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with _taken_back(connection):
                    _change(connection, statements)
                    return list(_loads(connection, targets, samples, time_limit))
            except psycopg.errors.SerializationFailure:
                if attempt == _ATTEMPTS:
                    raise Refused("Loads of these tables finish all the time.", "Try again in a moment.") from None
            except psycopg.errors.LockNotAvailable:
                raise Refused(
                    "A load of one of these tables is running.", "Wait until it has ended (manage.py workers)."
                ) from None
            except psycopg.errors.QueryCanceled:
                raise Refused(
                    f"It was not done after {time_limit:g} seconds, and was given up so that others need not wait.",
                    "Give it longer: --time-limit SECONDS.",
                ) from None
    raise AssertionError


@contextmanager
def _taken_back(connection: Connection) -> Iterator[None]:
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    try:
        yield
    finally:
        if not connection.broken:
            connection.execute("ROLLBACK")


def _change(connection: Connection, statements: Sequence[Statement]) -> None:
    for statement in statements:
        try:
            connection.execute(statement.sql.encode())
        except (psycopg.errors.LockNotAvailable, psycopg.errors.SerializationFailure, psycopg.errors.QueryCanceled):
            raise
        except psycopg.Error as error:
            where = f" ({statement.migration})" if statement.migration else ""
            raise Refused(
                f"The change of {statement.target}{where} fails: {error.diag.message_primary}",
                error.diag.message_hint or "Correct the declaration or the migration.",
            ) from error


def _loads(connection: Connection, targets: Sequence[str], samples: int, time_limit: float) -> Iterator[LoadOutcome]:
    """Each load in order. One that fails is taken back alone; what reads its table is not tried."""
    steps = connection.execute(
        "SELECT step_target, step_needs, step_rebuild FROM dwh_lineage.plan_steps(%s::text[])", (list(targets),)
    ).fetchall()
    failed: set[str] = set()
    for target, needs, rebuild in steps:
        if failed & set(needs):
            failed.add(target)
            yield LoadOutcome(target, "not tried", error="What it reads would fail.")
            continue
        outcome = _load(connection, target, "rebuild" if rebuild else "load", samples)
        if outcome.error:
            failed.add(target)
        yield outcome


def _load(connection: Connection, target: str, verb: str, samples: int) -> LoadOutcome:
    ((load, rebuild, relation, contract),) = connection.execute(
        "SELECT load_routine, rebuild_routine, rows_relation, contract FROM dwh_lineage.targets WHERE target = %s",
        (target,),
    ).fetchall()
    try:
        with connection.transaction(), noting(connection, relation, contract, samples):
            connection.execute(_call(rebuild if verb == "rebuild" else load))
            return _outcome(connection, target, verb, contract, samples)
    except (psycopg.errors.LockNotAvailable, psycopg.errors.SerializationFailure, psycopg.errors.QueryCanceled):
        raise
    except psycopg.Error as error:
        said = ": ".join(filter(None, (error.sqlstate, error.diag.message_primary, error.diag.message_detail)))
        return LoadOutcome(target, "failed", error=said)


def _call(routine: str) -> sql.Composed:
    return sql.SQL("CALL {}()").format(sql.Identifier(*routine.split(".")))


def _outcome(connection: Connection, target: str, verb: str, contract: dict[str, Any], samples: int) -> LoadOutcome:
    """What the load wrote into the ledger, which is what a real one would write."""
    with connection.cursor(row_factory=dict_row) as cursor:
        counts = cursor.execute(
            "SELECT b.batch_no, coalesce(b.rows_read, 0) AS read, coalesce(b.rows_inserted, 0) AS inserted, "
            "coalesce(b.rows_updated, 0) AS changed, coalesce(b.rows_deleted, 0) AS deleted, "
            "coalesce(b.rows_unchanged, 0) AS unchanged, coalesce(b.rows_rejected, 0) AS rejected, "
            "(SELECT count(*) FROM dwh_lineage.exception_events AS v "
            " WHERE v.batch_no = b.batch_no AND v.to_state = 'landed') AS landed "
            "FROM dwh_lineage.batches AS b "
            "WHERE b.target = %s AND b.opened_in = pg_current_xact_id()::text::bigint",
            (target,),
        ).fetchone()
    if counts is None:
        return LoadOutcome(target, "nothing")
    noted = note(connection, contract, counts.pop("batch_no"), samples)
    return LoadOutcome(target, verb, closed=noted.closed, samples=noted, **counts)
