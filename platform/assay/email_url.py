"""Turns EMAIL_URL into what Django's settings want."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class MailServer(NamedTuple):
    """Django's settings, in their order: EMAIL_HOST, _PORT, _HOST_USER, _HOST_PASSWORD, _USE_TLS, _USE_SSL."""

    host: str
    port: int
    user: str
    password: str
    use_tls: bool
    use_ssl: bool


def parse(url: str) -> MailServer:
    """The server behind `smtp://`, `smtp+starttls://` or `smtps://`.

    Raises ImproperlyConfigured, whose text says what is wrong with the URL (never quoting its password).
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _wrong(f"cannot be read ({error})") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise _wrong("does not start with smtp://, smtp+starttls:// or smtps:// and a host")
    return MailServer(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        use_tls=parts.scheme == "smtp+starttls",
        use_ssl=parts.scheme == "smtps",
    )


def _wrong(why: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"EMAIL_URL {why}.\nExample: smtp+starttls://assay:secret@mail.example:587")
