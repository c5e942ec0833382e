"""`manage.py backfill PIPELINE`: runs a pipeline for each logical time of a range."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lineage.models import Backfill
from medallion.backfills.change import cancel_backfill, create_backfill, pause_backfill, resume_backfill
from medallion.backfills.fill import fill_backfill
from medallion.backfills.plan import Order, PlannedTime, plan_backfill
from medallion.backfills.progress import progress_of
from medallion.execution.errors import RunRefused
from medallion.execution.perform import run_here

_CHANGES = {"pause": pause_backfill, "resume": resume_backfill, "cancel": cancel_backfill}
_SHOWN = 20


class Command(BaseCommand):
    help = "Runs a pipeline for each logical time of a range, a few at once, after what is live."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("pipeline", nargs="?", help="the name of a pipeline")
        what.add_argument("--list", action="store_true", help="the latest backfills, with their progress")
        for verb, effect in (("pause", "start no more runs"), ("resume", "go on"), ("cancel", "end it and its runs")):
            what.add_argument(f"--{verb}", metavar="BACKFILL", type=int, help=effect)
        parser.add_argument("--from", dest="first", metavar="TIME", type=_time, help="first logical time")
        parser.add_argument("--to", dest="last", metavar="TIME", type=_time, help="last logical time")
        parser.add_argument("--cron", default="", help="which times there are (default: the schedule's, or every day)")
        parser.add_argument("--time-zone", default="", metavar="ZONE", help="the zone of --cron (default: UTC)")
        parser.add_argument("--redo", choices=Backfill.Redo.values, default="none", help="what to run again")
        parser.add_argument("--max-active", metavar="N", type=int, default=1, help="runs that may live at once")
        parser.add_argument("--dry-run", action="store_true", help="only show what would be run")
        parser.add_argument("--here", action="store_true", help="work in this process, without a worker")
        parser.add_argument("--by", metavar="NAME", default=getpass.getuser(), help="who asks for it (default: you)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._act(options)
        except RunRefused as refusal:
            raise CommandError(f"{refusal}\n{refusal.hint}") from None

    def _act(self, options: dict[str, Any]) -> None:
        changes = [(verb, change) for verb, change in _CHANGES.items() if options[verb] is not None]
        if changes:
            ((verb, change),) = changes
            self._show([change(options[verb], options["by"])])
        elif options["list"]:
            self._show(list(Backfill.objects.order_by("-pk")[:_SHOWN]))
        elif options["first"] is None or options["last"] is None:
            raise CommandError("Give the range: --from 2026-01-01 --to 2026-01-31.")
        elif options["dry_run"]:
            self._show_plan(plan_backfill(_order(options)))
        else:
            backfill = create_backfill(_order(options), options["by"], options["max_active"])
            if options["here"]:
                _work_here(backfill)
            self._show([backfill])

    def _show(self, backfills: list[Backfill]) -> None:
        progress = progress_of(backfills)
        for one in backfills:
            span = f"{one.first_time:%Y-%m-%d %H:%M} to {one.last_time:%Y-%m-%d %H:%M}"
            self.stdout.write(f"Backfill {one.pk} of {one.pipeline}, {span}: {one.state} ({progress[one.pk]})")

    def _show_plan(self, times: list[PlannedTime]) -> None:
        for time in times:
            does = "run" if time.is_run else "leave"
            batches = f"{time.batches:,} batch{'' if time.batches == 1 else 'es'}"
            self.stdout.write(f"{time.logical_time:%Y-%m-%d %H:%M}  {does:<6} {time.why}, {batches}")
        self.stdout.write(f"{sum(time.is_run for time in times):,} of {len(times):,} times would be run.")


def _order(options: dict[str, Any]) -> Order:
    return Order(**{name: options[name] for name in ("pipeline", "first", "last", "cron", "time_zone", "redo")})


def _work_here(backfill: Backfill) -> None:
    while backfill.state == "running":
        for run in fill_backfill(backfill.pk, here=True):
            run_here(run)
        backfill.refresh_from_db()


def _time(text: str) -> datetime:
    """An ISO date or moment; without a zone, UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
