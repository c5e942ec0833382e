"""Moving a watermark by hand: back, to load again; forward, to skip."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.db import connection, transaction

from lineage.models import WatermarkMove

#: Before everything, and after all that waits.
Bound = Literal["-infinity", "infinity"]


def set_watermark(table: str, to: datetime | Bound, *, by: str, reason: str = "") -> WatermarkMove:
    """Moves the watermark of a table to a moment of the ledger, and returns the record of it.

    Back: the batches that its sources committed since then wait again, and skips of them are undone. Forward: what
    waits up to then is left out, until the watermark is moved back over it. Waits for a load of the table that is under
    way.
    Raises django.db.DatabaseError (AS010: no such consumer; AS041: a gold table, which cannot leave anything out).
    """
    with transaction.atomic(), connection.cursor() as cursor:
        value = to if isinstance(to, str) else to.isoformat()
        cursor.execute(
            "CALL dwh_etl.set_watermark(%s, '_ingested_at', %s::timestamptz, %s, %s)", [table, value, reason, by]
        )
        return WatermarkMove.objects.filter(target=table).latest("id")
