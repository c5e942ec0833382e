"""How far a pull has come: a row, updated in the transaction that lands its page, so a page lands once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, LiteralString
from uuid import UUID

from medallion.ingestion.copying import Connection
from medallion.pulling.errors import BusyError
from medallion.sources import Pulled

#: What is asked for next, as the table of pulls keeps it; without secrets.
Request = dict[str, Any]

_INGEST: LiteralString = "SELECT dwh_etl.begin_ingestion(%s, %s, %s, in_batch_id => %s)"
# The page and the place where the pull goes on are one transaction: a page lands once, whatever dies.
_ADVANCE: LiteralString = """
    UPDATE dwh_lineage.pulls
    SET next_request = %(next)s, pages = %(to)s, rows = %(rows)s, highest = %(highest)s, checksum = %(checksum)s,
        state = CASE WHEN %(next)s::jsonb IS NULL THEN 'done' ELSE 'running' END,
        finished_at = CASE WHEN %(next)s::jsonb IS NULL THEN clock_timestamp() END, progressed_at = clock_timestamp()
    WHERE id = %(id)s AND pages = %(from)s
"""


@dataclass(frozen=True)
class Pull:
    """How far a pull has come: its pages and rows that have landed, what it has seen of `since`, and the request that
    is next (None: it is done). `checksum`: of all that it read, where it reads everything."""

    id: int
    pages: int
    rows: int
    highest: str | None
    next_request: Request | None
    checksum: str | None = None


Progress = Callable[[Pull], object]


def begin_page(
    connection: Connection, source: type[Pulled], target: str, what: str, after: Pull, run_id: UUID | None
) -> tuple[int, str]:
    """Begins the batch of a page; returns its number, and what the ledger calls it.

    Numbers have leading zeros: of equal times in a history the last name counts, and page 10 comes after page 9.
    """
    label = f"{what}, pull {after.id:08}, page {after.pages:06}"
    (batch_no,) = connection.execute(_INGEST, (target, source.name, label, run_id)).fetchone() or (0,)
    return batch_no, label


def advance(connection: Connection, source: type[Pulled], found: Pull, after: Pull) -> Pull:
    """Moves a pull forward, in the transaction of the page. Raises BusyError where somebody else has done so."""
    values = {
        "id": found.id, "from": found.pages, "to": after.pages, "rows": after.rows, "highest": after.highest,
        "checksum": after.checksum, "next": None if after.next_request is None else json.dumps(after.next_request),
    }  # fmt: skip
    if connection.execute(_ADVANCE, values).rowcount != 1:
        raise BusyError(f"{source.name}: another process went on with pull {found.id} meanwhile.")
    return after


def landed(after: Pull, rows: int) -> Pull:
    """A pull with so many rows more."""
    return replace(after, rows=after.rows + rows)
