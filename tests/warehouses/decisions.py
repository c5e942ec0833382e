"""What people decide, written as whoever owns the database writes it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from tests.warehouses.bench_database import Connection


def value(connection: Connection, query: str, *parameters: Any) -> Any:
    """The first column of a query's first row; None without one."""
    row = connection.execute(query, parameters).fetchone()
    return row[0] if row else None


def steward(connection: Connection) -> str:
    """The name of a user who decides."""
    connection.execute(
        "INSERT INTO auth_user (username, password, first_name, last_name, email, is_staff, is_active, is_superuser, "
        "date_joined) VALUES ('steward', '', '', '', '', true, true, true, now()) ON CONFLICT DO NOTHING"
    )
    return "steward"


def decide(connection: Connection, target: str, verb: str) -> int:
    """A decision of somebody's; returns its id."""
    decision = value(
        connection,
        "INSERT INTO dwh_lineage.quality_decisions (verb, target, author_id) "
        "SELECT %s, %s, u.id FROM auth_user AS u WHERE u.username = %s RETURNING id",
        verb, target, steward(connection),
    )  # fmt: skip
    return int(decision)


def correct(
    connection: Connection,
    target: str,
    bronze_id: int,
    patch: Mapping[str, str | None],
    expected: Mapping[str, str | None] | None = None,
    withdrawn: bool = False,
) -> None:
    """The next version of a row's correction."""
    connection.execute(
        "INSERT INTO dwh_lineage.corrections (target, bronze_id, version, patch, expected, decision_id, withdrawn) "
        "SELECT %(target)s, %(row)s, count(*) + 1, %(patch)s, %(expected)s, %(decision)s, %(withdrawn)s "
        "FROM dwh_lineage.corrections WHERE target = %(target)s AND bronze_id = %(row)s",
        {
            "target": target, "row": bronze_id, "patch": Jsonb(patch), "expected": Jsonb(expected or {}),
            "decision": decide(connection, target, "correct"), "withdrawn": withdrawn,
        },
    )  # fmt: skip


def waive(
    connection: Connection,
    target: str,
    rule: str,
    bronze_id: int | None = None,
    first: int | None = None,
    last: int | None = None,
    expires: datetime | str | None = None,
) -> int:
    """Sets a rule aside; returns the waiver's id."""
    waiver = value(
        connection,
        "INSERT INTO dwh_lineage.waivers "
        "(target, rule, bronze_id, first_batch_no, last_batch_no, expires_at, decision_id) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id",
        target, rule, bronze_id, first, last, expires, decide(connection, target, "waive"),
    )  # fmt: skip
    return int(waiver)


def queue(
    connection: Connection, target: str, verb: str, bronze_id: int, patch: Mapping[str, str | None] | None = None
) -> int:
    """A decision about the open exception of a row, which a replay carries out; returns its id."""
    exception = value(
        connection,
        "SELECT id FROM dwh_lineage.quality_exceptions WHERE target_table = %s AND bronze_id = %s",
        target, bronze_id,
    )  # fmt: skip
    return int(
        value(
            connection,
            "SELECT dwh_lineage.decide(%s, %s, %s, %s, 'why', %s)",
            verb, target, Jsonb({"exceptions": [exception]}), steward(connection), patch and Jsonb(patch),
        )
    )  # fmt: skip


def undo(connection: Connection, decision: int) -> int:
    """The decision that undoes another, which a replay carries out; returns its id."""
    return int(value(connection, "SELECT dwh_lineage.undo(%s, %s)", decision, steward(connection)))


@contextlib.contextmanager
def changing_states(connection: Connection) -> Iterator[None]:
    """Lets a test do what routines alone do: change the states of exceptions."""
    connection.execute("SELECT set_config('assay.changes_states', 'on', false)")
    yield
    connection.execute("SELECT set_config('assay.changes_states', '', false)")


def move(connection: Connection, target: str, bronze_id: int, state: str) -> None:
    """Brings the exception of a row into another state."""
    with changing_states(connection):
        connection.execute(
            "UPDATE dwh_lineage.quality_exceptions SET state = %s WHERE target_table = %s AND bronze_id = %s",
            (state, target, bronze_id),
        )


def state_of(connection: Connection, target: str, bronze_id: int) -> str | None:
    """The state of a row's exception; None where it has none."""
    query = "SELECT state FROM dwh_lineage.quality_exceptions WHERE target_table = %s AND bronze_id = %s"
    found: str | None = value(connection, query, target, bronze_id)
    return found


def outcomes(connection: Connection, target: str) -> dict[str, int]:
    """The accounting line of a table, without the number of its source's rows."""
    line: dict[str, int] = value(connection, "SELECT dwh_etl.measure_accounting(%s)", target)
    return {name: count for name, count in line.items() if not name.endswith(" rows")}


def override(
    connection: Connection, target: str, rule: str, severity: str | None = None, threshold: str | None = None
) -> int:
    """Sets what follows from a rule or a check; returns the first batch that is governed."""
    first = value(
        connection, "SELECT dwh_lineage.override_rule(%s, %s, %s, %s, 'because', %s)",
        target, rule, severity, threshold, steward(connection),
    )  # fmt: skip
    return int(first)
