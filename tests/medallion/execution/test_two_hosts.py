"""Two hosts against one PostgreSQL and one Redis: each with a name, a network and a checkout of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lineage.models import Attempt, PipelineRun
from lineage.workers import workers
from tests.medallion.execution.small_house import ROOT, House, environment_of_children, wait_until
from tests.medallion.execution.test_worker import Broker, broker  # noqa: F401 - a fixture

pytestmark = pytest.mark.slow
FOLDERS = ("platform", "lineage", "quality", "medallion", "examples", "templates", "static")
TAKEN_OVER_WITHIN = 45.0  # a lease of 30 s, a sweep every 5 s, and the queue
# Linux: a host name and a network without any interface up; PostgreSQL and Redis are reached by their Unix sockets.
APART = ["unshare", "--uts", "--net", "sh", "-c", 'hostname "$0" && exec "$@"']


def _may_be_apart() -> bool:
    try:
        return subprocess.run([*APART, "north", "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture
def start_host(house: House, broker: Broker, tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:  # noqa: F811
    """start_host(name): a worker of one process, and a beat, on a host of that name, from a copy of the checkout."""
    if not _may_be_apart():
        pytest.skip("Needs unshare, and the right to use it: two hosts cannot be made here.")
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> subprocess.Popen[bytes]:
        checkout = tmp_path / name
        for folder in FOLDERS:
            shutil.copytree(ROOT / folder, checkout / folder, ignore=shutil.ignore_patterns("__pycache__"))
        path = os.pathsep.join(str(checkout / folder) for folder in ("platform", "examples", "."))
        environment = environment_of_children(REDIS_URL=broker.url, REMAP_SIGTERM="SIGQUIT") | {"PYTHONPATH": path}
        command = [sys.executable, "-m", "celery", "-q", "-A", "assay", "worker", "--concurrency=1"]
        options = ["--without-gossip", "--without-mingle", "-B", "-s", str(checkout / "beat"), "--loglevel=INFO"]
        with (tmp_path / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [*APART, name, *command, *options],
                cwd=checkout,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    for log in sorted(tmp_path.glob("*.log")):
        print(f"--- {log.stem}\n{log.read_text()}")


def test_when_a_host_dies_the_other_takes_its_step_over(
    house: House, run: PipelineRun, start_host: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    lost = "SELECT lost FROM dwh_lineage.run_steps WHERE target = 'silver.a'"
    house.load("silver.a", f"PERFORM pg_sleep(CASE ({lost}) WHEN 0 THEN 300 ELSE 0 END);")
    hosts = {name: start_host(name) for name in ("north", "south")}
    wait_until(lambda: {w.host for w in workers() if w.is_alive} == set(hosts), seconds=120)
    wait_until(lambda: any(w.target == "silver.a" for w in workers()), seconds=60)
    (victim,) = [w.host for w in workers() if w.target]

    os.killpg(hosts[victim].pid, signal.SIGKILL)
    died = time.monotonic()
    wait_until(lambda: Attempt.objects.filter(step__target="silver.a").count() == 2, seconds=TAKEN_OVER_WITHIN * 2)
    taken_over = time.monotonic() - died
    wait_until(lambda: PipelineRun.objects.get().status == "completed", seconds=60)

    attempts = list(Attempt.objects.filter(step__target="silver.a").order_by("token"))
    assert [attempt.outcome for attempt in attempts] == ["lost", "succeeded"]
    (survivor,) = set(hosts) - {victim}
    assert [attempt.worker.split(":")[0] for attempt in attempts] == [victim, survivor]
    assert [house.effects(t) for t in ("silver.a", "silver.b", "gold.c")] == [1, 1, 1]
    print(f"{survivor} took over what {victim} had after {taken_over:.1f} s.")
    assert taken_over < TAKEN_OVER_WITHIN
    wait_until(lambda: {w.host: w.state for w in workers()} == {victim: "lost", survivor: "idle"}, seconds=90)
