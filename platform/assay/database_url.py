"""Turns DATABASE_URL into Django's DATABASES entry."""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

SEARCH_PATH = "-c search_path=public,dwh_lineage"
# Seconds. Without it a host that swallows packets holds a worker or a page for as long as TCP tries: two minutes.
CONNECT_TIMEOUT = "10"
_EXAMPLES = (
    "Examples: postgresql://assay_owner:secret@db.example:5432/assay, "
    "or over a Unix socket postgresql:///assay?host=/run/postgresql&user=assay_owner. "
    "Characters such as @ : / ? # % in a password are written as %40 %3A %2F %3F %23 %25."
)


def parse(url: str) -> dict[str, Any]:
    """The DATABASES entry for a `postgresql://` URL, of which everything libpq knows may be a parameter.

    Raises ImproperlyConfigured, whose text says what is wrong with the URL (never quoting its password).
    """
    parts, port = _split(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    name = unquote(parts.path.removeprefix("/")) or options.pop("dbname", "")
    if not name or "/" in name:
        raise _wrong("names no database after the host")
    entry = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "HOST": unquote(parts.hostname or "") or options.pop("host", ""),
        "PORT": str(port or options.pop("port", "")),
        "USER": unquote(parts.username or "") or options.pop("user", ""),
        "PASSWORD": unquote(parts.password or "") or options.pop("password", ""),
    }
    own = options.pop("options", "")
    return entry | {
        "OPTIONS": {"connect_timeout": CONNECT_TIMEOUT, **options, "options": f"{own} {SEARCH_PATH}".strip()}
    }


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _wrong(f"cannot be read ({error})") from None
    if parts.scheme not in ("postgresql", "postgres"):
        raise _wrong(f"starts with {parts.scheme + '://' if parts.scheme else 'no scheme'!r} instead of postgresql://")
    if parts.fragment:
        raise _wrong("has a bare # in it")
    return parts, port


def _wrong(why: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"DATABASE_URL {why}.\n{_EXAMPLES}")
