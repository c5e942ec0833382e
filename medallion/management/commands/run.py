"""`manage.py run PIPELINE`: starts a run and follows it."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lineage.models import PipelineRun
from medallion.execution.create import create_run
from medallion.execution.errors import RunRefused
from medallion.execution.intervene import cancel_run, continue_run, rerun_step, skip_step
from medallion.management.starting import carry_out


class Command(BaseCommand):
    # `migrate` has checked the declarations that are installed; to import all pages and queries for it again would take
    # longer than a small load.
    requires_system_checks = ()
    help = "Runs a pipeline: loads its tables and all that feeds them, and shows how that goes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("pipeline", nargs="?", help="the name of a pipeline")
        what.add_argument("--resume", metavar="RUN", type=int, help="let a failed run go on where it stopped")
        what.add_argument("--cancel", metavar="RUN", type=int, help="cancel a run; what runs stops within 15 s")
        what.add_argument("--skip", metavar=("RUN", "TABLE"), nargs=2, help="let a run do without a step")
        what.add_argument("--again", metavar=("RUN", "TABLE"), nargs=2, help="carry out a step, and what follows it")
        parser.add_argument("--rebuild", action="store_true", help="with --again: write the table anew")
        parser.add_argument("--here", action="store_true", help="work in this process, without a worker")
        parser.add_argument("--by", metavar="NAME", default=getpass.getuser(), help="who asks for it (default: you)")
        parser.add_argument("--reason", metavar="TEXT", default="", help="why; kept with the run")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["rebuild"] and not options["again"]:
            raise CommandError("--rebuild belongs to --again. To rebuild a table by itself: manage.py rebuild TABLE")
        try:
            run, goes_on = self._act(options)
        except RunRefused as refusal:
            raise CommandError(f"{refusal}\n{refusal.hint}") from None
        if goes_on:
            carry_out(run, self.stdout, here=options["here"])
        else:
            self.stdout.write(f"Run {run.pk} of {run.pipeline_name} is {run.status}.")

    def _act(self, options: dict[str, Any]) -> tuple[PipelineRun, bool]:
        """The run, after what was asked for was done to it, and whether it is to be followed."""
        who = (options["by"], options["reason"])
        if options["cancel"] is not None:
            return cancel_run(options["cancel"], *who), False
        if options["skip"]:
            run_id, target = _step(options["skip"])
            return skip_step(run_id, target, *who), False
        if options["again"]:
            run_id, target = _step(options["again"])
            return rerun_step(run_id, target, *who, rebuild=options["rebuild"], here=options["here"]), True
        if options["resume"] is not None:
            return continue_run(options["resume"], *who, here=options["here"]), True
        return create_run(options["pipeline"], requested_by=options["by"], here=options["here"]), True


def _step(words: list[str]) -> tuple[int, str]:
    if not words[0].isdigit():
        raise CommandError(f"{words[0]} is no run. Give its number, then the table: 97 silver.customers")
    return int(words[0]), words[1]
