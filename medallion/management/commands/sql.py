"""sql TABLE: the SQL that a declaration compiles to."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from medallion import compile as compiler
from medallion.registry import warehouse


class Command(BaseCommand):
    help = "Prints the SQL of a table as its declaration says it now: the table, its routines, its metadata."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("table", help="a declared table, with its layer (silver.customers) or without")
        parser.add_argument("--down", action="store_true", help="the SQL that takes it away again")

    def handle(self, *args: Any, table: str, down: bool, **options: Any) -> None:
        found = warehouse()
        matching = [name for name in found.tables if table in (name, name.split(".")[1])]
        if len(matching) != 1:
            raise CommandError(
                f"{'No' if not matching else 'More than one'} declared table is called {table}. "
                f"There are: {', '.join(sorted(found.tables))}."
            )
        name = matching[0]
        change = compiler.create(name, found.tables[name].contract(), found.apps[name])
        self.stdout.write(change.backward if down else change.forward)
