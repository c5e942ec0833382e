"""`manage.py schedules [PIPELINE]`: what runs by itself, when next, and what became of the last times."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from medallion.models import Schedule
from medallion.schedules.change import ScheduleRefused, pause, resume
from medallion.schedules.reading import ScheduleSummary, summarise
from medallion.schedules.times import MeansNothing


class Command(BaseCommand):
    help = "Lists the schedules; of one: its next times and its last; pauses and resumes one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("pipeline", nargs="?", help="the name of a pipeline; without it: all")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--pause", action="store_true", help="start nothing until it is resumed")
        what.add_argument("--resume", action="store_true", help="go on with its next time")
        parser.add_argument("--reason", default="", help="why it is paused")
        parser.add_argument("--by", metavar="NAME", default=getpass.getuser(), help="who asks for it (default: you)")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["pipeline"]
        if name is None:
            if options["pause"] or options["resume"]:
                raise CommandError("Say which: manage.py schedules PIPELINE --pause")
            self._list(summarise(Schedule.objects.order_by("pipeline")))
            return
        try:
            if options["pause"]:
                pause(name, options["by"], options["reason"])
            elif options["resume"]:
                resume(name, options["by"])
        except (ScheduleRefused, MeansNothing) as refusal:
            raise CommandError(str(refusal)) from None
        found = summarise(Schedule.objects.filter(pipeline=name))
        if not found:
            raise CommandError(f"The pipeline {name} has no schedule. manage.py schedules lists those that have one.")
        self._show(found[0])

    def _list(self, summaries: list[ScheduleSummary]) -> None:
        if not summaries:
            self.stdout.write("No pipeline runs by itself: declare schedule = “0 2 * * *” in one, then migrate.")
            return
        table = Table("pipeline", "state", "when", "zone", "next", "last", box=None, pad_edge=False)
        for each in summaries:
            schedule, last = each.schedule, each.last
            following = _moment(each.next_times[0]) if each.next_times else "–"
            before = f"{_moment(last.logical_time)} {last.state}" if last else "–"
            table.add_row(schedule.pipeline, each.state, each.words, schedule.time_zone, following, before)
        self.stdout.ending = ""  # rich ends its own lines
        width = None if self.stdout.isatty() else 200  # a file has no edge at which lines would break
        Console(file=cast(Any, self.stdout), highlight=False, width=width).print(table)

    def _show(self, summary: ScheduleSummary) -> None:
        schedule = summary.schedule
        self.stdout.write(f"{schedule.pipeline}: {summary.words} in {schedule.time_zone}, {summary.state}.")
        if schedule.paused:
            self.stdout.write(f"Paused. {schedule.pause_reason}".strip())
        for time in summary.next_times:
            self.stdout.write(f"  {_moment(time)}  next")
        for slot in schedule.slots.select_related("run").order_by("-logical_time")[:10]:
            what = f"run {slot.run_id}, {slot.run.status}" if slot.run else slot.reason
            self.stdout.write(f"  {_moment(slot.logical_time)}  {slot.state}: {what}")


def _moment(time: Any) -> str:
    return f"{timezone.localtime(time):%Y-%m-%d %H:%M}"
