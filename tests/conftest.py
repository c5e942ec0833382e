"""Databases that tests share. Their servers come from ../conftest.py."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connections
from psycopg import sql
from pytest_django import DjangoDbBlocker


@pytest.fixture(scope="session")
def pristine(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, Any]]:
    """How to connect to a database that is as migrations leave it: the template of `database_copy`.

    Tests with real commits need a database of their own, for bronze refuses to be emptied; and a transactional test
    empties the tables of our models, which migrations have filled.
    """
    with django_db_blocker.unblock():
        found = connections["default"].get_connection_params()
        name = f"{found['dbname']}_pristine"
        connections["default"].close()  # a template must have no connections
        parameters = {key: found[key] for key in ("dbname", "user", "password", "host", "port") if found.get(key)}
        with psycopg.connect(**parameters | {"dbname": "postgres"}, autocommit=True) as server:
            dropped = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
            server.execute(dropped)
            copied = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            server.execute(copied.format(sql.Identifier(name), sql.Identifier(found["dbname"])))
            yield parameters | {"dbname": name}
            server.execute(dropped)


@pytest.fixture
def database_copy(pristine: dict[str, Any], db: None) -> Iterator[Callable[[], psycopg.Connection[tuple[Any, ...]]]]:
    """database_copy(): a connection, in autocommit, to a new copy of the migrated database; dropped after the test."""
    made: list[psycopg.Connection[tuple[Any, ...]]] = []
    with psycopg.connect(**pristine | {"dbname": "postgres"}, autocommit=True) as server:

        def copy() -> psycopg.Connection[tuple[Any, ...]]:
            name = f"{pristine['dbname']}_{len(made) + 1}"
            names = [sql.Identifier(name), sql.Identifier(pristine["dbname"])]
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
            made.append(psycopg.connect(**pristine | {"dbname": name}, autocommit=True))
            return made[-1]

        yield copy
        for connection in made:
            name = connection.info.dbname
            connection.close()
            # Without FORCE: that would need a superuser where an autovacuum worker looks at the copy just then.
            server.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
