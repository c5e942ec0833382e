"""Helpers of the embedded servers' tests: each test has a `var` folder, and so an instance, of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from assay import embedded
from assay.embedded.places import CHECKOUT


def python(code: str, var: Path, **env: str) -> subprocess.Popen[str]:
    """A process of its own that runs `code`, with `var` as its ASSAY_VAR and no servers inherited."""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment(var) | env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def manage(*arguments: str, var: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs `manage.py` to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=CHECKOUT,
        env=environment(var) | env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def environment(var: Path) -> dict[str, str]:
    """Our environment without the servers in it."""
    ours = {name: value for name, value in os.environ.items() if name not in OWN}
    return ours | {"ASSAY_VAR": str(var), "PYTHONPATH": os.pathsep.join(str(CHECKOUT / name) for name in ROOTS)}


OWN = ("ASSAY_EMBEDDED", "DATABASE_URL", "REDIS_URL", "DEBUG", "DJANGO_SETTINGS_MODULE", "SECRET_KEY")
ROOTS = ("platform", "examples", ".")


def hold(var: Path) -> subprocess.Popen[str]:
    """A process that uses the servers of `var` until it is killed; returns when they answer."""
    process = python(
        "from assay import embedded; embedded.start('test'); print('up', flush=True); import time; time.sleep(600)", var
    )
    assert process.stdout is not None
    assert process.stderr is not None
    if process.stdout.readline() != "up\n":
        raise AssertionError(process.stderr.read())
    return process


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether `condition` comes true within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def postmaster(servers_home: Path) -> int:
    """The process id of an instance's PostgreSQL, which is known to run."""
    return int((servers_home / "data" / "postmaster.pid").read_text().split("\n")[0])


def is_up() -> bool:
    """Whether the test instance of the present ASSAY_VAR answers."""
    found = embedded.status("test")
    return found.postgres and found.redis
