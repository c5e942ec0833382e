"""Sees to it that there are servers: yours (DATABASE_URL, REDIS_URL), or the embedded ones.

Called by whatever comes first in a process (manage.py, the Celery app, wsgi, the tests), before Django's settings load.
"""

from __future__ import annotations

import os

from assay import embedded, environment
from assay.embedded import instance as instances

MARK = "ASSAY_EMBEDDED"
# Commands that need no database: they should not wait for one to start.
_WITHOUT = {
    "help", "sql", "check", "diffsettings", "collectstatic", "findstatic", "startapp",
    "makemessages", "compilemessages", "version",
}  # fmt: skip


def ensure(profile: embedded.Profile = "default", version: int = 18) -> None:
    """Puts DATABASE_URL and REDIS_URL into the environment, starting the embedded servers for those not set.

    A process started by one that called this inherits both; it then takes a hold of the servers itself, so that they
    live as long as the last process that uses them. Raises `EmbeddedError`.
    """
    if mark := os.environ.get(MARK):
        inherited = instances.parse(mark)
        embedded.start(inherited.profile, inherited.version)
        return
    database, redis = environment.text("DATABASE_URL"), environment.text("REDIS_URL")
    if database and redis:
        return
    servers = embedded.start("redis" if database else profile, version)
    os.environ[MARK] = servers.instance.name
    os.environ["DATABASE_URL"] = database or servers.database_url
    os.environ["REDIS_URL"] = redis or servers.redis_url


def is_embedded_database() -> bool:
    """Whether the database is the embedded one (or would be, once it is started)."""
    return not environment.text("DATABASE_URL") or os.environ.get(MARK, "redis") != "redis"


def are_needed(arguments: list[str]) -> bool:
    """Whether the `manage.py` command line `arguments` (without the program) needs servers."""
    if not arguments or {"-h", "--help", "--version"} & set(arguments):
        return False
    return not arguments[0].startswith("-") and arguments[0] not in _WITHOUT


def database_url() -> str:
    """DATABASE_URL, or where the embedded PostgreSQL is or would be."""
    return environment.text("DATABASE_URL") or _default().database_url


def redis_url() -> str:
    """REDIS_URL, or where the embedded Redis is or would be."""
    return environment.text("REDIS_URL") or _default().redis_url


def _default() -> embedded.Instance:
    return embedded.Instance("default", 18)
