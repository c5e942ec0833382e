"""The tutorial, walked: every file in it is written, every command run, every output compared.

In docs/tutorial.md a file is a fenced block under a line that holds its path alone, as in `path`: (a diff changes it).
In a console block `$` begins a command; what follows is its output, where `…` stands for lines left out.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from assay.embedded.places import CHECKOUT

TUTORIAL = CHECKOUT / "docs" / "tutorial.md"
_BLOCK = re.compile(r"(?:^`(?P<path>[^`\n]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S)
_SECONDS = re.compile(r"\d+\.\d+ s\b")
_LOGGED = re.compile(
    r"^\d\d:\d\d:\d\d INFO .*\n", re.M
)  # of the work that --here does; with times and numbers of its own
_PROGRESS = re.compile(r"^\S+ +running\n", re.M)  # whether a step is seen while it runs is a matter of luck


@dataclass(frozen=True)
class Block:
    """A fenced block; `path` where it is a file."""

    kind: str
    text: str
    path: str | None


def blocks() -> list[Block]:
    return [Block(m["kind"], m["text"], m["path"]) for m in _BLOCK.finditer(TUTORIAL.read_text(encoding="utf-8"))]


def commands(text: str) -> Iterator[tuple[str, str]]:
    """(command, output shown) of a console block."""
    for piece in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, output = piece.partition("\n")
        yield command, output


def pattern(shown: str) -> re.Pattern[str]:
    """What an output must match."""
    lines = (r"(?:.*\n)*" if line == "…\n" else re.escape(line) for line in shown.splitlines(keepends=True))
    return re.compile("".join(lines))


def common(output: str) -> str:
    return _SECONDS.sub("… s", _PROGRESS.sub("", _LOGGED.sub("", output)))


class Reader:
    """Somebody at a terminal in a clone: a shell that keeps its variables from command to command."""

    def __init__(self, clone: Path) -> None:
        self.clone = clone
        ours = re.compile(r"(ASSAY|PYTEST|DJANGO|PG)\w*|DATABASE_URL|REDIS_URL|DEBUG|SECRET_KEY|PYTHONPATH|VIRTUAL_ENV")
        env = {name: value for name, value in os.environ.items() if not ours.fullmatch(name)}
        self.shell = subprocess.Popen(
            ["sh"], cwd=clone, env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def types(self, command: str) -> tuple[int, str]:
        """(exit status, output) of a command."""
        assert self.shell.stdin is not None
        assert self.shell.stdout is not None
        self.shell.stdin.write(f'{{ {command}\n}} </dev/null; echo "\x01$?"\n')
        self.shell.stdin.flush()
        lines: list[str] = []
        for line in self.shell.stdout:
            before, mark, status = line.partition("\x01")
            if mark:
                return int(status), "".join(lines) + before
            lines.append(line)
        raise AssertionError(f"The shell ended at: {command}\n{''.join(lines)}")

    def leaves(self) -> None:
        """Ends the shell and takes away the servers' data, which for root stand outside of the clone."""
        # With both paths given: the data of the checkout that we test must never be meant.
        self.types(f"ASSAY_VAR=\"$PWD/var\" PYTHONPATH=platform '{sys.executable}' -m assay.embedded remove --yes")
        self.shell.communicate("exit\n", timeout=30)


def write(clone: Path, block: Block) -> None:
    assert block.path is not None
    file = clone / block.path
    if block.kind != "diff":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text, encoding="utf-8")
        return
    old, new = ("".join(line[1:] for line in block.text.splitlines(True) if line[0] == sign) for sign in "-+")
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{block.path} has no single place for the change:\n{old}"
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What git would give a reader, with the packages installed already."""
    lock = b"".join((CHECKOUT / name).read_bytes() for name in ("requirements/dev.txt", "pyproject.toml"))
    mark = CHECKOUT / ".venv" / "installed-dev"
    if not mark.exists() or mark.read_bytes() != lock:
        pytest.skip("Needs the .venv that `make install` makes, brought up to date.")
    git = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(git, cwd=CHECKOUT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("Needs git, and a checkout made by it.")
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (CHECKOUT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes((CHECKOUT / name).read_bytes())
    (tmp_path / ".venv").symlink_to(CHECKOUT / ".venv")
    return tmp_path


@pytest.mark.slow
def test_every_step_of_the_tutorial_does_what_it_says(clone: Path) -> None:
    reader = Reader(clone)
    try:
        for block in blocks():
            if block.path:
                write(clone, block)
                continue
            for command, shown in commands(block.text):
                status, output = reader.types(command)
                assert status == 0, f"$ {command}\n{output}"
                if shown:
                    assert pattern(common(shown)).fullmatch(common(output)), f"$ {command}\n{output}\nshown:\n{shown}"
    finally:
        reader.leaves()


def test_the_tutorial_has_files_and_commands_and_nothing_else_in_blocks() -> None:
    found = blocks()
    assert len(re.findall(r"^```", TUTORIAL.read_text(encoding="utf-8"), re.M)) == 2 * len(found)
    assert all(block.path or block.kind == "console" for block in found)
    assert sum(block.kind == "console" for block in found) > 5
