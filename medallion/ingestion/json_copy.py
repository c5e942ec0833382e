"""JSON into a bronze table: records go to PostgreSQL as text, and there become rows, a declared path for each column.

What is no JSON object, or has no list where the table's rows should be, is kept beside the rows, as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import LiteralString

from psycopg import sql

from medallion.ingestion.content import Advance, Content
from medallion.ingestion.copying import Connection, Copied, check_rows, keep_bad_lines
from medallion.ingestion.encoding import Encoding, detect
from medallion.ingestion.json_records import document, lines
from medallion.ingestion.records import Record
from medallion.ingestion.spec import BronzeColumn, BronzeSpec
from medallion.sources import JsonFiles, json_path

_ARRIVING: LiteralString = """
    DROP TABLE IF EXISTS pg_temp.arriving;
    CREATE TEMP TABLE arriving (record_no bigint NOT NULL, line_no bigint NOT NULL, raw text NOT NULL) ON COMMIT DROP
"""
_COPY: LiteralString = "COPY pg_temp.arriving (record_no, line_no, raw) FROM STDIN"
_KEEP_BAD: LiteralString = """
    INSERT INTO dwh_lineage.unreadable_lines (batch_no, record_no, line_no, raw, reason)
    SELECT %s, j.record_no, j.line_no, convert_to(j.raw, 'UTF8'), j.reason
    FROM (SELECT a.*, dwh_etl.json_fault(a.raw, %s) AS reason FROM pg_temp.arriving AS a OFFSET 0) AS j
    WHERE j.reason IS NOT NULL
"""
_DROP_BAD: LiteralString = "DELETE FROM pg_temp.arriving AS a WHERE dwh_etl.json_fault(a.raw, %s) IS NOT NULL"


class JsonCopy:
    """One JSON file on its way into one bronze table.

    Raises EmptyFileError, DamagedFileError, RecordsMissingError, FileTooLargeError.
    """

    def __init__(self, content: Content, spec: BronzeSpec, advance: Advance | None = None) -> None:
        self.content, self.spec, self.advance = content, spec, advance
        self.file = content.file.name

    def into(self, connection: Connection, batch_no: int) -> Copied:
        """Write the rows of `batch_no`, in a transaction of the caller's."""
        blocks = self.content.blocks(self.advance)
        first = next(blocks, b"")
        encoding = detect(first, self.spec.source.encoding)
        arrived = self._records(encoding.to_utf8(chain([first], blocks)), encoding)
        unreadable = self._arrive(connection, batch_no, arrived, encoding)
        copied = rows_of_arriving(connection, self.spec, batch_no)
        check_rows(self.file, self.spec.source, copied.rows)
        return Copied(copied.rows, copied.unreadable + unreadable)

    def _records(self, blocks: Iterator[bytes], encoding: Encoding) -> Iterator[list[Record]]:
        if issubclass(self.spec.source, JsonFiles):
            return document(blocks, self.file, encoding.name, json_path(self.spec.source.records))
        return lines(blocks, self.file, encoding.name)

    def _arrive(
        self, connection: Connection, batch_no: int, arrived: Iterable[list[Record]], encoding: Encoding
    ) -> int:
        """Puts the records where SQL finds them; returns how many are no text, which are kept at once."""
        records = unreadable = 0
        connection.execute(_ARRIVING)
        for together in arrived:
            records += len(together)
            check_rows(self.file, self.spec.source, records)
            bad = [record for record in together if record.reason is not None]
            with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
                for record in together:
                    if record.reason is None:
                        copy.write_row((record.number, record.line, record.raw.decode()))
            if bad:
                keep_bad_lines(connection, batch_no, bad, encoding)
            unreadable += len(bad)
        return unreadable


def rows_of_arriving(connection: Connection, spec: BronzeSpec, batch_no: int) -> Copied:
    """Makes rows of the records in pg_temp.arriving (record_no, line_no, raw), in their order; keeps the bad ones."""
    path = None if spec.explode is None else json_path(spec.explode)
    unreadable = connection.execute(_KEEP_BAD, (batch_no, path)).rowcount
    if unreadable:
        connection.execute(_DROP_BAD, (path,))
    rows = connection.execute(_insert(spec), {"path": path}).rowcount
    return Copied(rows, unreadable)


def _insert(spec: BronzeSpec) -> sql.Composed:
    exploded: LiteralString = (
        "CROSS JOIN LATERAL jsonb_array_elements("
        "CASE WHEN jsonb_typeof(r.record #> %(path)s::text[]) = 'array' THEN r.record #> %(path)s::text[] END"
        ") WITH ORDINALITY AS e (item, position)"
    )
    each: LiteralString = "CROSS JOIN LATERAL (SELECT r.record AS item, 1 AS position) AS e"
    return sql.SQL(
        "INSERT INTO {rows} ({names}, _raw_payload) SELECT {values}, e.item "
        # OFFSET 0: each record is read once, not once for each column.
        "FROM (SELECT a.record_no, a.raw::jsonb AS record FROM pg_temp.arriving AS a OFFSET 0) AS r {each} "
        "ORDER BY r.record_no, e.position"
    ).format(
        rows=sql.Identifier(*spec.rows_relation.split(".", 1)),
        names=sql.SQL(", ").join(sql.Identifier(column.name) for column in spec.columns),
        values=sql.SQL(", ").join(map(_value, spec.columns)),
        each=sql.SQL(each if spec.explode is None else exploded),
    )


def _value(column: BronzeColumn) -> sql.Composed:
    """The text at the first of the column's paths that leads to a value. `^`: from the record around an element."""
    found = []
    for path in column.aliases or (column.name,):
        inside = not path.startswith("^")
        keys = json_path(path if inside else path[1:].removeprefix("."))
        found.append(sql.SQL("{} #>> {}").format(sql.SQL("e.item" if inside else "r.record"), sql.Literal(keys)))
    return sql.SQL("coalesce({})").format(sql.SQL(", ").join(found))
