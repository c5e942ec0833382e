"""The way that loads usually go: through a worker that runs already. From the request to the committed outcome.

A real worker, started as `manage.py up` starts it, in a process of its own, with one process for its work; doorbells go
through Redis. What is measured includes the message, the claim, the lease, the heartbeat, lineage, the outcome and the
end of the run, and for files the look for what is new.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.rows import TupleRow

from assay import parts
from bench.warehouse import BenchLoads
from lineage.messages import celery_app
from lineage.states import LIVE_RUN_STATES
from medallion.execution.create import create_run
from medallion.registry import warehouse

Connection = psycopg.Connection[TupleRow]

_POLL_SECONDS = 0.001
_LONGEST_SECONDS = 300


@contextmanager
def worker(data_root: Path) -> Iterator[None]:
    """A worker that knows the measures' tables, and has worked before: its connections are open."""
    environment = os.environ | parts.python_path() | {"ASSAY_WAREHOUSES": "bench", "ASSAY_DATA_ROOT": str(data_root)}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(parts.worker(1), env=environment, stdout=log, stderr=log)
        try:
            _wait_for(process)
            yield
        except BaseException:
            log.seek(0)
            print(log.read().decode(errors="replace"))
            raise
        finally:
            process.terminate()
            process.wait()


def load(connection: Connection) -> None:
    """Has the worker load what waits, by a run."""
    warehouse().pipelines[BenchLoads.name] = BenchLoads
    try:
        run = create_run(BenchLoads.name)
    finally:
        del warehouse().pipelines[BenchLoads.name]
    ended = "SELECT status FROM dwh_lineage.pipeline_runs WHERE run_id = %s AND status <> ALL (%s)"
    status = _ask_until(connection, ended, (run.pk, list(LIVE_RUN_STATES)))
    if status != "completed":
        raise RuntimeError(f"Run {run.pk} is {status}.")


def pick_up(connection: Connection, file: str) -> None:
    """Has the worker look for new files, and waits for what becomes of this one."""
    celery_app()
    from medallion.tasks import pick_up as task

    task.apply_async()
    known = "SELECT state FROM dwh_lineage.received_files WHERE file = %s"
    state = _ask_until(connection, known, (file,))
    if state != "ingested":
        raise RuntimeError(f"{file} is {state}.")
    connection.execute("DELETE FROM dwh_lineage.received_files WHERE file = %s", (file,))


def _ask_until(connection: Connection, question: str, parameters: Sequence[object]) -> object:
    until = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < until:
        if row := connection.execute(question.encode(), parameters).fetchone():
            return row[0]
        time.sleep(_POLL_SECONDS)
    raise RuntimeError(f"The worker did nothing within {_LONGEST_SECONDS} s.")


def _wait_for(process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _LONGEST_SECONDS
    while not celery_app().control.ping(timeout=0.5):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("The measures' worker does not answer.")
