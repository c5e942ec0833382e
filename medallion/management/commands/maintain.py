"""`manage.py maintain`: what beat asks for every hour, now."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from medallion.maintenance import maintain


class Command(BaseCommand):
    help = (
        "Makes the partitions of bronze tables ahead, summarises their indexes and drops what is past its retention; "
        "beat does it every hour."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--by", metavar="NAME", default=getpass.getuser(), help="who asks for it (default: you)")

    def handle(self, *args: Any, **options: Any) -> None:
        for table in maintain(options["by"]):
            self.stdout.write(f"{table.target}: {table.partitions} partitions made, indexes summarised.")
            for past in table.past_retention:
                done = f"waits for {past.waits_for}" if past.waits_for else f"dropped, {past.dropped:,} rows"
                self.stdout.write(f"  {past.month}, past its retention: {done}.")
