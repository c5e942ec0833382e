"""Several processes in the foreground: their lines, their end."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assay.processes import PartEnded, Processes
from tests.platform import embedded_helpers as helpers

SLEEP = "import time; print('ready', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP


def command(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def lives(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_each_line_has_the_name_of_its_part() -> None:
    out = io.StringIO()
    with Processes(out=out) as processes:
        processes.add("web", command("print('hello')\nimport time; time.sleep(600)"))
        processes.add("worker", command("import sys; print('böse', file=sys.stderr)\nimport time; time.sleep(600)"))
        assert helpers.eventually(lambda: out.getvalue().count("\n") == 2)
    assert sorted(out.getvalue().splitlines()) == ["web     | hello", "worker  | böse"]


def test_a_part_that_ends_is_named_with_its_last_lines_and_takes_the_rest_along() -> None:
    with Processes(out=io.StringIO()) as processes:
        other = processes.add("web", command(SLEEP))
        processes.add("worker", command("print('no such table'); raise SystemExit(3)"))
        with pytest.raises(PartEnded, match=r"worker has ended with exit status 3(.|\n)*no such table"):
            processes.wait(20)
    assert other.popen.returncode is not None


def test_a_part_that_ignores_sigterm_is_killed_after_the_grace() -> None:
    out = io.StringIO()
    with Processes(out=out, grace=0.3) as processes:
        stubborn = processes.add("worker", command(STUBBORN))
        assert helpers.eventually(lambda: "ready" in out.getvalue())
    assert stubborn.popen.returncode == -signal.SIGKILL
    assert "worker does not end within" in out.getvalue()


def test_children_of_a_part_end_with_it() -> None:
    out = io.StringIO()
    code = (
        "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid)\n"
    )
    with Processes(out=out) as processes:
        processes.add("web", command(code + SLEEP))
        assert helpers.eventually(lambda: "ready" in out.getvalue())
        grandchild = int(out.getvalue().splitlines()[0].split("|")[1])
        assert lives(grandchild)
    assert helpers.eventually(lambda: not lives(grandchild))


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_without_a_traceback(sign: signal.Signals, tmp_path: Path) -> None:
    supervisor, pid = supervise(tmp_path)
    supervisor.send_signal(sign)
    _, errors = supervisor.communicate(timeout=20)
    assert (supervisor.returncode, errors) == (0, "")
    assert not lives(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells children of their parent's death")
def test_kill_9_of_the_supervisor_ends_the_parts(tmp_path: Path) -> None:
    supervisor, pid = supervise(tmp_path)
    supervisor.kill()
    supervisor.communicate()
    assert helpers.eventually(lambda: not lives(pid))


def supervise(tmp_path: Path) -> tuple[subprocess.Popen[str], int]:
    """A process that supervises one part, and the part's process id."""
    code = (
        "import sys; from assay.processes import Processes\n"
        "with Processes() as processes:\n"
        "    part = processes.add('part', [sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "    print(part.popen.pid, flush=True)\n"
        "    processes.wait()\n"
    )
    supervisor = helpers.python(code, tmp_path)
    assert supervisor.stdout is not None
    return supervisor, int(supervisor.stdout.readline())


def test_wait_returns_when_the_time_is_up() -> None:
    with Processes(out=io.StringIO()) as processes:
        processes.add("web", command(SLEEP))
        begin = time.monotonic()
        processes.wait(0.3)
        assert 0.3 <= time.monotonic() - begin < 5
