"""Which bronze tables a source feeds, as they are installed."""

from __future__ import annotations

from typing import LiteralString

from medallion.ingestion.copying import Connection
from medallion.sources import Source

_TABLES: LiteralString = """
    SELECT t.target FROM dwh_lineage.targets AS t
    WHERE t.layer = 'bronze' AND t.contract -> 'source' ->> 'name' = %s ORDER BY t.target
"""


def tables_of(connection: Connection, source: type[Source]) -> list[str]:
    """The bronze tables of a source."""
    return [target for (target,) in connection.execute(_TABLES, (source.name,)).fetchall()]
