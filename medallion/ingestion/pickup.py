"""Pickup: what is new in the folders of sources is ingested by itself, once, when nobody writes it any more."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import LiteralString

from django.conf import settings

from lineage.connections import work_connection
from medallion.ingestion.copying import Connection
from medallion.ingestion.errors import IngestionError
from medallion.ingestion.ingest import Failed, Ingested, ingest_file
from medallion.ingestion.receiving import State, record
from medallion.ingestion.spec import BronzeSpec
from medallion.models import ReceivedFile
from medallion.registry import warehouse

logger = logging.getLogger(__name__)

UPLOADS = "uploads"
SETTLED_SECONDS = 10.0
_LOCK: LiteralString = "SELECT pg_try_advisory_lock(5784296043)"  # "PICKU"


def pick_up() -> list[ReceivedFile]:
    """Looks at each source with `pickup = True`, ingests files that are new or have changed, and returns their records.

    A file is left for the next look until it has not changed between two looks, or for 10 seconds. One that failed is
    tried again when it has changed. Does nothing while another look is under way. Raises psycopg.OperationalError where
    the connection is lost; the next look goes on.
    """
    specs = [spec for spec in warehouse().bronze_specs.values() if spec.source.pickup]
    received: list[ReceivedFile] = []
    if not specs:
        return received
    # The lock is the session's, and so goes with the connection, or with the process.
    with work_connection("pickup") as connection:
        if connection.execute(_LOCK).fetchone() == (True,):
            for spec in specs:
                received += _look(connection, spec, Path(settings.ASSAY_DATA_ROOT))
    return received


def _look(connection: Connection, spec: BronzeSpec, root: Path) -> list[ReceivedFile]:
    known = {row.file: row for row in ReceivedFile.objects.filter(target=spec.target)}
    received = []
    for path in sorted(root.glob(spec.source.path)):
        name = path.relative_to(root).as_posix()
        # What was uploaded is ingested already, for the table that it was meant for.
        if path.is_dir() or (name.startswith(f"{UPLOADS}/") and not spec.source.path.startswith(f"{UPLOADS}/")):
            continue
        try:
            found = path.stat() if path.exists() else path.lstat()  # a link that leads nowhere is to be refused by name
        except FileNotFoundError:
            continue  # taken away since it was listed
        row = known.get(name)
        if row is None or row.state == State.GROWING or not _same(row, found):
            received.append(_receive(connection, spec, name, found, row, root))
    return received


def _receive(
    connection: Connection, spec: BronzeSpec, name: str, found: os.stat_result, row: ReceivedFile | None, root: Path
) -> ReceivedFile:
    if time.time() - found.st_mtime < SETTLED_SECONDS and not (row is not None and _same(row, found)):
        return record(spec.target, name, found, None)
    result: Ingested | Failed
    try:
        result = ingest_file(connection, spec, Path(name), root=root)
    except IngestionError as error:
        logger.warning("Pickup: %s", error)
        result = Failed(name, error)
    return record(spec.target, name, found, result)


def _same(row: ReceivedFile, found: os.stat_result) -> bool:
    return (row.size, row.modified_ns) == (found.st_size, found.st_mtime_ns)
