"""`manage.py maintain`: what beat asks for every hour, now."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from medallion import maintenance


class Command(BaseCommand):
    help = "Makes partitions ahead, summarises indexes, turns calendars to today; beat does it every hour."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--vacuum", action="store_true", help="also VACUUM (ANALYZE) of silver and gold tables")

    def handle(self, *args: Any, **options: Any) -> None:
        for table in maintenance.maintain():
            self.stdout.write(f"{table.target}: {table.partitions} partitions made.")
        for name in maintenance.vacuum() if options["vacuum"] else ():
            self.stdout.write(f"{name}: vacuumed and analyzed.")
