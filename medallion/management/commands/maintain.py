"""`manage.py maintain`: what beat asks for every hour, now."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from medallion.maintenance import maintain, vacuum


class Command(BaseCommand):
    help = (
        "Makes partitions ahead, summarises indexes, turns calendars to today and drops what is past its retention; "
        "beat does it every hour."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--by", metavar="NAME", default=getpass.getuser(), help="who asks for it (default: you)")
        parser.add_argument("--vacuum", action="store_true", help="also VACUUM (ANALYZE) of silver and gold tables")

    def handle(self, *args: Any, **options: Any) -> None:
        for table in maintain(options["by"]):
            self.stdout.write(f"{table.target}: {table.partitions} partitions made.")
            for past in table.past_retention:
                done = f"waits for {past.waits_for}" if past.waits_for else f"dropped, {past.dropped:,} rows"
                self.stdout.write(f"  {past.month}, past its retention: {done}.")
        for name in vacuum() if options["vacuum"] else ():
            self.stdout.write(f"{name}: vacuumed and analyzed.")
