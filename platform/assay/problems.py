"""Says in plain words what keeps a command from starting, instead of a traceback.

Only what a person can put right from outside is caught: servers, settings, disk. Anything else is a fault of ours and
keeps its traceback; `--traceback` shows it for these too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, OperationalError

from assay import database_url, servers
from assay.embedded import EmbeddedError

OLDEST_POSTGRES = 16
# Words of libpq's and the server's messages → what to do. The first that is found counts.
_ADVICE = (
    ("password authentication failed", "Check the user and the password in DATABASE_URL."),
    ("no password supplied", "Give a password in DATABASE_URL: postgresql://user:password@host/database."),
    ("eer authentication failed", "Give a user that the server lets you be, or use a password and a host name."),
    ("no pg_hba.conf entry", "The server does not let this machine or user in: add a line to its pg_hba.conf."),
    ("role ", "Create the role (CREATE ROLE … LOGIN CREATEROLE CREATEDB), or check the user in DATABASE_URL."),
    ("database ", "Create the database (CREATE DATABASE … OWNER …), or check the name in DATABASE_URL."),
    ("too many clients", "Wait, end other programs, or raise max_connections on the server."),
    ("the database system is", "The server is starting or stopping: wait a moment and try again."),
    ("resolve host", "Check the host name in DATABASE_URL."),
    ("translate host name", "Check the host name in DATABASE_URL."),
    ("Connection refused", "Check host and port in DATABASE_URL, and that the server runs and listens there."),
    ("No such file", "No server listens at that socket: start it, or unset DATABASE_URL to use the embedded one."),
    ("Permission denied", "You may not enter the folder of that socket: run as the user the server belongs to."),
    ("timeout", "No answer: check host, port and firewalls."),
    ("SSL", "Check sslmode and the certificates in DATABASE_URL."),
)


class ServerUnusable(RuntimeError):
    """The PostgreSQL server cannot be reached, or is no server that Assay can work with."""


@contextmanager
def explained(arguments: list[str]) -> Iterator[None]:
    """Runs a command; ends the process with a message and status 1 on the problems this module knows."""
    try:
        yield
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        sys.exit(130)
    except (EmbeddedError, ImproperlyConfigured, ServerUnusable) as problem:
        _leave(str(problem), arguments, problem)
    except (OperationalError, psycopg.OperationalError) as error:
        cause = error if isinstance(error, psycopg.OperationalError) else error.__cause__
        if not isinstance(cause, psycopg.OperationalError) or not _is_about_connecting(cause):
            raise
        _leave(unreachable(cause), arguments, error)


def check_database() -> None:
    """Raises ServerUnusable unless the database of DATABASE_URL answers and is new enough."""
    entry = database_url.parse(servers.database_url())
    names = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password", "NAME": "dbname"}
    given = {names[key]: str(entry[key]) for key in names if entry[key]}
    parameters = entry["OPTIONS"] | given
    try:
        with psycopg.connect("", **parameters) as connection:
            version = connection.info.server_version
    except psycopg.OperationalError as error:
        raise ServerUnusable(unreachable(error)) from error
    except psycopg.ProgrammingError as error:
        raise ServerUnusable(f"DATABASE_URL has a parameter that PostgreSQL does not know: {error}") from error
    if version // 10_000 < OLDEST_POSTGRES:
        raise ServerUnusable(
            f"The server is PostgreSQL {version // 10_000}, and Assay needs {OLDEST_POSTGRES} or newer.\n"
            f"  where: {where()}\n"
            "  do:    Upgrade the server, point DATABASE_URL at a newer one, or unset it to use the embedded one."
        )


def unreachable(error: psycopg.OperationalError | DatabaseError) -> str:
    """What a failed connection means, where, and what to do."""
    said = str(error).strip()
    advice = next(
        (advice for words, advice in _ADVICE if words in said), "Check DATABASE_URL, and that the server runs."
    )
    first = said.splitlines()[0].removeprefix("connection failed: ")
    return f"PostgreSQL cannot be reached: {first}\n  where: {where()}\n  do:    {advice}"


def where() -> str:
    """The database in words, without its password."""
    if servers.is_embedded_database():
        return "the embedded PostgreSQL (`python -m assay.embedded status`)"
    entry = database_url.parse(servers.database_url())
    host = entry["HOST"] or "the default socket"
    port = f", port {entry['PORT']}" if entry["PORT"] else ""
    return f"DATABASE_URL: database {entry['NAME']!r} on {host}{port} as user {entry['USER'] or '(yours)'}"


def _is_about_connecting(error: psycopg.OperationalError) -> bool:
    state = error.sqlstate or ""
    return state == "" or state.startswith(("08", "28", "3D", "53", "57P"))


def _leave(message: str, arguments: list[str], error: BaseException) -> None:
    if "--traceback" in arguments:
        raise error
    red, plain = ("\033[31;1m", "\033[0m") if sys.stderr.isatty() else ("", "")
    print(f"{red}Error:{plain} {message}", file=sys.stderr)
    sys.exit(1)
