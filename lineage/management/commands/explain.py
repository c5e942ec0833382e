"""explain TABLE COLUMN=VALUE …: the rows that a number is made of."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection

from lineage.explaining import Explanation, explain
from lineage.management.commands.trace import key_of, said, shown
from lineage.tracing import trace

MOST = 20


class Command(BaseCommand):
    help = "Shows the rows that a row of an aggregate is made of, and that they add up to it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("table", help="with its layer, as in gold.agg_daily_sales")
        parser.add_argument("key", nargs="+", help="COLUMN=VALUE for each column of its grain")
        parser.add_argument("--most", type=int, default=MOST, help=f"rows that are shown ({MOST})")
        parser.add_argument("--lines", action="store_true", help="follow the shown rows to file and record number")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, table: str, key: list[str], most: int, lines: bool, **options: Any) -> None:
        try:
            with connection.cursor() as cursor:
                found = explain(cursor, table, key_of(key), most)
        except DatabaseError as error:
            raise CommandError(said(error)) from error
        if options["json"]:
            said_of = {**dataclasses.asdict(found), "agrees": found.agrees}
            self.stdout.write(json.dumps(said_of, indent=2, ensure_ascii=False, default=str))
            return
        if found.reason:
            raise CommandError(f"{table} {shown(found.key)} cannot be explained. {found.reason}")
        self._write(found, lines=lines)

    def _write(self, found: Explanation, *, lines: bool) -> None:
        self.stdout.write(f"{found.table}  {shown(found.key)}: made of {found.rows:,} row{'s' * (found.rows != 1)}")
        for figure in found.figures:
            mark = "=" if figure.agrees else f"is not {figure.recomputed}, which is"
            line = f"  {figure.column} {figure.stored} {mark} {figure.formula}"
            self.stdout.write(line if figure.agrees else self.style.ERROR(line))
        for one in found.contributions:
            values = ", ".join(f"{a} = {v}" for a, v in zip(found.arguments, one.values, strict=True))
            origins = "; ".join(f"{table} {shown(key)}" for table, key in one.origins)
            self.stdout.write(f"  {values or 'a row'}  from {origins}")
            if lines:
                self._write_lines(one.origins)
        if found.rows > len(found.contributions):
            self.stdout.write(f"  … and {found.rows - len(found.contributions):,} more; --most shows them")

    def _write_lines(self, origins: list[tuple[str, dict[str, Any]]]) -> None:
        seen: set[tuple[str, int | None]] = set()
        with connection.cursor() as cursor:
            for table, key in origins:
                for row in trace(cursor, table, json.dumps(key, default=str)):
                    place = (row.file or row.note or "", row.record_no)
                    if "_bronze_id" in row.key and place not in seen:
                        seen.add(place)
                        number = f", record {row.record_no:,}" if row.record_no else ""
                        self.stdout.write(f"      {row.table}  {place[0]}{number}")
