"""profile TABLE: what the columns of a table hold, and rules that this suggests."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from lineage.models import Target
from medallion.profiling import SAMPLE, Profile, profile
from medallion.suggesting import suggest


class Command(BaseCommand):
    help = "Says of each column of a table what it holds, and suggests rules as code."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("table", help="an installed table with its layer: silver.customers")
        parser.add_argument("--sample", type=int, default=SAMPLE, help=f"look at so many rows (default: {SAMPLE:,})")
        parser.add_argument("--all", action="store_true", help="look at all rows")

    def handle(self, *args: Any, table: str, sample: int, **options: Any) -> None:
        target = Target.objects.filter(target=table).first()
        if target is None:
            raise CommandError(f"There is no table {table}. Name an installed one with its layer: silver.customers.")
        with connection.cursor() as cursor:
            found = profile(cursor, target.rows_relation, sample=None if options["all"] else sample)
        if not found:
            self.stdout.write(f"{table} has no rows.")
            return
        self.stdout.write(f"{table}: {found[0].rows:,} rows looked at.\n")
        for column in found:
            self.stdout.write(_said(column))
        self.stdout.write("\nSuggested:\n")
        for suggestion in suggest(found):
            self.stdout.write(f"    {suggestion}")


def _said(column: Profile) -> str:
    parts = [f"{column.nulls:,} NULL", f"{column.blanks:,} blank", f"{column.distinct:,} different"]
    if column.filled:
        parts.append(f"{column.minimum} … {column.maximum}")
        parts.append(f"{column.shortest} to {column.longest} characters")
    lines = [f"{column.column}: {', '.join(parts)}"]
    if column.top and column.distinct < column.rows:
        lines.append("    often " + ", ".join(f"{value!r} × {n:,}" for value, n in column.top[:5]))
    if column.patterns:
        lines.append("    like  " + ", ".join(f"{pattern} × {n:,}" for pattern, n in column.patterns[:3]))
    return "\n".join(lines)
