"""Puts the rows of a data-only dump into a freshly migrated database: the ledger as it was, the guards as they were.

A COPY into a guarded bronze table would open batches of its own, and would miss the partitions of past months. So the
triggers rest while pg_restore works, and the partitions are made first, from the dump's list of contents.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from assay.embedded import binaries

Connection = psycopg.Connection[TupleRow]

_ENVIRONMENT = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
_BRONZE_DATA = re.compile(r"TABLE DATA bronze (\w+)_(\d{4})_(\d{2}) ")
_GOLD_DATA = re.compile(r"TABLE DATA gold (\w+?)_(\d{4}(?:_\d{2})?) ")
_OURS = ["public", "bronze", "silver", "gold", "dwh_lineage", "dwh_staging"]
_TRIGGERS: LiteralString = """
    SELECT n.nspname, c.relname, t.tgname, t.tgenabled::text
    FROM pg_trigger AS t
    JOIN pg_class AS c ON c.oid = t.tgrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND n.nspname = ANY (%s)
"""
# What migrations wrote; bronze is empty, and would refuse.
_TABLES: LiteralString = """
    SELECT schemaname, tablename FROM pg_tables
    WHERE schemaname = ANY (%s) AND schemaname <> 'bronze' AND tablename <> 'django_migrations'
"""
_ENABLE: dict[str, LiteralString] = {"O": "ENABLE TRIGGER", "A": "ENABLE ALWAYS TRIGGER", "R": "ENABLE REPLICA TRIGGER"}


class RestoreRefused(Exception):
    """The dump does not fit the database, or pg_restore failed; the message says what to do."""


def restore_data(parameters: Mapping[str, Any], dump: Path) -> int:
    """Restores `dump` (pg_dump --data-only --format=custom) and returns how many batches the ledger has then.

    `parameters` are psycopg's, of the owner. The database has been migrated with the code that the dump belongs to and
    holds no batch. Raises RestoreRefused; after a failed pg_restore the database is to be made anew.
    """
    with psycopg.connect(**parameters, autocommit=True) as connection:
        program = _program(connection.info.server_version // 10_000)
        contents = _run(parameters, program, "--list", str(dump)).splitlines()
        _check_empty(connection)
        _make_partitions(connection, contents)
        _make_gold_partitions(connection, contents)
        with _resting_triggers(connection):
            _empty(connection)
            with tempfile.NamedTemporaryFile("w", suffix=".list") as wanted:
                wanted.writelines(f"{line}\n" for line in contents if " public django_migrations" not in line)
                wanted.flush()
                _run(
                    parameters, program, "--data-only", "--exit-on-error", "--single-transaction",
                    "--use-list", wanted.name, "--dbname", str(parameters["dbname"]), str(dump),
                )  # fmt: skip
        connection.execute("ANALYZE")
        return _scalar(connection, "SELECT count(*) FROM dwh_lineage.batches")


def _check_empty(connection: Connection) -> None:
    # Calendars have their days, in a batch, as soon as they are installed.
    if _scalar(connection, "SELECT count(*) FROM dwh_lineage.batches AS b JOIN dwh_lineage.targets AS t USING (target) "
                           "WHERE t.kind <> 'calendar'"):  # fmt: skip
        raise RestoreRefused(
            "The database holds batches already; restoring would mix two ledgers. Make a new database, run "
            "manage.py migrate on it, and restore into that."
        )


def _make_partitions(connection: Connection, contents: list[str]) -> None:
    """The bronze partitions of every month from the first that the dump has."""
    first: dict[str, str] = {}
    for line in contents:
        if found := _BRONZE_DATA.search(line):
            table, year, month = found.groups()
            first[table] = min(first.get(table, "9999-99"), f"{year}-{month}")
    for table, month in first.items():
        try:
            connection.execute(
                "CALL dwh_etl.ensure_bronze_partitions(%s, in_since => %s::timestamptz)",
                (f"bronze.{table}", f"{month}-01T00:00:00Z"),
            )
        except psycopg.DatabaseError as error:
            raise RestoreRefused(
                f"The dump has rows of bronze.{table}, and the database has no such table: "
                f"{error.diag.message_primary} "
                "Migrate with the warehouses that the dump belongs to (ASSAY_WAREHOUSES), then restore."
            ) from error


def _make_gold_partitions(connection: Connection, contents: list[str]) -> None:
    """The partitions of facts that the dump has; a table may be called like one of them without being one."""
    partitioned = "SELECT 1 FROM dwh_lineage.targets WHERE target = %s AND contract ? 'partition'"
    for found in filter(None, map(_GOLD_DATA.search, contents)):
        target, period = f"gold.{found[1]}", found[2].replace("_", "")
        if connection.execute(partitioned, (target,)).fetchone():
            connection.execute("SELECT dwh_etl.ensure_partitions(%s, %s)", (target, [period]))


@contextmanager
def _resting_triggers(connection: Connection) -> Iterator[None]:
    """No trigger fires within the block; afterwards each is as it was, whatever happened."""
    triggers = connection.execute(_TRIGGERS, (_OURS,)).fetchall()
    for schema, table, name, _ in triggers:
        _alter(connection, schema, table, "DISABLE TRIGGER", name)
    try:
        yield
    finally:
        for schema, table, name, enabled in triggers:
            _alter(connection, schema, table, _ENABLE[enabled], name)


def _alter(connection: Connection, schema: str, table: str, action: LiteralString, trigger: str) -> None:
    # ONLY: a partition keeps what it had.
    connection.execute(
        sql.SQL("ALTER TABLE ONLY {} {} {}").format(
            sql.Identifier(schema, table), sql.SQL(action), sql.Identifier(trigger)
        )
    )


def _empty(connection: Connection) -> None:
    tables = [sql.Identifier(*row) for row in connection.execute(_TABLES, (_OURS,))]
    connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))


def _program(version: int) -> str:
    """pg_restore of the server's version: a newer one would set what an older server does not know."""
    folder = binaries.client_bin(version)
    program = shutil.which("pg_restore", path=str(folder)) if folder else shutil.which("pg_restore")
    if program is None:
        raise RestoreRefused("There is no pg_restore: install PostgreSQL's client programs, or run `make install`.")
    return program


def _run(parameters: Mapping[str, Any], program: str, *arguments: str) -> str:
    given = {_ENVIRONMENT[name]: str(value) for name, value in parameters.items() if name in _ENVIRONMENT and value}
    result = subprocess.run([program, *arguments], env=os.environ | given, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RestoreRefused(
            f"pg_restore failed: {result.stderr.strip()}\nNothing of the dump is in the database. Make it anew, run "
            "manage.py migrate, and restore again."
        )
    return result.stdout


def _scalar(connection: Connection, query: LiteralString) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
