"""Every environment variable that Assay reads, declared once: the settings, the docs and the checks use this table."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


@dataclass(frozen=True)
class Variable:
    """One variable: its name, what holds when it is not set (as text), and what it is for."""

    name: str
    default: str
    help: str


VARIABLES = (
    Variable(
        "DATABASE_URL", "",
        "The PostgreSQL server (16 or newer), e.g. `postgresql://assay_owner:secret@db.example:5432/assay`, or over a "
        "Unix socket `postgresql:///assay?host=/run/postgresql&user=assay_owner`. Without it the embedded PostgreSQL "
        "starts.",
    ),
    Variable(
        "REDIS_URL", "",
        "The Redis server, e.g. `redis://redis.example:6379/0` or `unix:///run/redis/redis.sock?db=0`. Without it the "
        "embedded Redis starts.",
    ),
    Variable(
        "SECRET_KEY", "",
        "Signs sessions and tokens: at least 50 random characters, the same for all processes. Required with "
        "`DATABASE_URL` unless `DEBUG` is on; otherwise one is made and kept in `var/secret_key`.",
    ),
    Variable(
        "DEBUG", "",
        "`1` shows errors with their details in the browser and drops the need for HTTPS; `0` is for production. "
        "Without it: on with the embedded PostgreSQL, off with `DATABASE_URL`.",
    ),
    Variable(
        "ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]",
        "The names under which the pages may be asked for, with commas between them.",
    ),
    Variable(
        "CSRF_TRUSTED_ORIGINS", "",
        "Origins that may send forms, with commas between them, e.g. `https://assay.example`. Needed behind a proxy "
        "that ends HTTPS.",
    ),
    Variable(
        "SECURE_PROXY_SSL_HEADER", "",
        "The header by which your proxy says that a request came by HTTPS, e.g. `X-Forwarded-Proto`. Set it only if "
        "the proxy always overwrites that header.",
    ),
    Variable(
        "ASSAY_WAREHOUSES", "retail,ecommerce",
        "The Django apps that declare warehouses, with commas between them. They are looked for in `warehouses/` and "
        "`examples/`.",
    ),
    Variable(
        "ASSAY_VAR", "var",
        "The folder for everything Assay writes besides the database: the embedded servers' data, the generated "
        "`SECRET_KEY`, generated files.",
    ),
    Variable(
        "ASSAY_DATA_ROOT", "data",
        "The folder that sources read files from, relative to `ASSAY_VAR` unless absolute. Paths outside it are "
        "refused.",
    ),
    Variable(
        "ASSAY_FOUR_EYES_ABOVE", "",
        "A decision about more rows than this needs the approval of another person. Without it none does, unless its "
        "author asks for it.",
    ),
    Variable("ASSAY_WORKERS", "2", "How many processes `manage.py up` gives the worker."),
    Variable(
        "ASSAY_URL", "http://localhost:8000",
        "Where people reach the pages: what links in notifications begin with, e.g. `https://assay.example`.",
    ),
    Variable(
        "ASSAY_NOTIFY_EMAIL", "",
        "Who is told by e-mail of failed runs and new issues: addresses with commas between them.",
    ),
    Variable(
        "ASSAY_NOTIFY_WEBHOOK", "",
        "A URL that is sent the same as JSON, as Slack's incoming webhooks take it (Mattermost, Rocket.Chat too).",
    ),
    Variable(
        "EMAIL_URL", "smtp://localhost:25",
        "The mail server, e.g. `smtp+starttls://assay:secret@mail.example:587`; `smtps://` for TLS from the start, "
        "`smtp://` for none.",
    ),
    Variable("EMAIL_FROM", "assay@localhost", "The sender of e-mails."),
    Variable("TIME_ZONE", "UTC", "The time zone that the pages show, e.g. `Europe/Berlin`. The database keeps UTC."),
    Variable("LOG_LEVEL", "INFO", "What is logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`."),
    Variable(
        "ASSAY_LOG_FORMAT", "line",
        "`line` for people, `json` for programs: one object a line, with the ids of run and step.",
    ),
    Variable(
        "ASSAY_METRICS_TOKEN", "",
        "The token with which Prometheus may read `/metrics`, at least 20 random characters. Without it only staff "
        "may.",
    ),
)  # fmt: skip
# Set by Assay itself for the processes it starts: not settings, and no use in setting them.
INTERNAL = ("ASSAY_EMBEDDED",)
_DEFAULTS = {variable.name: variable.default for variable in VARIABLES}


def text(name: str, environ: Mapping[str, str] | None = None) -> str:
    """The value of a declared variable, or its default; an empty value counts as not set."""
    default = _DEFAULTS[name]  # a KeyError here means: declare it above
    return (os.environ if environ is None else environ).get(name, "").strip() or default


def words(name: str) -> list[str]:
    """The comma-separated values of a variable."""
    return [word.strip() for word in text(name).split(",") if word.strip()]


def flag(name: str, default: bool) -> bool:
    """A variable that is on or off; `default` when it is not set."""
    value = text(name).lower()
    if not value:
        return default
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}. Set it to 1 or 0.")


def choice(name: str, values: Iterable[str]) -> str:
    """A variable that is one of some words."""
    value, known = text(name).lower(), list(values)
    if value not in known:
        raise ImproperlyConfigured(f"{name} is {value!r}. Set it to one of: {', '.join(known)}.")
    return value


def secret(name: str, shortest: int) -> str:
    """A variable that nobody should guess; "" where it is not set. Its value is in no message."""
    value = text(name)
    if value and len(value) < shortest:
        raise ImproperlyConfigured(f"{name} has {len(value)} characters. Give it at least {shortest}, at random.")
    return value


def number(name: str) -> int:
    """A variable that is a whole number from 1 on."""
    value = text(name)
    if not value.isdigit() or int(value) < 1:
        raise ImproperlyConfigured(f"{name} is {value!r}. Set it to a whole number, e.g. {_DEFAULTS[name]}.")
    return int(value)
