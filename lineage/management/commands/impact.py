"""impact TABLE COLUMN: what would change if a column did."""

from __future__ import annotations

import csv
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from lineage.column_paths import impact_rows, read_path
from lineage.models import Target


class Command(BaseCommand):
    help = "Lists what would change if a column did: the columns that are made of it, and the tables whose rows would."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("table", help="with its layer, as in silver.customers; or a source's name")
        parser.add_argument("column", help="its column")
        parser.add_argument("--csv", action="store_true", help="print CSV")

    def handle(self, *args: Any, table: str, column: str, **options: Any) -> None:
        path = read_path(table, column)
        if not path.edges and not Target.objects.filter(target=table).exists():
            raise CommandError(f"There is no table {table}. manage.py lineage TABLE lists the columns of one.")
        header, *rows = impact_rows(path)
        if options["csv"]:
            csv.writer(self.stdout, lineterminator="\n").writerows([header, *rows])
            return
        for step, at, name, how, through, expression in rows:
            made = f"  = {' '.join(expression.split())}" if expression else ""
            self.stdout.write(f"{'  ' * (int(step) - 1)}{at}.{name}  ({how} of {through}){made}")
        if not rows:
            self.stdout.write(f"Nothing is made of {table}.{column}.")
