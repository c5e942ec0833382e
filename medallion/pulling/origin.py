"""The database that rows are pulled from: one read-only snapshot of it, and what it says where it cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from medallion.ingestion.copying import Connection
from medallion.pulling.errors import RefusedError, words_of
from medallion.pulling.patience import filled
from medallion.sources import PostgresTable

_TIMES = {"timestamp without time zone", "timestamp with time zone", "date"}
_NUMBERS = {"smallint", "integer", "bigint", "numeric"}

# Asked before the snapshot is taken: who is at work then and is not seen here began later than now.
_OLDEST: LiteralString = """
    SELECT least(clock_timestamp(), min(a.xact_start))
    FROM pg_stat_activity AS a
    WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
        AND a.backend_type NOT IN ('autovacuum worker', 'walsender')
"""
# For this transaction only, so that a pooler's next client finds its session as it was. Texts then look alike whatever
# the server's settings, and two whole reads of what has not changed are the same.
_SETTINGS: LiteralString = """
    SELECT set_config(name, value, true)
    FROM (VALUES ('datestyle', 'ISO, YMD'), ('timezone', 'UTC'), ('intervalstyle', 'iso_8601'), ('bytea_output', 'hex'),
        ('extra_float_digits', '1'), ('synchronize_seqscans', 'off'), ('max_parallel_workers_per_gather', '0'),
        ('lock_timeout', %s)) AS s (name, value)
"""
_KINDS: LiteralString = """
    SELECT t.oid::bigint, format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL), t.typcategory
    FROM pg_type AS t WHERE t.oid = ANY (%s)
"""
#: What passes by itself: a lost connection, a server that stops or starts, a standby that had to cancel a query.
_PASSING = (
    psycopg.OperationalError,
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
)
_HINTS = {
    "42P01": "Correct table or query of the source.",
    "3F000": "Correct table or query of the source.",
    "42703": "Correct the columns of its bronze table, or cursor of the source.",
    "42501": "Give the user that url names the right to read it: GRANT USAGE ON SCHEMA …, GRANT SELECT ON ….",
    "55P03": "Something there holds a lock on it; pull again when it has ended.",
    "57014": "A time limit of that server ended it; set statement_timeout of the user that url names.",
}


class LostError(Exception):
    """The database does not answer, or not any more: what can be tried again."""


@dataclass(frozen=True)
class Column:
    """A column as it is read: its name there, and the SQL that reads it."""

    name: str
    kind: str
    category: str

    @property
    def itself(self) -> sql.Composable:
        """The column as SQL names it. Not by its bare name, which in ORDER BY would be that of a text."""
        return sql.Identifier("pulled", self.name)

    def read(self) -> sql.Composable:
        """Its value as text that can be read again: no sign of a currency, and lists as JSON."""
        name = self.itself
        if self.kind == "money":
            return sql.SQL("{}::numeric").format(name)
        return sql.SQL("to_json({})").format(name) if self.category == "A" else name


class Origin:
    """A snapshot of the database of a source. Raises LostError where that is lost, RefusedError where it says no."""

    def __init__(self, source: type[PostgresTable], connection: Connection, oldest: Any) -> None:
        self.source, self.connection, self.oldest = source, connection, oldest
        self.relation = self._relation()

    def columns(self, names: Sequence[str]) -> list[Column]:
        """The columns of these names, with what the server says of their types."""
        listed = sql.SQL(", ").join(map(sql.Identifier, names))
        query = sql.SQL("SELECT {} FROM {} LIMIT 0").format(listed, self.relation)
        with said_by(self.source):
            described = self.connection.execute(query).description or []
            found = self.connection.execute(_KINDS, ([column.type_code for column in described],)).fetchall()
        kinds = {oid: (kind, category) for oid, kind, category in found}
        return [Column(name, *kinds[column.type_code]) for name, column in zip(names, described, strict=True)]

    def place(self, cursor: Column, known: str | None) -> str | None:
        """Where the next pull begins: before the last value by the overlap, and by the age of the oldest transaction
        that may still bring rows of an earlier time. A time to come counts as now."""
        name, overlap = cursor.itself, self.source.overlap
        if cursor.kind in _TIMES and not isinstance(overlap, int):
            until = sql.SQL(
                "least(max({}), CASE WHEN max({}) IS NOT NULL THEN clock_timestamp() END) "
                "- greatest(clock_timestamp() - {}::timestamptz, '0') - {}::interval"
            ).format(name, name, sql.Literal(self.oldest), sql.Literal(overlap))
        elif cursor.kind in _NUMBERS and isinstance(overlap, int):
            until = sql.SQL("max({}) - {}").format(name, sql.Literal(overlap))
        else:
            raise RefusedError(
                f"{self.source.name}: its cursor {cursor.name} is {cursor.kind}, and its overlap {overlap!r}. A "
                "cursor is a time, with a timedelta as overlap, or a number, with a whole number."
            )
        kind = sql.SQL(cursor.kind)  # one of the words above
        query = sql.SQL("SELECT greatest(({})::{}, {}::{})::text FROM {}").format(
            until, kind, sql.Literal(known), kind, self.relation
        )
        with said_by(self.source):
            found = self.connection.execute(query).fetchone()
        return found[0] if found is not None and isinstance(found[0], str) else None

    def rows(self, selected: sql.Composable) -> Iterator[bytes]:
        """Rows in COPY's text form, one after the other, as the server sends them."""
        with (
            said_by(self.source),
            self.connection.cursor() as cursor,
            cursor.copy(sql.SQL("COPY ({}) TO STDOUT").format(selected)) as copy,
        ):
            for row in copy:
                yield bytes(row)

    def _relation(self) -> sql.Composable:
        if self.source.query is not None:
            # The line break ends a comment in the query's last line.
            query = self.source.query.strip().rstrip(";")
            return sql.SQL("({}\n) AS pulled").format(sql.SQL(query))
        found = self.connection.execute("SELECT to_regclass(%s)::text", (self.source.table,)).fetchone()
        if found is None or found[0] is None:
            raise RefusedError(
                f"{self.source.name}: {_where(self.connection)} has no table {self.source.table}. Correct table of the "
                'source: schema and name as SQL spells them, as in "data.customers".'
            )
        return sql.SQL("{} AS pulled").format(sql.SQL(found[0]))


@contextmanager
def origin_of(source: type[PostgresTable]) -> Iterator[Origin]:
    """A connection in a read-only transaction that sees one moment, for as long as the block lasts."""
    url = filled(source, "url", {"url": source.url})["url"]
    with said_by(source):
        connection = _connect(source, url)
    try:
        with said_by(source):
            (oldest,) = connection.execute(_OLDEST).fetchone() or (None,)
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            connection.execute(_SETTINGS, (f"{round(source.timeout * 1000)}ms",))
            origin = Origin(source, connection, oldest)
        yield origin
    finally:
        connection.close()


def _connect(source: type[PostgresTable], url: str) -> Connection:
    seconds = max(2, round(source.timeout))
    try:
        if not str(conninfo_to_dict(url).get("port", "0")).isdecimal():
            raise psycopg.ProgrammingError("the port is no number")
        return psycopg.connect(
            url, autocommit=True, prepare_threshold=None, client_encoding="utf8", connect_timeout=seconds,
            application_name=f"assay pull {source.name}", keepalives_idle=seconds, keepalives_interval=5,
            keepalives_count=3, tcp_user_timeout=seconds * 1000,
        )  # fmt: skip
    except psycopg.ProgrammingError as error:
        # libpq's words may have a part of the URL in them, and that a password.
        raise RefusedError(
            f"{source.name}: url, with its environment variables in it, is no connection string. A password in a URL "
            "needs % and two digits in place of signs like @ and /."
        ) from error


@contextmanager
def said_by(source: type[PostgresTable]) -> Iterator[None]:
    """Turns the errors of the source's server into LostError or RefusedError."""
    try:
        yield
    except psycopg.Error as error:
        state = error.sqlstate or ""
        if isinstance(error, _PASSING) and state not in _HINTS:
            raise LostError(words_of(error)) from error
        hint = _HINTS.get(state, "Correct the source.")
        raise RefusedError(f"{source.name}: reading {source.what()} was refused: {words_of(error)} {hint}") from error


def _where(connection: Connection) -> str:
    return f"the database {connection.info.dbname} on {connection.info.host or 'this machine'}"
