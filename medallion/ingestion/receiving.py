"""What became of a file that came by itself or by upload: a row that people see."""

from __future__ import annotations

import os

from django.db.models.functions import Now

from medallion.ingestion.errors import FileChangedError
from medallion.ingestion.ingest import Failed, Ingested
from medallion.models import ReceivedFile

State = ReceivedFile.State


def record(
    target: str, file: str, found: os.stat_result, result: Ingested | Failed | None, by: str = ""
) -> ReceivedFile:
    """Writes the row of a file, anew or over the one of an earlier look. Without a result it is still growing."""
    values = {
        "size": found.st_size, "modified_ns": found.st_mtime_ns, "uploaded_by": by, "state": State.GROWING,
        "batch_no": None, "rows": None, "unreadable": None, "error": "",
    }  # fmt: skip
    if isinstance(result, Ingested):
        values |= {"state": State.SKIPPED if result.skipped else State.INGESTED, "batch_no": result.batch_no,
                   "rows": result.rows, "unreadable": result.unreadable}  # fmt: skip
    elif isinstance(result, Failed) and not isinstance(result.error, FileChangedError):
        values |= {"state": State.FAILED, "error": str(result.error)}
    received, is_new = ReceivedFile.objects.update_or_create(target=target, file=file, defaults=values)
    if not is_new:
        ReceivedFile.objects.filter(pk=received.pk).update(seen_at=Now())
    return received
