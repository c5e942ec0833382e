"""What a load does to its table, noted while it does it: how many rows, and a few of them, before and after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from medallion.naming import ident

Connection = psycopg.Connection[Any]
Row = dict[str, Any]

_TABLES = """
    CREATE TEMP TABLE IF NOT EXISTS noted (what text, was jsonb, becomes jsonb) ON COMMIT DROP;
    CREATE TEMP TABLE IF NOT EXISTS note_counts (what text, n bigint) ON COMMIT DROP;
    TRUNCATE pg_temp.noted, pg_temp.note_counts;
"""
_EVENTS = {"insert": "NEW TABLE AS new_rows", "delete": "OLD TABLE AS old_rows",
           "update": "OLD TABLE AS old_rows NEW TABLE AS new_rows"}  # fmt: skip


@dataclass(frozen=True)
class Noted:
    """A few rows of each kind, without Assay's own columns. Changed ones: (before, after)."""

    inserted: list[Row] = field(default_factory=list)
    changed: list[tuple[Row, Row]] = field(default_factory=list)
    deleted: list[Row] = field(default_factory=list)
    #: Source rows that would be rejected, with why.
    rejected: list[tuple[Row, list[str]]] = field(default_factory=list)
    closed: int = 0


def key_of(contract: dict[str, Any]) -> list[str]:
    """The columns that tell the rows of a table apart."""
    if contract["layer"] == "gold":
        return list(contract["grain"])
    if contract["kind"] == "append":
        return ["_source_bronze_id"]
    return [*contract["key"], *(["valid_from"] if contract["kind"] == "scd2" else [])]


@contextmanager
def noting(connection: Connection, relation: str, contract: dict[str, Any], samples: int) -> Iterator[None]:
    """Notes what happens to a table meanwhile, for `note`. A materialized view is compared with itself, before."""
    connection.execute(_TABLES)
    if contract["kind"] == "materialized_view":
        connection.execute("DROP TABLE IF EXISTS pg_temp.view_before")
        connection.execute(f"CREATE TEMP TABLE view_before ON COMMIT DROP AS TABLE {relation}".encode())
        yield
        return
    arguments = sql.SQL(", ").join([sql.Literal(json.dumps(key_of(contract))), sql.Literal(str(samples))])
    for event, tables in _EVENTS.items():
        connection.execute(
            sql.SQL(
                f"CREATE TRIGGER assay_dry_run_{event} AFTER {event} ON {relation} REFERENCING {tables} "
                "FOR EACH STATEMENT EXECUTE FUNCTION dwh_etl.note_changes({})"
            ).format(arguments)
        )
    yield
    for event in _EVENTS:
        connection.execute(f"DROP TRIGGER assay_dry_run_{event} ON {relation}".encode())


def note(connection: Connection, contract: dict[str, Any], batch_no: int, samples: int) -> Noted:
    """What has been noted of a load that wrote `batch_no`."""
    if contract["kind"] == "materialized_view":
        connection.execute(_compared(contract, samples).encode())
    rows = connection.execute("SELECT what, was, becomes FROM pg_temp.noted").fetchall()
    rejected = connection.execute(
        "SELECT e.source_data, e.issues FROM dwh_lineage.exception_events AS v "
        "JOIN dwh_lineage.quality_exceptions AS e ON e.id = v.exception_id "
        "WHERE v.batch_no = %s AND v.to_state = 'open' ORDER BY e.bronze_id LIMIT %s",
        (batch_no, samples),
    ).fetchall()
    closed = connection.execute("SELECT sum(n)::bigint FROM pg_temp.note_counts WHERE what = 'closed'").fetchone()
    found: dict[str, list[Any]] = {"inserted": [], "changed": [], "deleted": []}
    for what, was, becomes in rows:
        if len(found[what]) < samples:
            shown = [_shown(row) for row in (was, becomes) if row is not None]
            found[what].append(tuple(shown) if what == "changed" else shown[0])
    return Noted(**found, rejected=[(row or {}, list(issues)) for row, issues in rejected],
                 closed=int(closed[0] or 0) if closed else 0)  # fmt: skip


def _shown(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.startswith("_")}


def _compared(contract: dict[str, Any], samples: int) -> str:
    view = ident(contract["layer"], contract["name"])
    same = " AND ".join(f"o.{ident(name)} = n.{ident(name)}" for name in contract["grain"])
    return f"""
        INSERT INTO pg_temp.noted
        SELECT CASE WHEN o.* IS NULL THEN 'inserted' WHEN n.* IS NULL THEN 'deleted' ELSE 'changed' END,
            CASE WHEN NOT o.* IS NULL THEN to_jsonb(o.*) END, CASE WHEN NOT n.* IS NULL THEN to_jsonb(n.*) END
        FROM pg_temp.view_before AS o FULL JOIN {view} AS n ON {same}
        WHERE o.* IS DISTINCT FROM n.*
        LIMIT {samples * 10}
    """  # noqa: S608 - quoted
