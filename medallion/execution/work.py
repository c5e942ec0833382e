"""The work at a claimed step: the load and the step's success in one transaction."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

import psycopg
from psycopg import sql

from lineage.connections import work_connection
from medallion.execution.claim import LEASE_SECONDS, Claim
from medallion.execution.heartbeat import BEAT_SECONDS, Heartbeat
from medallion.execution.notices import Notices

logger = logging.getLogger(__name__)

MAX_CONFLICTS = 20
# Seconds. A load may take its time; waiting for a lock, or for us, may not.
TIMEOUTS = {"statement_timeout": 4 * 3600.0, "lock_timeout": 60.0, "idle_in_transaction_session_timeout": 60.0}
CONNECTION_LOST = "08006"
NOT_NULL = "23502"
QUERY_CANCELED = "57014"
SERIALIZATION_FAILURE = "40001"
CHECKS_FAILED = "AS070"
# Refused by max_rejected, by rules that fail a load, by checks.
GATES = ("AS050", "AS082", CHECKS_FAILED)

_RECORD_CHECKS = "SELECT dwh_etl.record_checks(%s, %s, %s::jsonb)"
_LIMIT = "SELECT set_config('statement_timeout', %s, true)"
_SUCCEED = "SELECT dwh_lineage.succeed_step(%(step_id)s, %(token)s, %(batch_id)s, %(target)s)"


class Outcome(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    FENCED = "fenced"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Failure:
    """What went wrong: SQLSTATE where there is one, message with its detail, hint."""

    sqlstate: str | None
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.message} (SQLSTATE {self.sqlstate})" if self.sqlstate else self.message

    @classmethod
    def of(cls, error: psycopg.Error) -> Self:
        said = error.diag
        message = said.message_primary or str(error).strip() or type(error).__name__
        if said.message_detail:
            message += f"\n{said.message_detail}"
        # An error without SQLSTATE comes from the client's side: there was no server to give one.
        return cls(error.sqlstate or CONNECTION_LOST, message, said.message_hint or _HINTS.get(error.sqlstate or ""))


_HINTS = {
    QUERY_CANCELED: "It ran longer than the statement timeout, or an administrator cancelled it. Resume the run.",
    "55P03": "Another transaction holds the table. Look at pg_stat_activity for one that does not end.",
}


@dataclass(frozen=True)
class Verdict:
    """How an attempt went, as far as its worker can know, and what the database said meanwhile."""

    outcome: Outcome
    failure: Failure | None = None
    notices: list[dict[str, Any]] = field(default_factory=list)


_local = threading.local()


def work_at(claim: Claim, beat_seconds: float = BEAT_SECONDS, lease_seconds: float = LEASE_SECONDS) -> Verdict:
    """Carries out a claim: calls the table's routine and marks the step succeeded in one transaction.

    Raises nothing that the database says: the verdict holds it. After a connection that broke at COMMIT the verdict is
    `failed`, and `outcome.record` finds out the truth.
    """
    if claim.routine is None:
        what = "rebuild" if claim.rebuild else "load"
        missing = f"The table {claim.target} has no {what} routine any more."
        return Verdict(Outcome.FAILED, Failure("AS010", missing, "Run migrate, then resume the run."))
    notices = Notices()
    try:
        connection = _connection()
        with _hearing(connection, notices), Heartbeat(claim, connection, beat_seconds, lease_seconds, notices) as heart:
            for _ in range(MAX_CONFLICTS):
                verdict = _try_load(connection, claim, heart)
                # Another load of the table has just finished: again at once, with a new snapshot.
                if verdict.failure is None or verdict.failure.sqlstate != SERIALIZATION_FAILURE:
                    break
    except psycopg.Error as error:
        verdict = Verdict(Outcome.FAILED, Failure.of(error))
    return replace(verdict, notices=notices.all())


@contextmanager
def _hearing(connection: psycopg.Connection[Any], notices: Notices) -> Iterator[None]:
    connection.add_notice_handler(notices.hear)
    try:
        yield
    finally:
        connection.remove_notice_handler(notices.hear)


def close_connection() -> None:
    """Closes the work connection of this thread."""
    connection: psycopg.Connection[Any] | None = getattr(_local, "connection", None)
    if connection is not None:
        connection.close()


def _connection() -> psycopg.Connection[Any]:
    """This thread's work connection, kept from step to step; one that died meanwhile is replaced."""
    connection: psycopg.Connection[Any] | None = getattr(_local, "connection", None)
    if connection is not None and not connection.closed:
        try:
            connection.execute("")
        except psycopg.OperationalError:
            connection.close()
    if connection is None or connection.closed:
        connection = _local.connection = work_connection("load", **TIMEOUTS)
    return connection


def _try_load(connection: psycopg.Connection[Any], claim: Claim, heart: Heartbeat) -> Verdict:
    fencing, began = False, time.monotonic()
    try:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        if claim.time_limit is not None:
            connection.execute(_LIMIT, (f"{max(1, round(claim.time_limit.total_seconds() * 1000))}ms",))
        connection.execute(_call(str(claim.routine)), (claim.batch_id,))
        fencing = True
        done = connection.execute(_SUCCEED, vars(claim)).fetchone() == (True,)
        fencing = False
        if done and not heart.should_stop:
            connection.execute("COMMIT")
            return Verdict(Outcome.SUCCEEDED)
        _roll_back(connection)
        return Verdict(Outcome.CANCELLED if done and heart.cancelled else Outcome.FENCED)
    except psycopg.Error as error:
        _roll_back(connection)
        if heart.lost or (fencing and error.sqlstate == SERIALIZATION_FAILURE):
            return Verdict(Outcome.FENCED)
        if heart.cancelled and error.sqlstate == QUERY_CANCELED:
            return Verdict(Outcome.CANCELLED)
        if error.sqlstate in GATES:
            _record_evidence(connection, claim, error)
        failure = _said_of_time(Failure.of(error), claim, time.monotonic() - began)
        if error.sqlstate == NOT_NULL:
            failure = replace(failure, hint=_why_absent(connection, claim))
        return Verdict(Outcome.FAILED, failure)
    except BaseException:
        _roll_back(connection)
        raise


def _said_of_time(failure: Failure, claim: Claim, seconds: float) -> Failure:
    """A load that its time limit stopped says which that was; the server's own words only say that there was one."""
    limit = claim.time_limit
    if failure.sqlstate != QUERY_CANCELED or limit is None or seconds < limit.total_seconds():
        return failure
    hint = "Make it faster, or the pipeline's step_time_limit or time_limit longer; then resume the run."
    return replace(failure, message=f"It reached its time limit of {limit}.", hint=hint)


def _why_absent(connection: psycopg.Connection[Any], claim: Claim) -> str:
    """Which waived rows may have brought a value that is missing, and what to do; "" where the database is away."""
    try:
        row = connection.execute("SELECT dwh_lineage.why_absent(%s)", (claim.target,)).fetchone()
    except psycopg.Error:
        logger.exception("Nobody knows why a value of %s is missing.", claim.target)
        return ""
    return str(row[0]) if row else ""


def _record_evidence(connection: psycopg.Connection[Any], claim: Claim, refused: psycopg.Error) -> None:
    """What a load saw that its gate refused, in a transaction of its own: the load's has been rolled back. What checks
    measured came with the error; rows are evaluated again.

    Where it cannot be recorded the step fails as it would anyway; the next attempt tries it again.
    """
    try:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        if refused.sqlstate == CHECKS_FAILED:
            connection.execute(_RECORD_CHECKS, (claim.target, claim.batch_id, refused.diag.constraint_name))
        else:
            connection.execute(_call(f"dwh_etl.evidence_{claim.target.replace('.', '_')}"), (claim.batch_id,))
        connection.execute("COMMIT")
    except psycopg.Error:
        logger.exception("What the gate of %s refused could not be recorded.", claim.target)
        _roll_back(connection)


def _call(routine: str) -> sql.Composed:
    return sql.SQL("CALL {}(%s)").format(sql.Identifier(*routine.split(".")))


def _roll_back(connection: psycopg.Connection[Any]) -> None:
    """Ends the transaction; a connection that cannot do that any more is closed, which ends it too."""
    try:
        connection.execute("ROLLBACK")
    except psycopg.Error:
        connection.close()
