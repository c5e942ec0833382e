"""Ingest files: each in one transaction with its batch, its bad lines and its edge of lineage, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import LiteralString
from uuid import UUID

import psycopg
from django.conf import settings

from medallion.ingestion.content import Advance, Content, open_content
from medallion.ingestion.copying import Connection, FileCopy
from medallion.ingestion.errors import DatabaseRefusedError, IngestionError
from medallion.ingestion.files import find, resolve
from medallion.ingestion.json_copy import JsonCopy
from medallion.ingestion.spec import BronzeSpec
from medallion.sources import JsonRecords

FILE_KNOWN = "AS011"

# Uses index batches_bytes_idx.
_SIZE_IS_KNOWN: LiteralString = """
    SELECT EXISTS (
        SELECT 1 FROM dwh_lineage.batches AS b
        WHERE b.target = %s AND b.source_bytes = %s AND b.kind = 'ingest'
    )
"""
_FIRST: LiteralString = """
    SELECT b.batch_no, b.source_file, b.rows_inserted, b.rows_rejected
    FROM dwh_lineage.batches AS b
    WHERE b.target = %(target)s AND b.source_checksum = %(checksum)s AND b.kind = 'ingest'
"""
_BEGIN: LiteralString = """
    SELECT dwh_etl.begin_ingestion(
        %(target)s, %(source)s, %(file)s, NULL, %(bytes)s::bigint, %(run_id)s::uuid
    )
"""
_FINISH: LiteralString = "SELECT dwh_etl.finish_ingestion(%s, %s, %s, %s)"


@dataclass(frozen=True)
class Ingested:
    """A file whose rows are in bronze. `skipped`: they were before, under the name `first_file`; the counts are those
    of that batch. `checksum` is the SHA-256 of the unpacked content, `bytes` the size of the file as it is stored."""

    batch_no: int
    rows: int
    unreadable: int
    skipped: bool
    file: str
    checksum: str
    bytes: int
    first_file: str | None = None


@dataclass(frozen=True)
class Failed:
    """A file of which nothing landed, and why."""

    file: str
    error: IngestionError


@dataclass(frozen=True)
class Reading:
    """How far a file has been read, in bytes as stored."""

    file: str
    done: int
    total: int


Event = Reading | Ingested | Failed
Progress = Callable[[Event], object]


def ingest_file(
    connection: Connection,
    spec: BronzeSpec,
    path: Path,
    run_id: UUID | None = None,
    *,
    root: Path | None = None,
    progress: Progress | None = None,
) -> Ingested:
    """Ingest one file, in one transaction of its own. `path` is absolute or relative to `root` (ASSAY_DATA_ROOT).

    `connection` is in autocommit, as lineage.connections.work_connection() opens it. A file with the content of one
    that was ingested before is skipped. Raises an IngestionError; nothing of the file has landed then. Raises
    psycopg.OperationalError where the connection is lost.
    """
    file = resolve(root or settings.ASSAY_DATA_ROOT, path)
    with open_content(file, spec.source) as content:
        advance = None if progress is None else partial(_tell, progress, content)
        copy = _copy_of(content, spec, advance)
        # A new file is read once: the checksum is taken while it is copied. That costs a copy in vain where it is the
        # packed twin of one that is known, and nothing where it has the size of one, as the same file has.
        if _size_is_known(connection, spec, content) and (known := _known(connection, spec, content)):
            return known
        try:
            with connection.transaction():
                return _land(connection, copy, run_id)
        except psycopg.Error as error:
            if connection.broken:
                raise
            if error.diag.sqlstate == FILE_KNOWN and (known := _known(connection, spec, content)):
                return known  # under another size, or another ingestion of it has committed meanwhile
            raise _refused(file.name, error) from error


def ingest_source(
    connection: Connection,
    spec: BronzeSpec,
    paths: Sequence[Path] | None = None,
    progress: Progress | None = None,
    *,
    run_id: UUID | None = None,
    root: Path | None = None,
) -> list[Ingested | Failed]:
    """Ingest the named files, or those that match the source's glob, in order of name, each on its own.

    One that fails does not stop the others. `progress` hears of every block read and of every file's end. Raises
    FileMissingError where nothing matches the glob, psycopg.OperationalError where the connection is lost.
    """
    root = root or settings.ASSAY_DATA_ROOT
    results: list[Ingested | Failed] = []
    for path in find(root, spec.source) if paths is None else paths:
        result: Ingested | Failed
        try:
            result = ingest_file(connection, spec, path, run_id, root=root, progress=progress)
        except IngestionError as error:
            result = Failed(str(path), error)
        results.append(result)
        if progress is not None:
            progress(result)
    return results


def _copy_of(content: Content, spec: BronzeSpec, advance: Advance | None) -> FileCopy | JsonCopy:
    kind = JsonCopy if issubclass(spec.source, JsonRecords) else FileCopy
    return kind(content, spec, advance)


def _land(connection: Connection, copy: FileCopy | JsonCopy, run_id: UUID | None) -> Ingested:
    spec, content = copy.spec, copy.content
    begin = {
        "target": spec.target,
        "source": spec.source.name,
        "file": copy.file,
        "bytes": content.stored_bytes,
        "run_id": run_id,
    }
    row = connection.execute(_BEGIN, begin).fetchone()
    batch_no = int(row[0]) if row else 0
    copied = copy.into(connection, batch_no)
    checksum = content.checksum()
    content.check_unchanged()
    connection.execute(_FINISH, (batch_no, copied.rows, copied.unreadable, checksum))
    return Ingested(batch_no, copied.rows, copied.unreadable, False, copy.file, checksum, content.stored_bytes)


def _size_is_known(connection: Connection, spec: BronzeSpec, content: Content) -> bool:
    row = connection.execute(_SIZE_IS_KNOWN, (spec.target, content.stored_bytes)).fetchone()
    return row is not None and bool(row[0])


def _known(connection: Connection, spec: BronzeSpec, content: Content) -> Ingested | None:
    """The ingestion that brought this content before, if any."""
    checksum = content.checksum()
    row = connection.execute(_FIRST, {"target": spec.target, "checksum": checksum}).fetchone()
    if row is None:
        return None
    batch_no, first_file, rows, unreadable = row
    return Ingested(batch_no, rows, unreadable, True, content.file.name, checksum, content.stored_bytes, first_file)


def _tell(progress: Progress, content: Content, done: int) -> None:
    progress(Reading(content.file.name, done, content.stored_bytes))


def _refused(file: str, error: psycopg.Error) -> DatabaseRefusedError:
    """PostgreSQL's words, with what it advises."""
    parts = (error.diag.message_primary or str(error), error.diag.message_detail, error.diag.message_hint)
    return DatabaseRefusedError(f"{file}: PostgreSQL refused it: {' '.join(part for part in parts if part)}")
