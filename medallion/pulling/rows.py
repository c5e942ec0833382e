"""Rows of another PostgreSQL: streamed from COPY to COPY, so that neither side's rows are ever held here."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg import sql

from medallion.ingestion.copying import Connection
from medallion.ingestion.targets import tables_of
from medallion.pulling.advancing import Progress, Pull, Request, advance, begin_page, landed
from medallion.pulling.errors import RefusedError, UnreachableError, refused_by_warehouse
from medallion.pulling.origin import Column, LostError, Origin, origin_of
from medallion.pulling.patience import pause
from medallion.sources import PostgresTable

_BLOCK = 256 * 1024
_COLUMNS: LiteralString = """
    SELECT c ->> 'name', coalesce(c -> 'headers' ->> 0, c ->> 'name')
    FROM dwh_lineage.targets AS t, jsonb_array_elements(t.contract -> 'columns') WITH ORDINALITY AS x (c, position)
    WHERE t.target = %s ORDER BY x.position
"""
_LAST_CHECKSUM: LiteralString = """
    SELECT p.checksum FROM dwh_lineage.pulls AS p WHERE p.source = %s AND p.state = 'done' ORDER BY p.id DESC LIMIT 1
"""
_FINISH: LiteralString = "SELECT dwh_etl.finish_ingestion(%s, %s)"
_ANY_KNOWN: LiteralString = "SELECT EXISTS (SELECT 1 FROM dwh_staging.pulled_rows AS k WHERE k.target = %s)"
_FORGET: LiteralString = "DELETE FROM dwh_staging.pulled_rows AS k WHERE k.target = %s AND k.pull <> %s"


def pull_rows(
    connection: Connection, source: type[PostgresTable], found: Pull, run_id: UUID | None, progress: Progress
) -> Pull:
    """Pulls what is left of a table's rows. A connection that is lost is made anew. Raises PullError."""
    attempt = 1
    while found.next_request is not None:
        try:
            with origin_of(source) as origin:
                landing = _Landing(connection, origin, run_id)
                for landed_so_far in landing.pages(found, found.next_request):
                    found, attempt = landed_so_far, 1
                    progress(found)
        except LostError as error:
            if attempt == source.attempts:
                raise UnreachableError(
                    f"{source.name}: its database could not be read in {attempt} attempts; the last: {error}. Pull "
                    "again when it answers: what has landed stays."
                ) from error
            time.sleep(pause(source, attempt))
            attempt += 1
    return found


class _Landing:
    """One snapshot's rows on their way into the one bronze table of their source."""

    def __init__(self, connection: Connection, origin: Origin, run_id: UUID | None) -> None:
        self.connection, self.origin, self.run_id = connection, origin, run_id
        self.source = origin.source
        targets = tables_of(connection, self.source)
        if len(targets) != 1:
            raise RefusedError(
                f"{self.source.name}: {len(targets)} installed bronze tables have it as their source, and it feeds "
                "one. Declare it, then makemigrations and migrate; a second table is a second source."
            )
        (self.target,) = targets
        found = connection.execute(_COLUMNS, (self.target,)).fetchall()
        self.names, self.headers = [name for name, _ in found], [header for _, header in found]
        self.relation = sql.Identifier(*f"{self.target}_rows".split("."))

    def pages(self, found: Pull, request: Request) -> Iterator[Pull]:
        """Lands page after page, and says after each how far it has come."""
        if self.source.cursor is None:
            yield self._in_one(found, lambda: self._everything(found))
            return
        *columns, cursor = self.origin.columns([*self.headers, self.source.cursor])
        # Where a pull goes on, the place of its first snapshot counts: who was at work then may be done only now.
        place = request["place"] or self.origin.place(cursor, found.highest)
        stream = _Stream(self.origin.rows(self._selected(columns, cursor, found.highest, request["after"], place)))
        while True:
            read = replace(found, highest=place)
            found = self._in_one(found, lambda read=read: self._page(read, stream, place))  # type: ignore[misc]
            yield found
            if found.next_request is None:
                return

    def _in_one(self, found: Pull, page: Callable[[], Pull]) -> Pull:
        """A page and the pull's place, in one transaction."""
        try:
            with self.connection.transaction():
                return advance(self.connection, self.source, found, page())
        except psycopg.Error as error:
            if self.connection.broken:
                raise
            raise refused_by_warehouse(self.source.name, f"rows of {self.source.what()}", error) from error

    def _everything(self, found: Pull) -> Pull:
        """All rows as one batch; none, where they are those of the last pull. Without rows there is no batch: an empty
        extract says nothing about which rows are gone."""
        columns = self.origin.columns(self.headers)
        query = sql.SQL("SELECT {} FROM {}").format(_list(c.read() for c in columns), self.origin.relation)
        digest, rows = hashlib.sha256(repr(self.headers).encode()), 0
        after = replace(found, pages=found.pages + 1, next_request=None)
        with self.connection.transaction() as undone:
            batch_no, _ = begin_page(self.connection, self.source, self.target, self.source.what(), after, self.run_id)
            copy_in = sql.SQL("COPY {} ({}) FROM STDIN").format(self.relation, _list(map(sql.Identifier, self.names)))
            with self.connection.cursor() as cursor, cursor.copy(copy_in) as copy:
                for block, count in _blocks(self.origin.rows(query)):
                    digest.update(block)
                    copy.write(block)
                    rows += count
            last = self.connection.execute(_LAST_CHECKSUM, (self.source.name,)).fetchone()
            after = replace(after, checksum=digest.hexdigest())
            if rows == 0 or (last is not None and last[0] == after.checksum):
                raise psycopg.Rollback(undone)
            self.connection.execute(_FINISH, (batch_no, rows))
            return landed(after, rows)
        return replace(after, pages=found.pages)

    def _selected(
        self, columns: list[Column], cursor: Column, since: str | None, after: str | None, place: str | None
    ) -> sql.Composable:
        """Rows in the order of the cursor. A row without a place in that order is read by every pull."""
        name = cursor.itself
        compared = "{} > {}" if after is not None else "{} >= {}"
        from_ = after if after is not None else since
        beyond = sql.SQL(compared).format(name, sql.Literal(from_)) if from_ is not None else sql.SQL("true")
        again = sql.SQL("{} >= {}").format(name, sql.Literal(place)) if place is not None else sql.SQL("true")
        return sql.SQL("SELECT {}::text, {} IS NULL OR {}, {} FROM {} WHERE {} OR {} IS NULL ORDER BY {}").format(
            name, name, again, _list(c.read() for c in columns), self.origin.relation, beyond, name, name
        )

    def _page(self, found: Pull, stream: _Stream, place: str | None) -> Pull:
        """Lands some rows: of those that the pull before may have read too, the ones that it has not."""
        named = _list(sql.SQL("{} text").format(sql.Identifier(name)) for name in self.names)
        self.connection.execute("DROP TABLE IF EXISTS pg_temp.pulled")
        self.connection.execute(
            sql.SQL(
                "CREATE TEMP TABLE pulled (_no bigint GENERATED ALWAYS AS IDENTITY, _cursor text, _again boolean, {}) "
                "ON COMMIT DROP"
            ).format(named)
        )
        columns = _list(map(sql.Identifier, self.names))
        copy_in = sql.SQL("COPY pg_temp.pulled (_cursor, _again, {}) FROM STDIN").format(columns)
        with self.connection.cursor() as cursor, cursor.copy(copy_in) as copy:
            for block, _ in _blocks(stream.page(self.source.page_rows)):
                copy.write(block)
        following = None if stream.waiting is None else {"after": stream.place, "place": place}
        after = replace(found, pages=found.pages + 1, next_request=following)
        rows = self._new_rows(after, columns)
        self._remember(after)
        return landed(after, rows) if rows else replace(after, pages=found.pages)

    def _new_rows(self, after: Pull, columns: sql.Composable) -> int:
        known = self.connection.execute(_ANY_KNOWN, (self.target,)).fetchone() == (True,)
        unknown = sql.SQL(
            "WHERE NOT EXISTS (SELECT 1 FROM dwh_staging.pulled_rows AS k WHERE k.target = {} AND k.digest = {})"
        ).format(sql.Literal(self.target), self._digest())
        with self.connection.transaction() as undone:
            batch_no, _ = begin_page(self.connection, self.source, self.target, self.source.what(), after, self.run_id)
            rows = self.connection.execute(
                sql.SQL("INSERT INTO {} ({}) SELECT {} FROM pg_temp.pulled AS p {} ORDER BY p._no").format(
                    self.relation, columns, columns, unknown if known else sql.SQL("")
                )
            ).rowcount
            if rows == 0:
                raise psycopg.Rollback(undone)
            self.connection.execute(_FINISH, (batch_no, rows))
            return rows
        return 0

    def _remember(self, after: Pull) -> None:
        """Keeps what the next pull will read again, and at the end of a pull nothing else."""
        self.connection.execute(
            sql.SQL(
                "INSERT INTO dwh_staging.pulled_rows (target, digest, pull) "
                "SELECT DISTINCT {}, {}, {} FROM pg_temp.pulled AS p WHERE p._again "
                "ON CONFLICT (target, digest) DO UPDATE SET pull = excluded.pull"
            ).format(sql.Literal(self.target), self._digest(), sql.Literal(after.id))
        )
        if after.next_request is None:
            self.connection.execute(_FORGET, (self.target, after.id))

    def _digest(self) -> sql.Composable:
        values = _list(sql.Identifier("p", name) for name in ("_cursor", *self.names))
        return sql.SQL("sha256(convert_to(ROW({})::text, 'UTF8'))").format(values)


class _Stream:
    """Rows in the order of their first field, in pieces that end where that changes."""

    def __init__(self, rows: Iterator[bytes]) -> None:
        self._rows = rows
        self.waiting = next(rows, None)
        self.place: str | None = None

    def page(self, most: int) -> Iterator[bytes]:
        """So many rows, and those behind them that have the last one's place too."""
        taken = 0
        while (row := self.waiting) is not None:
            if taken >= most and _first_field(row) != self.place:
                return
            taken += 1
            if taken >= most:
                self.place = _first_field(row)
            yield row
            self.waiting = next(self._rows, None)


def _first_field(row: bytes) -> str:
    return row.partition(b"\t")[0].decode()


def _blocks(rows: Iterator[bytes]) -> Iterator[tuple[bytes, int]]:
    """Rows together, with their number: to write each on its own would take longer than to read it."""
    together, size = list[bytes](), 0
    for row in rows:
        together.append(row)
        size += len(row)
        if size >= _BLOCK:
            yield b"".join(together), len(together)
            together, size = [], 0
    if together:
        yield b"".join(together), len(together)


def _list(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(list(parts))
