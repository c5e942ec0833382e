"""`manage.py restore FILE`: the rows of a data-only dump into a freshly migrated database."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from assay.restore import RestoreRefused, restore_data


class Command(BaseCommand):
    help = "Restores a dump made by pg_dump --data-only --format=custom into a freshly migrated, empty database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the dump")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        if not file.is_file():
            raise CommandError(f"{file} is no file. Name the dump that pg_dump --format=custom wrote.")
        wanted = ("host", "port", "user", "password", "dbname")
        parameters = {name: value for name, value in connection.get_connection_params().items() if name in wanted}
        connection.close()
        try:
            batches = restore_data(parameters, file)
        except RestoreRefused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"Restored: the ledger has {batches:,} batches. Now: manage.py doctor")
