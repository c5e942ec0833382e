"""`manage.py plan`: what migrating and running would do, before it is done."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from medallion import gold
from medallion.execution.errors import RunRefused
from medallion.planning.changes import Plan, plan_changes
from medallion.planning.dry_run import Refused, dry_run
from medallion.planning.showing import as_json, show_changes, show_outcomes, show_waiting
from medallion.planning.waiting import waiting_for
from medallion.registry import warehouse


class Command(BaseCommand):
    help = (
        "Shows what migrating and running would do: changed declarations, their cost, what waits; with --dry-run, rows."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help="a pipeline, or tables; without: all tables")
        parser.add_argument("--sql", action="store_true", help="also the SQL that is to be migrated")
        parser.add_argument(
            "--dry-run", action="store_true", help="carry the loads out, show what they do, take it back"
        )
        parser.add_argument("--samples", metavar="N", type=int, default=3, help="rows of each kind to show (3)")
        parser.add_argument(
            "--time-limit", metavar="SECONDS", type=float, default=60, help="give a dry run up after that time (60)"
        )
        parser.add_argument("--json", action="store_true", help="as JSON, for programs")

    def handle(self, *args: Any, names: list[str], **options: Any) -> None:
        targets, plan = _targets(names), plan_changes()
        installed = [target for target in targets if not _is_new(plan, target)]
        try:
            waiting = waiting_for(installed)
            outcomes = (
                dry_run(targets, plan.statements, options["samples"], options["time_limit"])
                if options["dry_run"]
                else None
            )
        except (RunRefused, Refused) as refusal:
            raise CommandError(f"{refusal}\n{refusal.hint}") from None
        if options["json"]:
            self.stdout.write(json.dumps(as_json(plan, waiting, outcomes), indent=2, default=str, ensure_ascii=False))
            return
        self.stdout.ending = ""  # rich ends its own lines
        console = Console(file=cast(IO[str], self.stdout), highlight=False, soft_wrap=True)
        show_changes(console, plan, options["sql"])
        if outcomes is None:
            show_waiting(console, waiting)
        else:
            show_outcomes(console, outcomes)


def _targets(names: list[str]) -> list[str]:
    """The tables that are meant: those of pipelines, those named with or without their layer, or all."""
    found = warehouse()
    loaded = [target for target in found.in_order(list(found.tables)) if not target.startswith("bronze.")]
    if not names:
        return [target for target in loaded if not issubclass(found.tables[target], gold.Calendar)]
    chosen: list[str] = []
    for name in names:
        if name in found.pipelines:
            chosen += found.pipelines[name].target_names()
            continue
        matching = [target for target in loaded if name in (target, target.split(".", 1)[1])]
        if len(matching) != 1:
            known = ", ".join([*sorted(found.pipelines), *loaded])
            raise CommandError(f"No pipeline and no table that is loaded is called {name}. There are: {known}.")
        chosen += matching
    return chosen


def _is_new(plan: Plan, target: str) -> bool:
    return any(change.target == target and change.verb == "create" for change in plan.changes)
