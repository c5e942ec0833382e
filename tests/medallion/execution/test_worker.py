"""Real workers, a real Redis of their own, real commands."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from assay.embedded import binaries
from assay.embedded.accounts import find_account
from lineage.models import Attempt, PipelineRun, Step
from tests.medallion.execution.small_house import (
    ROOT,
    House,
    command_in_another_process,
    environment_of_children,
    in_another_process,
    wait_until,
)

NOWHERE = "redis://127.0.0.1:1/0"


@dataclass
class Broker:
    url: str
    client: redis.Redis


@pytest.fixture
def broker() -> Iterator[Broker]:
    """A Redis for one test, so that FLUSHALL hurts nobody else."""
    folder = Path(tempfile.mkdtemp(prefix="assay-redis-", dir="/tmp"))
    socket = folder / "s"
    program = binaries.redis_server(find_account())
    server = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder], stdout=subprocess.DEVNULL
    )
    wait_until(socket.exists)
    yield Broker(f"unix://{socket}?db=0", redis.Redis(unix_socket_path=str(socket)))
    server.terminate()
    server.wait()
    shutil.rmtree(folder)


@pytest.fixture
def worker(house: House, broker: Broker, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker with two processes, and beat in it, on the tests' database."""
    command = [sys.executable, "-m", "celery", "-q", "-A", "assay", "worker", "--concurrency=2", "--without-gossip"]
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--without-mingle", "-B", "-s", str(tmp_path / "beat"), "--loglevel=INFO"],
            env=environment_of_children(REDIS_URL=broker.url, REMAP_SIGTERM="SIGQUIT"),
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    yield process
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    finally:
        print((tmp_path / "worker.log").read_text())


def test_a_worker_carries_out_what_the_command_starts(
    house: House, broker: Broker, worker: subprocess.Popen[bytes]
) -> None:
    command = command_in_another_process("run", "daily", "--by", "ada", REDIS_URL=broker.url)
    said, _ = command.communicate(timeout=60)
    assert command.returncode == 0, said
    assert "silver.a" in said
    assert "succeeded: read 3, inserted 2, updated 1, rejected 0" in said
    assert "of daily completed: inserted 6" in said
    run = PipelineRun.objects.get()
    assert (run.status, run.requested_by) == ("completed", "ada")
    assert f":{os.getpid()}" not in Attempt.objects.values_list("worker", flat=True)[0]

    again = command_in_another_process("run", "daily", REDIS_URL=broker.url)
    said, _ = again.communicate(timeout=60)
    assert again.returncode == 0, said
    assert "of daily: nothing new" in said


def test_nothing_is_lost_or_doubled_when_redis_forgets_everything(
    house: House, broker: Broker, worker: subprocess.Popen[bytes], run: PipelineRun
) -> None:
    # Nobody rings for the first step (the fixture sees to that): the sweeper must.
    house.load("silver.a", "PERFORM pg_sleep(0.5);")
    wait_until(lambda: PipelineRun.objects.get().status == "running", seconds=30)
    until = time.monotonic() + 3
    while time.monotonic() < until:
        broker.client.flushall()
        time.sleep(0.01)
    wait_until(lambda: PipelineRun.objects.get().status not in ("pending", "running"), seconds=60)
    assert PipelineRun.objects.get().status == "completed"
    assert [house.effects(t) for t in ("silver.a", "silver.b", "gold.c")] == [1, 1, 1]
    assert not Attempt.objects.exclude(outcome="succeeded").exists()


def test_a_broker_that_is_away_does_not_fail_who_rings(house: House, first_step: Step) -> None:
    child = in_another_process(
        "import time; from medallion.execution.doorbell import ring; began = time.monotonic()\n"
        f"ring([{first_step.pk}] * 100); print(time.monotonic() - began)",
        REDIS_URL=NOWHERE,
    )
    said, _ = child.communicate(timeout=60)
    assert "steps wait until the sweeper rings" in said
    assert float(said.splitlines()[-1]) < 5


def test_without_a_worker_the_command_says_what_to_do(house: House) -> None:
    child = command_in_another_process("run", "daily", REDIS_URL=NOWHERE)
    said, _ = child.communicate(timeout=60)
    run = PipelineRun.objects.get()
    assert child.returncode == 1
    assert "No worker answers" in said
    assert "make up" in said
    assert f"--resume {run.pk} --here" in said
    assert run.status == "pending"

    here = command_in_another_process("run", "--resume", str(run.pk), "--here", REDIS_URL=NOWHERE)
    said, _ = here.communicate(timeout=60)
    assert here.returncode == 0, said
    assert "completed: inserted 6" in said


def test_ctrl_c_stops_watching_and_not_the_run(house: House) -> None:
    child = command_in_another_process("run", "daily", REDIS_URL=NOWHERE, PYTHONUNBUFFERED="1")
    wait_until(PipelineRun.objects.exists, seconds=30)
    time.sleep(2)
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "No longer watching" in said
    assert PipelineRun.objects.get().status == "pending"


def test_ctrl_c_of_a_run_here_cancels_it(house: House) -> None:
    house.load("silver.a", "PERFORM pg_sleep(60);")
    child = command_in_another_process("run", "daily", "--here", REDIS_URL=NOWHERE)
    wait_until(lambda: Attempt.objects.exists(), seconds=30)
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=30)
    assert child.returncode != 0
    assert PipelineRun.objects.get().status == "cancelled"
    assert house.outcomes(Step.objects.get(target="silver.a")) == ["lost"]
