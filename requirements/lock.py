"""Makes the lock files (`make lock`), or checks that they belong to pyproject.toml (`make check`, offline).

    python requirements/lock.py write|check

The locks are universal: one set of files for Python 3.11.0 and later on Linux and macOS, with the hashes of the wheels,
and without any trace of the registry they were resolved from. The first line of each holds a hash of what
pyproject.toml asks for; `check` compares it.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Each is a superset of the one after it and is resolved first, so that all of them agree on the versions.
LOCKS = {"dev": ["dev"], "embedded": ["build", "embedded"], "base": ["build"]}
COMMENTS = {
    "base": "Assay itself: what a server needs that has a PostgreSQL and a Redis of its own.",
    "embedded": "Assay with the embedded PostgreSQL and Redis: what `make demo` and `make up` need.",
    "dev": "All of it: tests, checks and locks too.",
}


def fingerprint() -> str:
    """A hash of everything in pyproject.toml that a lock depends on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {key: project[key] for key in ("requires-python", "dependencies", "optional-dependencies")}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]


def path_of(name: str) -> Path:
    return ROOT / "requirements" / f"{name}.txt"


def first_line() -> str:
    return f"# for pyproject.toml with {fingerprint()}; made by `make lock`"


def write() -> int:
    for name, extras in LOCKS.items():
        command = [
            "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--python-version", "3.11.0",
            "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate", "--only-binary", ":all:",
            *[word for extra in extras for word in ("--extra", extra)],
            *(["--constraint", "requirements/dev.txt"] if name != "dev" else []),
            "pyproject.toml",
        ]  # fmt: skip
        lines = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
        path_of(name).write_text(f"{first_line()}\n# {COMMENTS[name]}\n{lines}")
        print(f"requirements/{name}.txt: {sum(line[:1].isalnum() for line in lines.splitlines())} packages")
    return 0


def check() -> int:
    stale = [name for name in LOCKS if path_of(name).read_text().split("\n", 1)[0] != first_line()]
    for name in stale:
        print(f"requirements/{name}.txt is older than pyproject.toml: run `make lock`.", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    actions = {"write": write, "check": check}
    if sys.argv[1:] not in ([name] for name in actions):
        sys.exit(__doc__)
    sys.exit(actions[sys.argv[1]]())
