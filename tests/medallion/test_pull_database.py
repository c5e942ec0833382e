"""Pulling from another PostgreSQL: nothing is lost, whoever writes there, and what is read twice lands once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from medallion.ingestion.spec import BronzeSpec
from medallion.pulling import origin as origins
from medallion.pulling.errors import BadPageError, NotConfiguredError, RefusedError, UnreachableError
from medallion.pulling.pull import pull
from medallion.sources import CsvFiles, PostgresTable
from tests.medallion.bronze_tables import Connection, rows_of
from tests.medallion.conftest import MakeBronze

URL = "ASSAY_TEST_SHOP_URL"
Declare = Callable[..., tuple[type[PostgresTable], BronzeSpec]]


@pytest.fixture(scope="module")
def shop_parameters(pristine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A database of a shop's own, with the schema `data`."""
    name = f"{pristine['dbname']}_oltp"
    with psycopg.connect(**pristine | {"dbname": "postgres"}, autocommit=True) as server:
        dropped = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
        server.execute(dropped)
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        yield pristine | {"dbname": name}
        server.execute(dropped)


@pytest.fixture
def shop(shop_parameters: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """A connection of who writes there. The source's URL is in the environment."""
    monkeypatch.setenv(URL, psycopg.conninfo.make_conninfo(**shop_parameters))
    with psycopg.connect(**shop_parameters, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS data CASCADE; CREATE SCHEMA data")
        connection.execute(
            "CREATE TABLE data.customers (id bigint PRIMARY KEY, name text, updated_at timestamptz DEFAULT now());"
            "CREATE INDEX ON data.customers (updated_at)"
        )
        yield connection


@pytest.fixture
def declare(shop: Connection, owner: Connection, make_bronze: MakeBronze) -> Iterator[Declare]:
    """declare("id name", cursor="updated_at") → the source and its bronze table."""

    def make(columns: str = "id name", **attributes: Any) -> tuple[type[PostgresTable], BronzeSpec]:
        what = {} if "query" in attributes else {"table": "data.customers"}
        said = {"__module__": __name__, "url": f"${{{URL}}}", "backoff": 0.01, **what, **attributes}
        source = type("TestShopTable", (PostgresTable,), said)
        spec = make_bronze(columns, of=CsvFiles)
        named = [{"name": column.name} for column in spec.columns]
        contract = {"name": spec.target.split(".")[1], "source": {"name": "test_shop_table"}, "columns": named}
        owner.execute(
            "UPDATE dwh_lineage.targets SET contract = %s WHERE target = %s", (json.dumps(contract), spec.target)
        )
        return source, spec

    yield make
    owner.execute("DELETE FROM dwh_lineage.pulls WHERE source = 'test_shop_table'")
    owner.execute("DELETE FROM dwh_staging.pulled_rows")


def add(shop: Connection, *rows: tuple[Any, ...]) -> None:
    with shop.cursor() as cursor:
        cursor.executemany("INSERT INTO data.customers VALUES (%s, %s, %s)", rows)


def at(minute: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)


def test_a_pull_reads_what_is_new_and_pulling_again_lands_nothing(
    shop: Connection, declare: Declare, work: Connection, owner: Connection
) -> None:
    source, spec = declare(cursor="updated_at", overlap=timedelta(minutes=10))
    add(shop, (1, "Ann", at(0)), (2, 'tab\t, quote", \\N, line\nbreak, Ünï', at(5)), (3, None, at(5)), (4, "", at(5)))
    assert pull(source).rows == 4
    expected = [("1", "Ann"), ("2", 'tab\t, quote", \\N, line\nbreak, Ünï'), ("3", None), ("4", "")]
    assert rows_of(work, spec) == expected
    batches = "SELECT count(*) FROM dwh_lineage.batches WHERE target = %s"
    before = owner.execute(batches, (spec.target,)).fetchone()
    assert (pull(source).rows, pull(source).rows) == (0, 0)
    assert owner.execute(batches, (spec.target,)).fetchone() == before, "a pull without news leaves a batch"
    shop.execute("UPDATE data.customers SET name = 'Bob', updated_at = %s WHERE id = 2", (at(6),))
    assert pull(source).rows == 1
    assert rows_of(work, spec) == [*expected, ("2", "Bob")]


def test_rows_that_become_visible_late_are_not_lost(shop: Connection, declare: Declare, work: Connection) -> None:
    """One within the overlap, one with a time that was read already, and one without a time."""
    source, spec = declare("id", cursor="updated_at", overlap=timedelta(minutes=10))
    add(shop, (1, "", at(0)), (2, "", at(30)))
    pull(source)
    add(shop, (3, "", at(21)), (4, "", at(30)), (5, "", None))
    assert pull(source).rows == 3
    assert pull(source).rows == 0
    shop.execute("UPDATE data.customers SET name = 'new' WHERE id = 5")
    assert sorted(rows_of(work, spec)) == [("1",), ("2",), ("3",), ("4",), ("5",)]


def test_a_transaction_that_is_longer_than_the_overlap_loses_nothing(
    shop: Connection, shop_parameters: dict[str, Any], declare: Declare, work: Connection
) -> None:
    source, spec = declare("id", cursor="updated_at", overlap=timedelta(0))
    with psycopg.connect(**shop_parameters) as slow:
        slow.execute("SELECT now()")  # its times are of here, though it writes later
        shop.execute("INSERT INTO data.customers VALUES (1)")
        pull(source)
        slow.execute("INSERT INTO data.customers VALUES (2)")
        shop.execute("INSERT INTO data.customers VALUES (3)")
        pull(source)
    pull(source)
    assert [n for (n,) in rows_of(work, spec)] == ["1", "3", "2"]


def test_a_time_to_come_does_not_hide_what_comes_before_it(
    shop: Connection, declare: Declare, work: Connection
) -> None:
    source, spec = declare("id", cursor="updated_at", overlap=timedelta(0))
    add(shop, (1, "", "infinity"), (2, "", "9999-01-01"))
    pull(source)
    shop.execute("INSERT INTO data.customers VALUES (3)")
    pull(source)
    assert sorted(rows_of(work, spec)) == [("1",), ("2",), ("3",)]


def test_concurrent_writers_lose_nothing(
    shop: Connection, shop_parameters: dict[str, Any], declare: Declare, work: Connection
) -> None:
    """Six writers insert and update in transactions of all lengths, while pulls go on, in pages of a few rows."""
    source, spec = declare("id name", cursor="updated_at", overlap=timedelta(0), page_rows=7)
    ended = threading.Event()

    def write(writer: int) -> None:
        with psycopg.connect(**shop_parameters) as connection:
            for n in range(40):
                key = writer * 1000 + n // 2
                connection.execute(
                    "INSERT INTO data.customers VALUES (%s, %s) "
                    "ON CONFLICT (id) DO UPDATE SET name = excluded.name, updated_at = excluded.updated_at",
                    (key, f"{key}: {n}"),
                )
                connection.execute("SELECT pg_sleep(0.004 * %s)", (writer,))
                if n % (writer + 1) == 0:
                    connection.commit()

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(6)]
    for thread in writers:
        thread.start()
    pulls = 0
    while not ended.is_set():
        if not any(thread.is_alive() for thread in writers):
            ended.set()  # one more pull, after the last commit
        pull(source)
        pulls += 1
    assert pulls > 2
    standing = {(str(key), name) for key, name in shop.execute("SELECT id, name FROM data.customers").fetchall()}
    assert len(standing) == 120
    landed = rows_of(work, spec)
    assert standing <= set(landed)
    assert pull(source).rows == 0


def test_pages_end_where_the_time_changes_and_a_pull_that_broke_goes_on(
    shop: Connection, declare: Declare, work: Connection, owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, spec = declare("id", cursor="updated_at", page_rows=2, attempts=1)
    add(shop, *((n, "", at(n // 3)) for n in range(10)))
    cut_off_after(5, monkeypatch)
    with pytest.raises(UnreachableError, match="in 1 attempts; the last: cut off"):
        pull(source)
    assert [n for (n,) in rows_of(work, spec)] == ["0", "1", "2"], "a page ended within a time"
    shop.execute("DELETE FROM data.customers WHERE id = 0")
    done = pull(source)
    assert (done.rows, done.next_request) == (10, None)
    assert [n for (n,) in rows_of(work, spec)] == [str(n) for n in range(10)]
    labels = [file for (file,) in owner.execute(
        "SELECT source_file FROM dwh_lineage.batches WHERE target = %s ORDER BY batch_no", (spec.target,)
    )]  # fmt: skip
    assert labels == sorted(labels)
    assert labels[0] == f"data.customers, pull {done.id:08}, page 000001"


def test_a_pull_that_goes_on_minds_who_was_at_work_when_it_began(
    shop: Connection,
    shop_parameters: dict[str, Any],
    declare: Declare,
    work: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, spec = declare("id", cursor="updated_at", overlap=timedelta(0), page_rows=1, attempts=1)
    with psycopg.connect(**shop_parameters) as slow:
        slow.execute("SELECT now()")
        for n in range(3):
            shop.execute("INSERT INTO data.customers VALUES (%s)", (n,))
        cut_off_after(2, monkeypatch)
        with pytest.raises(UnreachableError):
            pull(source)
        slow.execute("INSERT INTO data.customers VALUES (9)")
    shop.execute("INSERT INTO data.customers VALUES (10)")
    pull(source)
    pull(source)
    assert sorted(int(n) for (n,) in rows_of(work, spec)) == [0, 1, 2, 9, 10]


def cut_off_after(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next reading ends after so many rows, as where the connection is lost."""
    limits, read = iter([rows]), origins.Origin.rows

    def lose(self: origins.Origin, selected: sql.Composable) -> Iterator[bytes]:
        found = read(self, selected)
        for _ in range(next(limits, 1_000_000)):
            if (row := next(found, None)) is None:
                return
            yield row
        raise origins.LostError("cut off")

    monkeypatch.setattr(origins.Origin, "rows", lose)


def test_a_connection_that_is_lost_is_made_anew(
    shop: Connection, shop_parameters: dict[str, Any], declare: Declare, work: Connection
) -> None:
    source, spec = declare("id name", cursor="updated_at", page_rows=5, attempts=4)
    add(shop, *((n, "x" * 200_000, at(n)) for n in range(100)))
    ended: list[tuple[Any, ...]] = []

    def end(so_far: Any) -> None:
        if len(ended) < 2:  # what has been read of the connection before, comes still
            found = shop.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'assay pull test_shop_table'"
            )
            ended.extend(found.fetchall())

    assert pull(source, progress=end).rows == 100
    assert len(ended) == 2
    assert [n for n, _ in rows_of(work, spec)] == [str(n) for n in range(100)]


def test_a_whole_table_lands_as_one_batch_unless_nothing_has_changed(
    shop: Connection, declare: Declare, work: Connection, owner: Connection
) -> None:
    source, spec = declare("id name")
    assert (pull(source).rows, pull(source).pages) == (0, 0), "an empty table is no extract"
    add(shop, (1, "Ann", at(0)), (2, "Bob", at(0)))
    assert (pull(source).rows, pull(source).rows) == (2, 0)
    shop.execute("DELETE FROM data.customers WHERE id = 1")
    assert pull(source).rows == 1
    add(shop, (1, "Ann", at(0)))
    assert pull(source).rows == 2, "a state that was there before is news"
    assert rows_of(work, spec) == [("1", "Ann"), ("2", "Bob"), ("2", "Bob"), ("2", "Bob"), ("1", "Ann")]


def test_types_arrive_as_text_that_can_be_read_again(shop: Connection, declare: Declare, work: Connection) -> None:
    shop.execute(
        "SET TimeZone = 'Asia/Kolkata'; CREATE TYPE data.mood AS ENUM ('fine'); CREATE DOMAIN data.year AS int"
    )
    columns = {
        "b": ("boolean", "true", "t"), "i": ("data.year", "2026", "2026"), "n": ("numeric(10,2)", "12.50", "12.50"),
        "f": ("double precision", "'0.1'", "0.1"), "m": ("money", "'1234.5'", "1234.50"),
        "d": ("date", "'2026-02-03'", "2026-02-03"),
        "z": ("timestamptz", "'2026-02-03 04:05+01'", "2026-02-03 03:05:00+00"),
        "s": ("timestamp", "'2026-02-03 04:05:06.7'", "2026-02-03 04:05:06.7"),
        "v": ("interval", "'1 day 2 h'", "P1DT2H"),
        "y": ("bytea", "'\\x00ff'", "\\x00ff"), "a": ("text[]", "'{\"a,b\",c}'", '["a,b","c"]'),
        "j": ("jsonb", "'{\"a\": 1}'", '{"a": 1}'), "e": ("data.mood", "'fine'", "fine"),
        "u": ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    }  # fmt: skip
    shop.execute(f"CREATE TABLE data.types ({', '.join(f'{name} {kind}' for name, (kind, _, _) in columns.items())})")
    shop.execute(f"INSERT INTO data.types VALUES ({', '.join(value for _, value, _ in columns.values())})")
    source, spec = declare(" ".join(columns), table="data.types")
    pull(source)
    assert rows_of(work, spec) == [tuple(text for _, _, text in columns.values())]


def test_a_query_is_pulled_like_a_table(shop: Connection, declare: Declare, work: Connection) -> None:
    source, spec = declare(
        "id shout",
        query="SELECT c.id, upper(c.name) AS shout, c.updated_at FROM data.customers AS c -- all of them;",
        cursor="updated_at",
    )
    add(shop, (1, "Ann", at(0)))
    assert (pull(source).rows, pull(source).rows) == (1, 0)
    assert rows_of(work, spec) == [("1", "ANN")]


def test_a_number_can_be_the_cursor(shop: Connection, declare: Declare, work: Connection) -> None:
    source, spec = declare("id", cursor="id", overlap=5, page_rows=2)
    add(shop, *((n, "", None) for n in (8, 9, 10, 11, 100, 1000)))
    pull(source)
    add(shop, (996, "late", None), (990, "too late", None), (2000, "", None))
    assert pull(source).rows == 2
    assert [int(n) for (n,) in rows_of(work, spec)] == [8, 9, 10, 11, 100, 1000, 996, 2000]


def test_to_restart_is_to_read_everything_again(shop: Connection, declare: Declare, work: Connection) -> None:
    source, _ = declare("id", cursor="updated_at", overlap=timedelta(0))
    add(shop, (1, "", at(0)), (2, "", at(5)))
    pull(source)
    assert pull(source, restart=True).rows == 1, "what is not remembered lands again"
    assert pull(source).rows == 0


def _attempt(shop: Connection, declare: Declare, statement: LiteralString, **attributes: Any) -> None:
    shop.execute(statement)
    source, _ = declare(**attributes)
    pull(source)


@pytest.mark.parametrize(
    ("statement", "attributes", "words"),
    [
        ("SELECT 1", {"table": "data.customer"}, r"has no table data\.customer\. Correct table"),
        ("SELECT 1", {"columns": "id nam"}, r'column "nam" does not exist .*Correct the columns'),
        ("SELECT 1", {"cursor": "changed"}, r'column "changed" does not exist'),
        ("SELECT 1", {"cursor": "id"}, r"its cursor id is bigint, and its overlap datetime"),
        ("SELECT 1", {"cursor": "name"}, r"its cursor name is text"),
        ("SELECT 1", {"query": "SELECT id, nme FROM data.customers"}, r"does not exist.*customers\.name"),
        ("SELECT 1", {"query": "DELETE FROM data.customers RETURNING id, name"}, r"syntax error"),
        ("SELECT 1", {"query": "SELECT 1 / 0 AS id, '' AS name"}, r"division by zero"),
        ("SELECT 1", {"query": "SELECT nextval('data.s') AS id, '' AS name"}, r"does not exist"),
        (
            "CREATE SEQUENCE data.s",
            {"query": "SELECT nextval('data.s') AS id, '' AS name"},
            r"cannot execute nextval\(\) in a read-only transaction",
        ),
    ],
)
def test_what_the_other_database_refuses_is_said(
    statement: LiteralString,
    attributes: dict[str, Any],
    words: str,
    shop: Connection,
    declare: Declare,
    owner: Connection,
) -> None:
    with pytest.raises(RefusedError, match=words):
        _attempt(shop, declare, statement, **attributes)
    state = owner.execute("SELECT state FROM dwh_lineage.pulls WHERE source = 'test_shop_table'").fetchone()
    assert state == ("failed",)


def test_a_right_that_is_missing_is_said(
    shop: Connection, declare: Declare, monkeypatch: pytest.MonkeyPatch, shop_parameters: dict[str, Any]
) -> None:
    shop.execute("DROP ROLE IF EXISTS assay_test_reader; CREATE ROLE assay_test_reader LOGIN PASSWORD 'r3ader'")
    try:
        monkeypatch.setenv(URL, psycopg.conninfo.make_conninfo(**shop_parameters | {"user": "assay_test_reader"}))
        source, _ = declare(attempts=2)
        with pytest.raises(RefusedError, match="permission denied for schema data Give the user that url names"):
            pull(source)
    finally:
        shop.execute("DROP ROLE assay_test_reader")


def test_a_server_that_is_not_there_is_given_up_and_no_password_is_said(
    declare: Declare, owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = declare(attempts=2)
    monkeypatch.setenv(URL, "postgresql://reader:s3cret@127.0.0.1:1/shop")
    with pytest.raises(UnreachableError, match="in 2 attempts; the last: ") as caught:
        pull(source)
    assert "s3cret" not in str(caught.value)
    monkeypatch.setenv(URL, "postgresql://reader:s3/cr@et@127.0.0.1:no/shop")
    with pytest.raises(RefusedError, match="no connection string") as refused:
        pull(source)
    assert "s3" not in str(refused.value)
    monkeypatch.delenv(URL)
    with pytest.raises(NotConfiguredError, match=f"environment variable {URL}, which its url names"):
        pull(source)


def test_what_the_warehouse_refuses_is_said_and_nothing_lands(
    shop: Connection, declare: Declare, work: Connection, owner: Connection
) -> None:
    source, spec = declare("id name")
    owner.execute(
        sql.SQL("ALTER TABLE {} ADD CHECK (name <> 'bad')").format(sql.Identifier(*spec.rows_relation.split(".")))
    )
    add(shop, (1, "good", at(0)), (2, "bad", at(0)))
    with pytest.raises(BadPageError, match=r"PostgreSQL refused rows of data\.customers: new row"):
        pull(source)
    assert rows_of(work, spec) == []
