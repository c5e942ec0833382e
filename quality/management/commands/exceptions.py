"""`manage.py exceptions [list | export TABLE | import TABLE]`: what is open, by causes or as CSV, and back."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lineage.models import Target
from quality import resolution
from quality.causes import open_causes, open_rows
from quality.exporting import csv_lines
from quality.importing import MOST_BYTES, Difference, difference
from quality.models import QualityException
from quality.resolution import Decision, DecisionRefused, Selection
from quality.states import UNRESOLVED_STATES, DecisionVerb

SHOWN = 20


class Command(BaseCommand):
    help = "Lists the causes of open exceptions, writes the exceptions of a table as CSV, or takes such a file back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", nargs="?", choices=("list", "export", "import"), default="list", metavar="ACT")
        parser.add_argument("table", nargs="?", help="a silver table, as in silver.customers")
        parser.add_argument("--file", metavar="PATH", help="the CSV file (export: standard output, unless given)")
        parser.add_argument("--issue", type=int, metavar="N", help="export: rows of one cause alone")
        parser.add_argument("--reason", default="", help="import: why; it is kept with the decision")
        parser.add_argument("--by", metavar="NAME", default=getpass.getuser(), help="the user who decides")
        parser.add_argument("--propose", action="store_true", help="import: somebody else approves")
        parser.add_argument("--yes", action="store_true", help="import: decide, after the difference is shown")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["act"] == "list":
            self._list()
            return
        try:
            target = Target.objects.get(pk=options["table"] or "")
        except Target.DoesNotExist:
            raise CommandError("Name the silver table whose exceptions are meant, as in silver.customers.") from None
        if options["act"] == "export":
            self._export(target, options["file"], options["issue"])
        else:
            self._import(target, options)

    def _list(self) -> None:
        rows = open_rows()
        causes = open_causes(rows)
        self.stdout.write(f"{rows.total:,} rows are open, {len(causes)} causes.")
        for cause in causes:
            self.stdout.write(
                f"{cause.open:>12,}  issue {cause.issue.pk}  {cause.issue.target_id}  {cause.issue.title}"
            )

    def _export(self, target: Target, path: str | None, issue: int | None) -> None:
        rows = QualityException.objects.filter(target_table=target, state__in=UNRESOLVED_STATES)
        if issue is not None:
            rows = rows.filter(breaches__issue=issue)
        lines = csv_lines(rows, target.contract["source_columns"])
        if path is None:
            for line in lines:
                self.stdout.write(line, ending="")
            return
        with Path(path).open("w", encoding="utf-8", newline="") as out:
            out.writelines(lines)
        self.stdout.write(f"Written to {path}.")

    def _import(self, target: Target, options: dict[str, Any]) -> None:
        if not options["file"]:
            raise CommandError("Say which file comes back: --file exceptions.csv")
        try:
            with Path(options["file"]).open("rb") as source:
                found = difference(source.read(MOST_BYTES + 1))
            if found.target != target.pk and found.changes:
                raise CommandError(f"The file is of {found.target}, not of {target.pk}.")
            self._show(found)
            if not options["yes"] or not found.changes:
                self.stdout.write("Nothing is written. --yes decides so." if found.changes else "Nothing to decide.")
                return
            patches = found.patches
            selection = Selection(target.pk, exceptions=tuple(patches))
            made = resolution.decide(
                Decision(DecisionVerb.CORRECT, selection, options["by"], reason=options["reason"], patches=patches,
                         propose=options["propose"])
            )  # fmt: skip
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from error
        except DecisionRefused as refusal:
            raise CommandError(" ".join(filter(None, (str(refusal), refusal.hint)))) from refusal
        self.stdout.write(f"Decision {made.pk} is {made.state}.")

    def _show(self, found: Difference) -> None:
        self.stdout.write(
            f"{len(found.patches):,} rows are changed, {found.unchanged:,} are as they were, "
            f"{len(found.refused):,} lines are refused."
        )
        for change in found.changes[:SHOWN]:
            was, becomes = _shown(change.was), _shown(change.becomes)
            self.stdout.write(f"  exception {change.exception}  {change.column}: {was} → {becomes}")
        for number, why in sorted(found.refused)[:SHOWN]:
            self.stdout.write(f"  line {number}: {why}")


def _shown(text: str | None) -> str:
    return "NULL" if text is None else repr(text)
