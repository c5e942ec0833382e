"""The SECRET_KEY of an installation that was not given one."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from assay.embedded.errors import UnsafeDirectory, explained


def secret_key(given: str, *, required: bool, folder: Path) -> str:
    """`given`; or else the key kept in `folder`, made the first time. ImproperlyConfigured where one is `required`."""
    if given:
        return given
    if required:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set, and with DATABASE_URL and without DEBUG it must be.\n"
            "Set it to 50 or more random characters, the same for web, worker and beat, e.g. the output of\n"
            "  python3 -c 'import secrets; print(secrets.token_urlsafe(50))'\n"
            "Or set DEBUG=1, if this is only for trying out on your own machine."
        )
    path = folder / "secret_key"
    with explained(path):
        try:
            return _read(path)
        except FileNotFoundError:
            folder.mkdir(parents=True, exist_ok=True)
            _create(path)
            return _read(path)


def _create(path: Path) -> None:
    # Written under another name and linked: of two processes that start together one wins, and both read whole keys.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
        path.hardlink_to(draft)
    except FileExistsError:
        pass  # the other process was first: its key holds
    finally:
        draft.unlink()


def _read(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor) as file:
        if os.fstat(descriptor).st_mode & 0o077:
            raise UnsafeDirectory(
                "The file with the generated SECRET_KEY can be read by others.",
                where=path,
                do="Delete it: a new one is made at the next start (and everybody has to log in again).",
            )
        return file.read().strip()
