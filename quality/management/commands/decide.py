"""`manage.py decide correct|waive|reject TABLE …`, and approve, stop, undo of a decision: what the pages do."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from quality import resolution
from quality.models import QualityDecision
from quality.preview import preview
from quality.resolution import Decision, DecisionRefused, Selection
from quality.states import DecisionVerb

_ABOUT_ROWS = ("correct", "waive", "reject")
_ABOUT_DECISIONS = ("approve", "stop", "undo")


class Command(BaseCommand):
    help = "Decides about open exceptions, after showing what that would do; approves, stops or undoes a decision."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=(*_ABOUT_ROWS, *_ABOUT_DECISIONS), metavar="VERB")
        parser.add_argument("subject", help="a silver table; for approve, stop and undo the number of a decision")
        parser.add_argument("--issue", type=int, metavar="N", help="rows of this cause")
        parser.add_argument("--value", help="with --issue: rows whose offending value this is")
        parser.add_argument("--batch", type=int, metavar="N", help="rows that this batch of the table found")
        parser.add_argument("--key", metavar="TEXT", default="", help="rows whose keys begin so")
        parser.add_argument("--file", metavar="NAME", default="", help="rows that this source file brought")
        parser.add_argument("--exception", type=int, nargs="+", metavar="N", help="these exceptions")
        parser.add_argument("--set", nargs="+", metavar="COLUMN=TEXT", default=[], help="correct: new texts")
        parser.add_argument("--null", nargs="+", metavar="COLUMN", default=[], help="correct: columns without a value")
        parser.add_argument("--rule", help="waive: this rule alone")
        parser.add_argument("--reason", default="", help="why; it is kept with the decision")
        parser.add_argument("--by", metavar="NAME", default=getpass.getuser(), help="the user who decides")
        parser.add_argument("--propose", action="store_true", help="somebody else approves")
        parser.add_argument("--yes", action="store_true", help="do it, and do not only show what would happen")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["verb"] in _ABOUT_DECISIONS:
                made = self._act(options)
            else:
                made = self._decide(_decision(options), options["yes"])
        except DecisionRefused as refusal:
            raise CommandError(" ".join(filter(None, (str(refusal), refusal.hint)))) from refusal
        if made is not None:
            self.stdout.write(f"Decision {made.pk} is {made.state}.")

    def _decide(self, decision: Decision, is_meant: bool) -> QualityDecision | None:
        if is_meant:
            return resolution.decide(decision)
        seen = preview(decision)
        self.stdout.write(
            f"{seen.selected:,} rows: {seen.landed:,} would land, {seen.failing:,} would still fail, "
            f"{seen.rejected:,} would be rejected, {seen.overtaken:,} are overtaken."
        )
        for message, times in seen.broken:
            self.stdout.write(f"{times:>12,}  {message}")
        self.stdout.write("Nothing is written. --yes decides so.")
        return None

    def _act(self, options: dict[str, Any]) -> QualityDecision | None:
        if not options["subject"].isdigit():
            raise CommandError("Name a decision by its number: manage.py decide undo 12")
        number = int(options["subject"])
        if not options["yes"]:
            shown = QualityDecision.objects.filter(pk=number).first()
            if shown is None:
                raise CommandError(f"There is no decision {number}.")
            self.stdout.write(f"Decision {number}: {shown}, {shown.selected:,} rows, {shown.state}. --yes does it.")
            return None
        if options["verb"] == "undo":
            return resolution.undo(number, by=options["by"], reason=options["reason"])
        act = resolution.approve if options["verb"] == "approve" else resolution.stop
        return act(number, by=options["by"])


def _decision(options: dict[str, Any]) -> Decision:
    selection = Selection(
        options["subject"],
        issue=options["issue"],
        values=() if options["value"] is None else (options["value"],),
        narrowed={name: options[name] for name in ("batch", "key", "file") if options[name]},
        exceptions=None if options["exception"] is None else tuple(options["exception"]),
    )
    if options["value"] is not None and options["issue"] is None:
        raise CommandError("--value is of a cause: give --issue too.")
    if wrong := [pair for pair in options["set"] if "=" not in pair]:
        raise CommandError(f"“{wrong[0]}” says no text: write COLUMN=TEXT.")
    patch: dict[str, str | None] = dict.fromkeys(options["null"])
    for pair in options["set"]:
        column, _, text = pair.partition("=")
        patch[column] = text
    verb = DecisionVerb(options["verb"])
    return Decision(
        verb, selection, options["by"], reason=options["reason"],
        patch=patch or None if verb == DecisionVerb.CORRECT else None, rule=options["rule"], propose=options["propose"],
    )  # fmt: skip
