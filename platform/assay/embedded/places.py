"""Where the embedded servers keep things, and the private folders they need.

An *instance* is one pair of servers (`default-18`, `test-18`, …) of one `var` folder. Its *home* holds the data, the
configuration, the logs and the locks:

- for an ordinary user `var/embedded/<instance>/`;
- for root `/var/lib/assay/<key>/<instance>/`, because PostgreSQL refuses to run as root, and the unprivileged user it
  runs as can usually not reach a checkout of root's. `<key>` is a hash of the path of `var`, so that two checkouts
  never meet.

The *run* folder holds the sockets. A socket's path may not be longer than 107 bytes, so it stands in the home where
that is short and plain, and in a folder of the user's own in /tmp otherwise.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from assay.embedded.accounts import Account
from assay.embedded.errors import UnsafeDirectory, explained

CHECKOUT = Path(__file__).resolve().parents[3]
ROOT_HOME = Path("/var/lib/assay")
POSTGRES_SOCKET = ".s.PGSQL.5432"
_LONGEST_SOCKET = 99
_PLAIN = re.compile(rb"[A-Za-z0-9._/+-]+")


def var_dir() -> Path:
    """The folder for everything that Assay writes: ASSAY_VAR, or `var` in the checkout."""
    return Path(os.path.realpath(CHECKOUT / (os.environ.get("ASSAY_VAR") or "var")))


@dataclass(frozen=True)
class Place:
    """The paths of one instance. Building it touches nothing."""

    name: str
    home: Path
    run: Path

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def conf(self) -> Path:
        return self.home / "conf"

    @property
    def start_lock(self) -> Path:
        return self.home / "start.lock"

    @property
    def users_lock(self) -> Path:
        return self.home / "users.lock"

    @property
    def guardian_lock(self) -> Path:
        return self.home / "guardian.lock"

    @property
    def redis_socket(self) -> Path:
        return self.run / "redis.sock"

    def log(self, program: str) -> Path:
        """The log of `postgres`, `redis` or `guardian`."""
        return self.home / f"{program}.log"


def find_place(name: str) -> Place:
    """The place of instance `name` of this checkout (or of ASSAY_VAR), for the user who asks."""
    var = var_dir()
    key = hashlib.sha256(os.fsencode(var)).hexdigest()[:12]
    if os.geteuid() == 0:
        home = ROOT_HOME / key / name
        return Place(name, home, home / "run")
    home = var / "embedded" / name
    return Place(name, home, _run_dir(home, key, name))


def _run_dir(home: Path, key: str, name: str) -> Path:
    run = home / "run"
    raw = os.fsencode(run / POSTGRES_SOCKET)
    # Plain: a comma or a quote in unix_socket_directories, or a space in a URL, is one place more to get wrong.
    if len(raw) <= _LONGEST_SOCKET and _PLAIN.fullmatch(raw):
        return run
    return Path(f"/tmp/assay-{os.geteuid()}-{key}-{name}")  # noqa: S108 - ownership and mode are checked before use


def prepare(place: Place, account: Account) -> None:
    """Creates the instance's folders, or checks that those found are ours, private and no links."""
    with explained(place.home):
        if os.geteuid() == 0:
            # Root's own parents: the servers' user may pass, and nobody but root may rename or plant anything.
            private_dir(ROOT_HOME, 0o711, 0, 0)
            private_dir(place.home.parent, 0o710, 0, account.gid)
            private_dir(place.home, 0o710, 0, account.gid)
        else:
            place.home.parent.parent.mkdir(parents=True, exist_ok=True)
            private_dir(place.home.parent, 0o700, account.uid, account.gid)
            private_dir(place.home, 0o700, account.uid, account.gid)
        private_dir(place.conf, 0o750 if account.switched else 0o700, os.geteuid(), account.gid)
        private_dir(place.run, 0o700, account.uid, account.gid)


def private_dir(path: Path, mode: int, uid: int, gid: int) -> None:
    """Creates `path` with exactly this mode and owner, or refuses what stands there if it is anything else."""
    try:
        path.mkdir(mode=0o700, parents=path == ROOT_HOME)
    except FileExistsError:
        check_private(path, mode, uid)
        return
    if os.geteuid() == 0:
        os.chown(path, uid, gid, follow_symlinks=False)
    path.chmod(mode)


def check_private(path: Path, mode: int, uid: int) -> None:
    """Refuses a link, a folder of somebody else's, and one that is more open than `mode`."""
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise _unsafe(path, "is not a folder (perhaps a link)")
    if found.st_uid != uid:
        raise _unsafe(path, f"belongs to user {found.st_uid}, not to user {uid}")
    if stat.S_IMODE(found.st_mode) & ~mode:
        raise _unsafe(path, f"is open to others (mode {stat.S_IMODE(found.st_mode):o}, expected {mode:o})")


def _unsafe(path: Path, why: str) -> UnsafeDirectory:
    return UnsafeDirectory(
        f"A private folder is not safe to use: it {why}.",
        where=path,
        do="Somebody else may have put it there: look at it, remove it, and try again.",
    )
