"""`make bench`: measures Assay against the limit of this machine and prints the ratios.

A database of its own (assay_bench) on the server of DATABASE_URL, or on the embedded one, dropped at the end.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / name) for name in ("platform", "examples", ".")]

from assay import servers  # noqa: E402 - the source roots first, as in manage.py

DATABASE = "assay_bench"
REDIS_DATABASE = 15
MEASURES = ("bronze", "silver", "gold", "growth", "replays", "steps", "ticks", "upstream")


def main() -> None:
    """Makes the database, measures, prints, drops the database."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the silver measures (1,000,000)")
    parser.add_argument("--tries", type=int, default=3, help="measurements of each; the median counts (3)")
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=MEASURES, help="some of the measures (all)")
    parser.add_argument("--grown", type=int, default=1_000_000, help="lines of the largest star of growth (1,000,000)")
    options = parser.parse_args()
    servers.ensure()
    home = os.environ["DATABASE_URL"]
    parts = urlsplit(home)
    # urlunsplit would lose the slashes of an address without a host.
    url = f"{parts.scheme}://{parts.netloc}/{DATABASE}?{parts.query}".rstrip("?")
    os.environ["REDIS_URL"] = _own_redis(os.environ["REDIS_URL"])
    os.environ.update(DATABASE_URL=url, DJANGO_SETTINGS_MODULE="assay.settings")
    with closing(psycopg.connect(home, autocommit=True)) as server:
        server.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        server.execute(f"CREATE DATABASE {DATABASE}")
        try:
            _measure(url, options.rows, options.tries, options.grown, options.only)
        finally:
            server.execute(f"DROP DATABASE {DATABASE}")


def _own_redis(url: str) -> str:
    """A database of that Redis for the measures alone: another worker would take their messages."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}?db={REDIS_DATABASE}"
    return f"{parts.scheme}://{parts.netloc}/{REDIS_DATABASE}"


def _measure(url: str, rows: int, tries: int, grown: int, only: Sequence[str]) -> None:
    import django
    from django.core.management import call_command
    from django.db import connections

    django.setup()
    call_command("migrate", verbosity=0)
    connections.close_all()
    # Django is set up by now: these modules import models.
    from bench import bronze_to_silver, csv_to_bronze, growth, replays, silver_to_gold, steps, ticks, upstream
    from bench.report import Row, table

    measures: dict[str, Callable[[], list[Row]]] = {
        "bronze": lambda: csv_to_bronze.run(url, tries=tries),
        "silver": lambda: bronze_to_silver.run(url, size=rows, tries=tries),
        "gold": lambda: silver_to_gold.run(url, size=rows, tries=tries),
        "growth": lambda: growth.run(url, largest=grown, tries=tries),
        "replays": lambda: replays.run(url, exceptions=rows // 10, tries=tries),
        "steps": lambda: steps.run(url, tries=tries),
        "ticks": lambda: ticks.run(url, tries=tries),
        "upstream": lambda: upstream.run(url, tries=tries),
    }
    found: list[Row] = []
    try:
        for name in MEASURES:
            if name in only:
                found += measures[name]()
    finally:
        connections.close_all()  # or the database could not be dropped
    print(table(found))


if __name__ == "__main__":
    main()
