"""`manage.py up`: everything in the foreground, and nothing left afterwards."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from assay import embedded
from assay.embedded.places import CHECKOUT
from tests.platform import embedded_helpers as helpers


class Up:
    """A running `manage.py up` with its output so far."""

    def __init__(self, var: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(self.port)],
            cwd=CHECKOUT, env=helpers.environment(var), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def is_ready(self) -> bool:
        return self.get("/healthz/web")[0] == 200 and any("ready." in line for line in self.lines)


@pytest.mark.slow
def test_up_serves_the_pages_and_ends_cleanly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_VAR", str(tmp_path / "var"))
    up = Up(tmp_path / "var")
    try:
        assert helpers.eventually(up.is_ready, seconds=60), "".join(up.lines)
        assert helpers.eventually(lambda: json.loads(up.get("/healthz")[1])["sweep"]["ok"], seconds=30)
        assert up.get("/")[0] == 200, "the login page"
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(40) == 0
        assert "Traceback" not in "".join(up.lines)
        assert {line.split("|")[0].strip() for line in up.lines if "|" in line} >= {"assay", "worker"}
        assert up.get("/healthz")[0] == 0
    finally:
        up.process.kill()
        helpers.eventually(lambda: not embedded.status().in_use)
        embedded.remove()
