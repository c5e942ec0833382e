"""The laboratory's database, and connections to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connections
from psycopg import sql
from pytest_django import DjangoDbBlocker

from tests.warehouses import bench_database as bench

Connect = Callable[..., bench.Connection]


@pytest.fixture(scope="session")
def lab_parameters(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, Any]]:
    """How to connect to the laboratory's database: a copy of the test database with the laboratory in it."""
    with django_db_blocker.unblock():
        found = connections["default"].get_connection_params()
        connections.close_all()  # a template must have no connections
    parameters = {name: found[name] for name in ("dbname", "user", "password", "host", "port") if found.get(name)}
    copied, name = parameters["dbname"], parameters["dbname"] + "_lab"
    lab = parameters | {"dbname": name}
    with psycopg.connect(**parameters | {"dbname": "postgres"}, autocommit=True) as server:
        dropped = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
        server.execute(dropped)
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(copied)))
        with psycopg.connect(**lab) as connection:
            bench.install(connection)
        yield lab
        server.execute(dropped)


@pytest.fixture
def connect(lab_parameters: dict[str, Any]) -> Iterator[Connect]:
    """connect(user=…): connections of the owner's (or another's) in autocommit mode, closed after the test."""
    made: list[bench.Connection] = []

    def connect(**parameters: Any) -> bench.Connection:
        connection: bench.Connection = psycopg.connect(**lab_parameters | {"autocommit": True} | parameters)
        made.append(connection)
        return connection

    yield connect
    for connection in made:
        connection.close()


@pytest.fixture
def lab(connect: Connect) -> bench.Connection:
    """A connection in a transaction as loads need it; what the test does is rolled back."""
    connection = connect()
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    return connection
