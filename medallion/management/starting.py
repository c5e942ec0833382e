"""What the commands `run` and `rebuild` share: carrying a run out, here or by workers, in front of a person."""

from __future__ import annotations

import logging
import sys
import threading
from typing import IO, cast

from django.core.management.base import OutputWrapper
from django.db import connection
from rich.console import Console

from lineage.models import PipelineRun
from medallion.execution.errors import RunRefused
from medallion.execution.intervene import cancel_run
from medallion.execution.perform import run_here
from medallion.management.following import follow, report


def carry_out(run: PipelineRun, stdout: OutputWrapper, here: bool) -> None:
    """Shows a run until it ends; with `here` this process does its work. Raises CommandError unless it completes."""
    stdout.ending = ""  # rich ends its own lines
    console = Console(file=cast(IO[str], stdout), highlight=False)
    if here:
        # The terminal shows each step's end already; what went wrong is still logged.
        logging.getLogger("medallion.execution").setLevel(logging.WARNING)
        _work_here(run, console)
    else:
        try:
            follow(run, console, needs_worker=True)
        except KeyboardInterrupt:
            console.print(f"\nNo longer watching. Run {run.pk} goes on; to stop it: manage.py run --cancel {run.pk}")
            sys.exit(130)
    run.refresh_from_db()
    report(run, console)


def _work_here(run: PipelineRun, console: Console) -> None:
    follower = threading.Thread(target=_follow_beside, args=(run.pk, console))
    follower.start()
    try:
        run_here(run)
    except BaseException:
        # This process is the worker: without it the run would wait for one.
        _stop(run)
        raise
    finally:
        follower.join()


def _stop(run: PipelineRun) -> None:
    try:
        cancel_run(run.pk)
    except RunRefused:  # it ended at this very moment
        return


def _follow_beside(run_id: int, console: Console) -> None:
    try:
        follow(PipelineRun.objects.get(pk=run_id), console, needs_worker=False)
    finally:
        connection.close()  # this thread's own
