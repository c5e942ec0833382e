"""The laboratory's database, copies of it, and connections to them."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import modify_settings
from psycopg import sql

from lineage.code import record
from lineage.code.installed import Code, Installed
from lineage.parsing.values import Findings
from medallion.registry import warehouse
from tests.warehouses import bench_database as bench
from tests.warehouses.shop import Shop

Connect = Callable[..., bench.Connection]
Renewed = Callable[[], bench.Connection]
Parameters = dict[str, Any]
#: So many examples share a session.
_EXAMPLES_OF_A_SESSION = 10

_numbers = itertools.count(1)


class Readings:
    """What the lineage of a text is, by its fingerprint: tests install the same tables again and again, and to read
    them takes longer than all else that a migration of theirs does."""

    def __init__(self) -> None:
        self._of, self._parse = record._Fingerprints.of, record.parse
        self._known: dict[str, Findings] = {}
        self._latest = ""

    def of(self, fingerprints: record._Fingerprints, code: Code) -> str:
        self._latest = self._of(fingerprints, code)
        return self._latest

    def parse(self, code: Code, installed: Installed) -> Findings:
        if self._latest not in self._known:
            self._known[self._latest] = self._parse(code, installed)
        return self._known[self._latest]


_readings = Readings()


@contextlib.contextmanager
def copy_of(parameters: Parameters, suffix: str) -> Iterator[Parameters]:
    """A copy of a database to which nobody is connected; dropped afterwards."""
    name = parameters["dbname"] + suffix
    with psycopg.connect(**parameters | {"dbname": "postgres"}, autocommit=True) as server:
        dropped = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
        server.execute(dropped)
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(parameters["dbname"]))
        )
        try:
            yield parameters | {"dbname": name}
        finally:
            server.execute(dropped)


@contextlib.contextmanager
def connecting(parameters: Parameters) -> Iterator[Connect]:
    """connect(user=…): connections of the owner's (or another's) in autocommit mode, closed at the end."""
    made: list[bench.Connection] = []

    def connect(**others: Any) -> bench.Connection:
        connection: bench.Connection = psycopg.connect(**parameters | {"autocommit": True} | others)
        made.append(connection)
        return connection

    try:
        yield connect
    finally:  # or what failed would keep its copy of the database in use, and hide behind that
        for connection in made:
            connection.close()


@pytest.fixture(scope="session")
def lab_parameters(pristine: Parameters) -> Iterator[Parameters]:
    """How to connect to the laboratory's database: a copy of the migrated one with the laboratory in it, empty."""
    with copy_of(pristine, "_lab") as lab:
        with psycopg.connect(**lab) as connection:
            bench.install(connection)
        yield lab


@pytest.fixture(scope="session")
def crowd_parameters(lab_parameters: Parameters) -> Iterator[Parameters]:
    """A laboratory in which tests commit."""
    with copy_of(lab_parameters, "_crowd") as crowd:
        yield crowd


@pytest.fixture
def connect(lab_parameters: Parameters, db: None) -> Iterator[Connect]:
    """Connections to the laboratory, for tests that commit nothing."""
    with connecting(lab_parameters) as connect:
        yield connect


@pytest.fixture
def connect_crowd(crowd_parameters: Parameters) -> Iterator[Connect]:
    """Connections to a laboratory in which tests commit."""
    with connecting(crowd_parameters) as connect:
        yield connect


@pytest.fixture
def connect_empty(lab_parameters: Parameters) -> Iterator[Connect]:
    """Connections to an empty laboratory of the test's own, in which it commits."""
    with copy_of(lab_parameters, "_seed") as seed, connecting(seed) as connect:
        yield connect


@pytest.fixture
def lab(connect: Connect) -> bench.Connection:
    """A connection in a transaction as loads need it; what the test does is rolled back."""
    connection = connect()
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    return connection


@pytest.fixture
def renewed(connect: Connect) -> Renewed:
    """renewed(): the connection of the next example. A new one now and then: loads make temporary tables, for each of
    which a session looks through all plans that it has cached, so one that has loaded everything is slow."""
    used = itertools.count()
    current: list[bench.Connection] = []

    def renew() -> bench.Connection:
        if next(used) % _EXAMPLES_OF_A_SESSION == 0:
            for old in current:
                old.close()
            current[:] = [connect()]
        return current[0]

    return renew


@pytest.fixture
def shop(tmp_path: Path, pristine: Parameters, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """An app that is installed, with a database of its own behind Django's connection."""
    label = f"shop_{next(_numbers)}"
    monkeypatch.setattr(record, "parse", _readings.parse)
    monkeypatch.setattr(record._Fingerprints, "of", lambda self, code: _readings.of(self, code))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    tested = connections["default"]
    with copy_of(pristine, "_shop") as parameters:
        own = type(tested)({**tested.settings_dict, "NAME": parameters["dbname"]}, "default")
        with connecting(parameters) as connect:
            made = Shop(tmp_path, label, connect())
            connections["default"] = own
            try:
                with modify_settings(INSTALLED_APPS={"append": label}):
                    warehouse.cache_clear()
                    yield made
            finally:
                own.close()
                connections["default"] = tested
                warehouse.cache_clear()
