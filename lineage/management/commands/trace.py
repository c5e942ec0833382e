"""trace TABLE KEY: where a row comes from, and what became of it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection

from lineage.tracing import MOST, Became, Traced, trace, trace_forward


def key_of(words: list[str]) -> str:
    """`123`, or `column=value …`, as dwh_lineage.find_row takes it."""
    if len(words) == 1 and "=" not in words[0]:
        return words[0]
    pairs = [word.partition("=") for word in words]
    if not all(sign for _, sign, _ in pairs):
        raise CommandError("Give one value, or COLUMN=VALUE for each column of the key.")
    return json.dumps({name: value for name, _, value in pairs})


def said(error: DatabaseError) -> str:
    """What the database said, with its hint."""
    diagnostic = getattr(error.__cause__, "diag", None)
    if diagnostic is None or not (diagnostic.sqlstate or "").startswith("AS"):
        raise error
    return " ".join(part for part in (diagnostic.message_primary, diagnostic.message_hint) if part)


def shown(key: dict[str, Any] | None) -> str:
    return ", ".join(f"{name}={value}" for name, value in (key or {}).items())


class Command(BaseCommand):
    help = "Shows the rows behind a row, back to file and record number, or what became of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("table", help="with its layer, as in gold.fact_sales")
        parser.add_argument("key", nargs="+", help="the surrogate key or bronze id, or COLUMN=VALUE …")
        parser.add_argument("--forward", action="store_true", help="what became of it instead")
        parser.add_argument("--most", type=int, default=MOST, help=f"rows of each input that are followed ({MOST})")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, table: str, key: list[str], forward: bool, most: int, **options: Any) -> None:
        follow = trace_forward if forward else trace
        try:
            with connection.cursor() as cursor:
                found = follow(cursor, table, key_of(key), most)
        except DatabaseError as error:
            raise CommandError(said(error)) from error
        if options["json"]:
            rows = [dataclasses.asdict(one) for one in found]
            self.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False, default=str))
            return
        for one in found:
            self._write_became(one) if isinstance(one, Became) else self._write_traced(one)

    def _write_traced(self, one: Traced) -> None:
        came = f"  {one.file}, record {one.record_no:,}" if one.file and one.record_no else ""
        run = f"  run {one.run_id}" if one.run_id else ""
        code = f"  code {one.sql_hash[:12]}" if one.sql_hash else ""
        note = f"  ({one.note})" if one.note else ""
        indent = "  " * one.step
        self.stdout.write(f"{indent}{one.table}  {shown(one.key)}{came}{run}{code}{note}")
        values = {k: v for k, v in (one.row or {}).items() if v is not None and k not in one.key and k[0] != "_"}
        if values:
            self.stdout.write(self.style.NOTICE(f"{indent}  {shown(values)}"))
        for sentence in one.decided:
            self.stdout.write(self.style.WARNING(f"{indent}  {sentence}"))

    def _write_became(self, one: Became) -> None:
        became = shown(one.key) if one.key else "nothing"
        why = ", ".join(part for part in (one.outcome, one.note) if part)
        self.stdout.write(f"{'  ' * one.step}{one.table}  {became}{f'  ({why})' if why else ''}")
