"""`manage.py watermark TABLE [--set TIME]`: shows how far a table has come, or moves it."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from lineage.watermarks import Bound, set_watermark

_SHOWN = """
    SELECT coalesce(nullif(watermark_value, '-infinity')::text, 'nothing yet'), waiting_batches, waiting_rows,
        (SELECT count(*) FROM dwh_lineage.skips AS k WHERE k.consumer = table_name)
    FROM dwh_lineage.watermarks WHERE table_name = %s
"""


class Command(BaseCommand):
    help = "Shows up to when a table has taken what its sources committed, or moves it: back to load again, on to skip."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("table", help="a table with its schema, as in silver.customers")
        parser.add_argument("--set", metavar="TIME", help="2026-03-31, 2026-03-31T14:05, start (all again) or end")
        parser.add_argument("--reason", default="", help="why; it is kept with the move")
        parser.add_argument("--by", metavar="NAME", default=getpass.getuser(), help="who asks for it (default: you)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["set"] is not None:
            try:
                move = set_watermark(options["table"], _moment(options["set"]), by=options["by"],
                                     reason=options["reason"])  # fmt: skip
            except DatabaseError as error:
                raise CommandError(_said(error)) from error
            became = "are skipped" if move.forward else "wait again"
            self.stdout.write(f"Moved: {move.batches:,} batches {became}.")
        with connection.cursor() as cursor:
            cursor.execute(_SHOWN, [options["table"]])
            row = cursor.fetchone()
        if row is None:
            raise CommandError(f"{options['table']} takes no batches, so it has no watermark. See the page Watermarks.")
        until, batches, rows, skipped = row
        self.stdout.write(f"{options['table']} has taken everything up to {until}.")
        self.stdout.write(f"{batches:,} batches wait ({rows or 0:,} rows), {skipped:,} are skipped.")


def _moment(given: str) -> datetime | Bound:
    """A time as typed; without a zone in that of the settings."""
    if given in ("start", "end"):
        return "-infinity" if given == "start" else "infinity"
    try:
        found = parse_datetime(given)
        if found is None and (day := parse_date(given)):
            found = datetime(day.year, day.month, day.day)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"“{given}” is no time. Times look like 2026-03-31T14:05, or are start or end.")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def _said(error: DatabaseError) -> str:
    diag = getattr(error.__cause__, "diag", None)
    return "\n".join(filter(None, (diag.message_primary, diag.message_hint))) if diag else str(error)
