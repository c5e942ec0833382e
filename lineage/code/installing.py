"""After a migration: the lineage of what it has installed."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction


def read_what_is_installed(**signal: Any) -> None:
    """Reads the lineage of routines and views that are new, where the tables for it are there.

    A receiver of `post_migrate`, which Django sends after a flush, too: then the code is as it was.
    """
    if "plan" not in signal:
        return
    # Late: sqlglot takes a moment to import, and most commands do not migrate.
    from lineage.code.record import record_lineage

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('dwh_lineage.code_versions') IS NOT NULL")
        if cursor.fetchone() == (True,):  # not so when migrated backward, or not yet so far
            record_lineage(cursor)
