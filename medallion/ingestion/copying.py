"""Rows into a bronze table by COPY: as the file stands, or, where it cannot be taken so, record by record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from medallion.ingestion.content import Advance, Content
from medallion.ingestion.encoding import Encoding, detect
from medallion.ingestion.errors import FileTooLargeError
from medallion.ingestion.header import Layout, read_layout
from medallion.ingestion.records import Record, RecordReader
from medallion.ingestion.spec import BronzeSpec
from medallion.ingestion.suspicion import Inspector, Suspicion
from medallion.sources import Files

Connection = psycopg.Connection[TupleRow]

# What COPY says of text that is no CSV of this width or no UTF-8, or of a line beyond its memory.
_BAD_TEXT = (
    psycopg.errors.BadCopyFileFormat,
    psycopg.errors.CharacterNotInRepertoire,
    psycopg.errors.UntranslatableCharacter,
    psycopg.errors.ProgramLimitExceeded,
)
_COPY_BAD_LINES: LiteralString = (
    "COPY dwh_lineage.unreadable_lines (batch_no, record_no, line_no, raw, reason) FROM STDIN"
)


@dataclass(frozen=True)
class Copied:
    """How many records of a file became rows, and how many were kept as lines that are not CSV."""

    rows: int
    unreadable: int


def check_rows(file: str, source: type[Files], records: int) -> None:
    """Raises FileTooLargeError where a file has more records than its source allows."""
    if records > source.max_rows:
        raise FileTooLargeError(
            f"{file} has more than {source.max_rows:,} rows. If that is right, raise max_rows of the source "
            f"{source.__name__}."
        )


class FileCopy:
    """One CSV file on its way into one bronze table. The header is read before the database is asked.

    Raises HeaderError, EmptyFileError, DamagedFileError, FileTooLargeError.
    """

    def __init__(self, content: Content, spec: BronzeSpec, advance: Advance | None = None) -> None:
        self.content, self.spec, self.advance = content, spec, advance
        self.file = content.file.name
        self.encoding, self.layout, _ = self._open()

    def into(self, connection: Connection, batch_no: int) -> Copied:
        """Write the rows of `batch_no`, in a transaction of the caller's."""
        if self.layout.extras:
            return self._record_by_record(connection, batch_no)
        try:
            with connection.transaction():
                return Copied(self._as_it_stands(connection), 0)
        except (Suspicion, *_BAD_TEXT):
            return self._record_by_record(connection, batch_no)

    def _open(self) -> tuple[Encoding, Layout, Iterator[bytes]]:
        """Start to read the file: its encoding, its header, and the UTF-8 after it."""
        blocks = self.content.blocks(self.advance)
        first = next(blocks, b"")
        encoding = detect(first, self.spec.source.encoding)
        layout, rest = read_layout(encoding.to_utf8(chain([first], blocks)), self.file, self.spec)
        return encoding, layout, rest

    def _as_it_stands(self, connection: Connection) -> int:
        inspector, lines = Inspector(self.layout.dialect), 0
        _, _, blocks = self._open()
        with connection.cursor() as cursor:
            with cursor.copy(self._statement()) as copy:
                for block in blocks:
                    inspector.inspect(block)
                    lines += block.count(self.layout.dialect.newline)
                    if lines > self.spec.source.max_rows:
                        raise Suspicion  # too many records, or cells with line breaks: only who reads them can tell
                    copy.write(block)
                inspector.finish()
            self._check_rows(cursor.rowcount)
            return cursor.rowcount

    def _record_by_record(self, connection: Connection, batch_no: int) -> Copied:
        encoding, layout, blocks = self._open()
        reader = RecordReader(layout, self.file, encoding.name)
        shape = _Shape(layout, reader)
        rows = unreadable = 0
        for records in reader.read(blocks):
            self._check_rows(rows + unreadable + len(records))
            good = [shape.row(record.raw) for record in records if record.reason is None]
            bad = [record for record in records if record.reason is not None]
            if good:
                with connection.cursor() as cursor, cursor.copy(self._statement()) as copy:
                    copy.write(b"\n".join([*good, b""]))
            if bad:
                keep_bad_lines(connection, batch_no, bad, encoding)
            rows, unreadable = rows + len(good), unreadable + len(bad)
        return Copied(rows, unreadable)

    def _check_rows(self, records: int) -> None:
        check_rows(self.file, self.spec.source, records)

    def _statement(self) -> sql.Composed:
        names = [name for _, name in self.layout.columns] + ["_extra"] * bool(self.layout.extras)
        return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, DELIMITER {}, QUOTE {}, ENCODING 'UTF8')").format(
            sql.Identifier(*self.spec.rows_relation.split(".", 1)),
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.Literal(self.layout.dialect.delimiter.decode()),
            sql.Literal(self.layout.dialect.quote.decode()),
        )


class _Shape:
    """Turns a record of the file into a record of COPY."""

    def __init__(self, layout: Layout, reader: RecordReader) -> None:
        self.layout, self.dialect, self.grammar = layout, layout.dialect, reader.grammar

    def row(self, raw: bytes) -> bytes:
        """The record as it stands; with columns nobody declared, those as one JSON object behind the others."""
        if not self.layout.extras:
            # Alone in its line this would end the data, before PostgreSQL 18.
            return self._quoted(raw) if raw == b"\\." else raw
        cells = self.grammar.cells(raw)
        extra = {name: self.grammar.value(cells[position]) for position, name in self.layout.extras}
        declared = [cells[position] for position, _ in self.layout.columns]
        return self.dialect.delimiter.join([*declared, self._quoted(json.dumps(extra, ensure_ascii=False).encode())])

    def _quoted(self, text: bytes) -> bytes:
        quote = self.dialect.quote
        return quote + text.replace(quote, quote * 2) + quote


def keep_bad_lines(connection: Connection, batch_no: int, bad: list[Record], encoding: Encoding) -> None:
    """Keep records that cannot become rows, as they stand in the file."""
    with connection.cursor() as cursor, cursor.copy(_COPY_BAD_LINES) as copy:
        for record in bad:
            copy.write_row((batch_no, record.number, record.line, encoding.original(record.raw), record.reason))
