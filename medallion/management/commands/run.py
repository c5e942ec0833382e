"""`manage.py run PIPELINE`: starts a run and follows it."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from medallion.execution.create import create_run
from medallion.execution.errors import RunRefused
from medallion.execution.intervene import cancel_run, continue_run
from medallion.management.starting import carry_out


class Command(BaseCommand):
    help = "Runs a pipeline: loads its tables and all that feeds them, and shows how that goes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("pipeline", nargs="?", help="the name of a pipeline")
        what.add_argument("--resume", metavar="RUN", type=int, help="let a failed run go on where it stopped")
        what.add_argument("--cancel", metavar="RUN", type=int, help="cancel a run; what runs stops within 15 s")
        parser.add_argument("--here", action="store_true", help="work in this process, without a worker")
        parser.add_argument("--by", metavar="NAME", default=getpass.getuser(), help="who asks for it (default: you)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["cancel"] is not None:
                run = cancel_run(options["cancel"])
                self.stdout.write(f"Run {run.pk} of {run.pipeline_name} is {run.status}.")
                return
            if options["resume"] is not None:
                run = continue_run(options["resume"], here=options["here"])
            else:
                run = create_run(options["pipeline"], requested_by=options["by"], here=options["here"])
        except RunRefused as refusal:
            raise CommandError(f"{refusal}\n{refusal.hint}") from None
        carry_out(run, self.stdout, here=options["here"])
