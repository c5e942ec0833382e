"""lineage [TABLE]: reads the lineage of new code, and says what is known and where it disagrees."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from lineage.code.drift import find_drift
from lineage.code.record import record_lineage
from lineage.code.showing import read_column_edges, read_coverage, read_gaps, read_versions
from lineage.models import Target


class Command(BaseCommand):
    help = "Reads the lineage of routines and views that are new, and says what is known, and where it disagrees."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("table", nargs="?", help="a table (silver.customers): its columns, code and disagreements")
        parser.add_argument("--gaps", action="store_true", help="list what was not understood, with the reason")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, table: str | None, gaps: bool, **options: Any) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            recorded = record_lineage(cursor)
        if table is not None and not Target.objects.filter(target=table).exists():
            raise CommandError(f"There is no table {table}. manage.py sql shows what is declared.")
        said = self._table(table) if table else self._all(recorded.parsed, gaps=gaps)
        if options["json"]:
            self.stdout.write(json.dumps(said, indent=2, ensure_ascii=False, default=str))
            return
        self._write_table(said) if table else self._write_all(said)

    def _all(self, parsed: list[str], *, gaps: bool) -> dict[str, Any]:
        with connection.cursor() as cursor:
            coverage = dataclasses.asdict(read_coverage(cursor))
            drift = [dataclasses.asdict(one) for one in find_drift(cursor)]
            named = [dict(zip(("name", "statement", "reason"), one, strict=True)) for one in read_gaps(cursor)]
        return {"read": parsed, **coverage, "drift": drift, **({"gaps": named} if gaps else {})}

    def _table(self, table: str) -> dict[str, Any]:
        with connection.cursor() as cursor:
            return {
                "table": table,
                "columns": [dataclasses.asdict(edge) for edge in read_column_edges(cursor, table)],
                "code": [dataclasses.asdict(version) for version in read_versions(cursor, table)],
                "drift": [dataclasses.asdict(one) for one in find_drift(cursor, table)],
            }

    def _write_all(self, said: dict[str, Any]) -> None:
        self.stdout.write(
            f"{said['codes']:,} routines and views, {len(said['read']):,} read now; "
            f"{said['understood']:,} of {said['statements']:,} statements understood."
        )
        for gap in said.get("gaps", ()):
            self.stdout.write(f"  {gap['name']}: {gap['reason']}\n    {gap['statement']}")
        self._write_drift(said["drift"])

    def _write_table(self, said: dict[str, Any]) -> None:
        for edge in said["columns"]:
            column = "which rows" if edge["column"] == "*" else edge["column"]
            how = "" if edge["kind"] == "DIRECT" else f"  ({edge['role'] or 'indirect'})"
            self.stdout.write(f"{column:<28} {'=' if edge['kind'] == 'DIRECT' else '<'} {edge['source']}{how}")
        for version in said["code"]:
            known = "never read"
            if version["statements"] is not None:
                known = f"{version['understood']:,} of {version['statements']:,} statements understood"
            current = "" if version["is_current"] else ", not installed any more"
            loads = f"{version['loads']:,} load{'' if version['loads'] == 1 else 's'}"
            self.stdout.write(f"{version['name']} {version['sql_hash'][:12]}: {known}; {loads}{current}")
            for gap in version["gaps"]:
                self.stdout.write(f"  {gap['reason']}: {gap['statement']}")
        self._write_drift(said["drift"])

    def _write_drift(self, drifts: list[dict[str, str]]) -> None:
        for drift in drifts:
            self.stdout.write(self.style.WARNING(f"{drift['target']}: {drift['sentence']}"))
        if not drifts:
            self.stdout.write("Declarations, code and runs agree.")
