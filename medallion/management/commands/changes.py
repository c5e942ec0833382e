"""changes RUN [TABLE]: what a run changed, each row before and after."""

from __future__ import annotations

import csv
import itertools
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from lineage.exporting import escaped
from lineage.models import PipelineRun
from medallion.run_changes import LoadChanges, RowChange, all_rows_of, loads_of, rows_of

SHOWN = 20


class Command(BaseCommand):
    help = "Shows which tables a run changed, or with a table each of its rows before and after."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int, help="the number of the run")
        parser.add_argument("table", nargs="?", help="with its layer, as in gold.agg_daily_sales")
        parser.add_argument("--most", type=int, default=SHOWN, help=f"rows that are shown ({SHOWN})")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="print JSON, of a table an object a line")
        form.add_argument("--csv", action="store_true", help="print CSV, before and after in lines of their own")

    def handle(self, *args: Any, run: int, table: str | None, most: int, **options: Any) -> None:
        if not PipelineRun.objects.filter(pk=run).exists():
            raise CommandError(f"There is no run {run}.")
        loads = [load for load in loads_of(run) if table in (None, load.target)]
        if table is None:
            self._write_loads(run, loads, as_json=options["json"], as_csv=options["csv"])
            return
        if not loads:
            raise CommandError(f"Run {run} changed nothing in {table}.")
        for why in sorted({load.why_not for load in loads} - {""}):
            self.stderr.write(f"{table}: {why}")
        if options["json"]:
            for row in all_rows_of(run, table):
                self.stdout.write(json.dumps(_as_json(row), ensure_ascii=False, default=str))
        elif options["csv"]:
            self._write_csv(all_rows_of(run, table))
        else:
            self._write_rows(rows_of(run, table, most + 1), most)

    def _write_loads(self, run: int, loads: list[LoadChanges], *, as_json: bool, as_csv: bool) -> None:
        if as_csv:
            raise CommandError("CSV is of one table: name it.")
        if as_json:
            names = ("target", "inserted", "updated", "deleted", "notes", "kept")
            self.stdout.write(json.dumps([{name: getattr(load, name) for name in names} for load in loads], indent=2))
            return
        for load in loads:
            counts = f"{load.inserted:,} inserted, {load.updated:,} updated, {load.deleted:,} deleted"
            self.stdout.write(f"{load.target}: {counts}")
            for said in filter(None, (load.notes, load.why_not)):
                self.stdout.write(f"  {said}")
        if not loads:
            self.stdout.write(f"Run {run} changed no silver or gold table.")

    def _write_rows(self, rows: list[RowChange], most: int) -> None:
        styles = {"inserted": self.style.SUCCESS, "changed": self.style.WARNING, "deleted": self.style.ERROR}
        for row in rows[:most]:
            self.stdout.write(styles[row.what](f"{row.what}  {_said(row)}"))
        if len(rows) > most:
            self.stdout.write("  … and more; --most shows them")

    def _write_csv(self, rows: Any) -> None:
        first = next(rows, None)
        if first is None:
            return
        columns = list(first.stands)
        writer = csv.writer(self.stdout, lineterminator="\n")
        writer.writerow(["what", "as", *columns])
        for row in itertools.chain([first], rows):
            for when, values in (("was", row.was), ("becomes", row.becomes)):
                if values is not None:
                    writer.writerow([row.what, when, *(_cell(values.get(name)) for name in columns)])


def _as_json(row: RowChange) -> dict[str, Any]:
    return {"what": row.what, "key": row.key, "was": row.was, "becomes": row.becomes}


def _said(row: RowChange) -> str:
    """What stays tells which row it is; what changed is shown as before → after."""
    key = ", ".join(f"{name}={value}" for name, value in row.key.items())
    if row.was is not None and row.becomes is not None:
        pairs = (f"{name} {_text(row.was.get(name))} → {_text(row.becomes[name])}" for name in row.differs)
    else:
        pairs = (f"{name} {value}" for name, value in row.stands.items() if value is not None and name not in row.key)
    return f"{key}: {', '.join(pairs)}"


def _text(value: Any) -> str:
    return "–" if value is None else str(value)


def _cell(value: Any) -> str:
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False, default=str)
    return escaped(None if value is None else str(value))
