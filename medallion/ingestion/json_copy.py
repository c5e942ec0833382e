"""JSON into a bronze table: records go to PostgreSQL as text; there the table's `land` routine makes rows of them."""

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
from medallion.ingestion.spec import BronzeSpec
from medallion.sources import JsonFiles, json_path

_ARRIVING: LiteralString = """
    DROP TABLE IF EXISTS pg_temp.arriving;
    CREATE TEMP TABLE arriving (record_no bigint NOT NULL, line_no bigint NOT NULL, raw text NOT NULL) ON COMMIT DROP
"""
_COPY: LiteralString = "COPY pg_temp.arriving (record_no, line_no, raw) FROM STDIN"


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
        records = self._counted(self._records(encoding.to_utf8(chain([first], blocks)), encoding))
        copied = land(connection, self.spec.target, batch_no, records, encoding)
        check_rows(self.file, self.spec.source, copied.rows)
        return copied

    def _records(self, blocks: Iterator[bytes], encoding: Encoding) -> Iterator[list[Record]]:
        if issubclass(self.spec.source, JsonFiles):
            return document(blocks, self.file, encoding.name, json_path(self.spec.source.records))
        return lines(blocks, self.file, encoding.name)

    def _counted(self, records: Iterable[list[Record]]) -> Iterator[list[Record]]:
        count = 0
        for together in records:
            count += len(together)
            check_rows(self.file, self.spec.source, count)
            yield together


def land(
    connection: Connection, target: str, batch_no: int, records: Iterable[list[Record]], encoding: Encoding
) -> Copied:
    """Makes rows of records for a batch that this transaction has begun; what is no record is kept as it stands."""
    no_text = 0
    connection.execute(_ARRIVING)
    for together in records:
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            for record in together:
                if record.reason is None:
                    copy.write_row((record.number, record.line, record.raw.decode()))
        if bad := [record for record in together if record.reason is not None]:
            keep_bad_lines(connection, batch_no, bad, encoding)
            no_text += len(bad)
    routine = sql.Identifier("dwh_etl", f"land_{target.replace('.', '_')}")
    rows, unreadable = connection.execute(
        sql.SQL("CALL {}(%s, NULL, NULL)").format(routine), (batch_no,)
    ).fetchone() or (0, 0)
    return Copied(rows, no_text + unreadable)
