"""`python -m bench.process ingest FILE` or `load`: one operation in a process of its own, from the start of Python."""

from __future__ import annotations

import sys
from pathlib import Path

import django


def main(operation: str, *arguments: str) -> None:
    """DATABASE_URL is the measures' database, which has the tables."""
    django.setup()
    # Django is set up by now: these modules import models.
    from lineage.connections import work_connection

    with work_connection("bench") as connection:
        if operation == "ingest":
            from bench.csv_to_bronze import SPEC
            from medallion.ingestion.ingest import ingest_file

            path = Path(arguments[0])
            ingest_file(connection, SPEC, path, root=path.parent)
        else:
            from bench.bronze_to_silver import by_load

            by_load(connection)


if __name__ == "__main__":
    main(*sys.argv[1:])
