"""Deliveries by HTTP POST, from senders that repeat themselves and from those that mean harm."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from psycopg import sql

from medallion import bronze, compile, feed_views
from medallion.compile.records import land
from medallion.sources import Debezium, HttpFeed, InvalidSourceError
from tests.medallion.bronze_tables import Connection

TOKEN = "t0ken-that-nobody-guesses"  # noqa: S105
ANN = {"op": "c", "before": None, "after": {"id": 1, "email": "ann@a.example"}, "ts_ms": 1, "source": {"lsn": 5}}


class FedChanges(HttpFeed):
    token = "${ASSAY_TEST_FEED_TOKEN}"  # noqa: S105
    envelope = Debezium()
    max_bytes = 100_000
    max_records = 50


class FedOrders(HttpFeed):
    token = "${ASSAY_TEST_FEED_TOKEN}"  # noqa: S105
    records = "data.items"


class RawFedChanges(bronze.Table):
    source = FedChanges
    columns = "id email"


class RawFedOrders(bronze.Table):
    source = FedOrders
    columns = "id"


class RawFedLines(bronze.Table):
    source = FedOrders
    explode = "lines"
    columns = {"order_id": "^.id", "product": "product"}


TABLES = (RawFedChanges, RawFedOrders, RawFedLines)


@dataclass
class Answer:
    status: int
    said: dict[str, Any]
    headers: dict[str, str]


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


class Sender:
    """Sends to a server of this process's, by real HTTP."""

    def __init__(self, port: int) -> None:
        self.port = port

    def post(self, body: Any, feed: str = "fed_changes", /, *, method: str = "POST", **headers: str) -> Answer:
        """Sends JSON, or bytes as they are. Headers: `content_type="…"`; None leaves one out."""
        said = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
        said |= {name.replace("_", "-").title(): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, f"/feeds/{feed}", raw, {k: v for k, v in said.items() if v is not None})
            response = connection.getresponse()
            text = response.read()
            return Answer(response.status, json.loads(text) if text[:1] == b"{" else {}, dict(response.headers))
        finally:
            connection.close()


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    made = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    made.daemon_threads = True
    made.set_app(get_wsgi_application())
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    yield made.server_port
    made.shutdown()
    made.server_close()


@pytest.fixture
def send(server: int, owner: Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sender]:
    monkeypatch.setenv("ASSAY_TEST_FEED_TOKEN", TOKEN)
    feeds = {"fed_changes": FedChanges, "fed_orders": FedOrders}
    monkeypatch.setattr(feed_views, "warehouse", lambda: type("Declared", (), {"feeds": feeds}))
    for table in TABLES:
        owner.execute(compile.create(table.target, table.contract(), "tests").forward.encode())
    yield Sender(server)
    for table in TABLES:
        names = (sql.Identifier("dwh_etl", f"land_bronze_{table.name}"), sql.Identifier(*table.target.split(".")),
                 sql.Identifier(*table.rows_relation().split(".")))  # fmt: skip
        owner.execute(sql.SQL("DROP PROCEDURE {}; DROP VIEW {}; DROP TABLE {}").format(*names))
        for statement in (
            "DELETE FROM dwh_lineage.unreadable_lines WHERE batch_no IN "
            "(SELECT batch_no FROM dwh_lineage.batches WHERE target = %s)",
            "DELETE FROM dwh_lineage.table_lineage WHERE target_table = %s",
            "DELETE FROM dwh_lineage.table_dependencies WHERE downstream_table = %s",
            "DELETE FROM dwh_lineage.batches WHERE target = %s",
            "DELETE FROM dwh_lineage.targets WHERE target = %s",
        ):
            owner.execute(statement, (table.target,))
    owner.execute("DELETE FROM dwh_lineage.feed_deliveries")


@pytest.fixture
def landed(owner: Connection) -> Callable[[str, str], list[tuple[Any, ...]]]:
    def rows(table: str, columns: str) -> list[tuple[Any, ...]]:
        return owner.execute(f"SELECT {columns} FROM bronze.{table} ORDER BY _bronze_id".encode()).fetchall()

    return rows


def test_events_land_before_they_are_confirmed_and_the_same_delivery_lands_once(send: Sender, landed: Any) -> None:
    gone = {"op": "d", "before": {"id": 1, "email": "ann@a.example"}, "after": None, "ts_ms": 2, "source": {"lsn": 6}}
    first = send.post([ANN, {"schema": {}, "payload": gone}])
    assert (first.status, first.said["rows"], first.said["repeated"]) == (200, 2, False)
    both = [("1", "ann@a.example", "c"), ("1", "ann@a.example", "d")]
    assert landed("raw_fed_changes", "id, email, _cdc_operation") == both
    again = send.post([ANN, {"schema": {}, "payload": gone}])
    assert (again.status, again.said) == (200, first.said | {"repeated": True})
    packed = gzip.compress(json.dumps([ANN, {"schema": {}, "payload": gone}]).encode())
    assert send.post(packed, content_encoding="gzip").said["repeated"], "a packed copy is the same delivery"
    assert landed("raw_fed_changes", "id, email, _cdc_operation") == both
    assert send.post(ANN).said["rows"] == 1, "one event is a delivery, too"


def test_a_key_of_the_sender_tells_deliveries_apart(send: Sender, landed: Any) -> None:
    orders = {"data": {"items": [{"id": 7, "lines": [{"product": "a"}, {"product": "b"}]}]}}
    assert send.post(orders, "fed_orders", idempotency_key="monday").said["rows"] == 3
    assert send.post(orders, "fed_orders", idempotency_key="monday").said["repeated"]
    assert not send.post(orders, "fed_orders", idempotency_key="tuesday").said["repeated"]
    other = send.post({"data": {"items": []}}, "fed_orders", idempotency_key="monday")
    assert (other.status, "had this Idempotency-Key before" in other.said["error"]) == (422, True)
    assert landed("raw_fed_orders", "id") == [("7",), ("7",)]
    assert landed("raw_fed_lines", "order_id, product") == [("7", "a"), ("7", "b")] * 2
    assert send.post(orders, "fed_orders", idempotency_key="not one").status == 400


def test_many_that_send_the_same_at_once_land_it_once(send: Sender, landed: Any) -> None:
    bodies = [[ANN, {**ANN, "ts_ms": n // 6}] for n in range(24)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send.post, bodies))
    assert [answer.status for answer in answers] == [200] * 24
    assert sum(not answer.said["repeated"] for answer in answers) == 4
    assert len(landed("raw_fed_changes", "id")) == 8


def test_lines_are_records(send: Sender, landed: Any) -> None:
    body = b"\n".join(json.dumps({**ANN, "ts_ms": n}).encode() for n in range(3)) + b"\n\n"
    assert send.post(body, content_type="application/x-ndjson; charset=utf-8").said["rows"] == 3
    assert len(landed("raw_fed_changes", "id")) == 3


def test_a_record_that_is_none_is_named_and_nothing_of_its_delivery_lands(
    send: Sender, landed: Any, owner: Connection
) -> None:
    answer = send.post([ANN, {"op": "u", "after": None}, 5, ANN, {"id": 1}])
    assert answer.status == 422
    assert answer.said == {
        "error": "3 records cannot be taken in.",
        "records": [
            {"record": 2, "reason": "Its op is u, but it has no row after the change."},
            {"record": 3, "reason": "A record must be a JSON object; this is a JSON number."},
            {"record": 5, "reason": "It is no change event: it has no op."},
        ],
    }
    assert landed("raw_fed_changes", "id") == []
    assert owner.execute("SELECT count(*) FROM dwh_lineage.feed_deliveries").fetchone() == (0,)
    lenient = send.post([ANN, {"op": "u", "after": None}], prefer="handling=lenient")
    assert (lenient.status, lenient.said["rows"], lenient.said["kept"][0]["record"]) == (200, 1, 2)


def test_what_a_feed_brings_beside_changes_is_kept_and_does_not_stop_it(send: Sender, owner: Connection) -> None:
    answer = send.post([None, {"op": "t"}, {"schema": {}, "payload": {"op": "m"}}, ANN])
    assert (answer.status, answer.said["rows"]) == (200, 1)
    assert [kept["record"] for kept in answer.said["kept"]] == [1, 2, 3]
    assert owner.execute(
        "SELECT count(*) FROM dwh_lineage.unreadable_lines AS u JOIN dwh_lineage.batches AS b USING (batch_no) "
        "WHERE b.target = 'bronze.raw_fed_changes'"
    ).fetchone() == (3,)


@pytest.mark.parametrize(
    ("body", "headers", "status", "words"),
    [
        (b"{", {}, 400, "it is no JSON"),
        (b"", {}, 400, "is empty"),
        (b"[] []", {}, 400, "something follows"),
        (b'"text"', {}, 400, "is neither a list nor an object"),
        (b'[{"op": "c", "after": {"id": "\\u0000"}}]', {}, 422, "cannot be taken in"),
        (b'[{"op": "c", "after": {"id": "\xff"}}]', {}, 422, "cannot be taken in"),
        (b'[{"op": "c", "after": {"id": NaN}}]', {}, 422, "cannot be taken in"),
        (b"[" * 50_000 + b"]" * 50_000, {}, 400, "nested too deeply"),
        (b"\n".join([b"[" * 20_000 + b"]" * 20_000]), {"content_type": "application/jsonl"}, 422, None),
        (b"[" + b",".join([b"{}"] * 51) + b"]", {}, 413, "may have 50 records"),
        (b" " * 100_001, {}, 413, "may have 100,000 bytes"),
        (gzip.compress(b" " * 10_000_000, mtime=0), {"content_encoding": "gzip"}, 413, "may have 100,000 bytes"),
        (gzip.compress(b"[]", mtime=0) + b"more", {"content_encoding": "gzip"}, 400, "follows the gzip stream"),
        (gzip.compress(b"[]", mtime=0)[:-3], {"content_encoding": "gzip"}, 400, "breaks off"),
        (b"[]", {"content_encoding": "gzip"}, 400, "no gzip stream"),
        (b"[]", {"content_encoding": "br"}, 415, "gzip, or not at all"),
        (b"[]", {"content_type": "text/plain"}, 415, "application/json"),
        (b"[]", {"content_type": "application/json; charset=utf-16"}, 415, "Both in UTF-8"),
        (b"[]", {"content_length": "-5"}, None, None),
        (b"[]", {"authorization": "Bearer no"}, 401, "takes this token"),
        (b"[]", {"authorization": TOKEN}, 401, "takes this token"),
        (b"[]", {"authorization": "Bearer t\xf6ken"}, 401, "takes this token"),
        (b"[]", {"authorization": "Bearer "}, 401, "takes this token"),
    ],
)
def test_hostile_input_is_refused_with_a_word(
    body: bytes, headers: dict[str, str], status: int | None, words: str | None, send: Sender, landed: Any
) -> None:
    answer = send.post(body, **headers)
    assert 400 <= answer.status < 500
    assert status in (None, answer.status)
    assert words is None or words in answer.said["error"]
    assert len(json.dumps(answer.said)) < 5000
    assert landed("raw_fed_changes", "id") == []


def test_who_has_no_business_learns_nothing(send: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown, wrong = send.post([], "nobody"), send.post([], authorization="Bearer wrong")
    assert (unknown.status, unknown.said) == (wrong.status, wrong.said)
    assert unknown.headers["WWW-Authenticate"] == "Bearer"
    assert send.post([], "..%2f..%2fetc").status in (401, 404)
    assert send.post([], method="GET").status == 405
    monkeypatch.setenv("ASSAY_TEST_FEED_TOKEN", "short")
    assert send.post([], authorization="Bearer short").status == 401
    monkeypatch.delenv("ASSAY_TEST_FEED_TOKEN")
    assert send.post([], authorization="Bearer ").status == 401


def test_a_body_that_breaks_off_lands_nothing(send: Sender, landed: Any) -> None:
    body = json.dumps([ANN]).encode()
    head = (
        f"POST /feeds/fed_changes HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body) + 50}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", send.port), timeout=30) as raw:
        raw.sendall(head.encode() + body)
        raw.shutdown(socket.SHUT_WR)
        answer = raw.recv(65536)
    assert b" 400 " in answer.split(b"\r\n")[0]
    assert landed("raw_fed_changes", "id") == []


def test_where_postgresql_refuses_who_sends_is_asked_to_come_again(
    send: Sender, owner: Connection, landed: Any
) -> None:
    owner.execute("DROP PROCEDURE dwh_etl.land_bronze_raw_fed_changes")
    answer = send.post(ANN)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    owner.execute(land(RawFedChanges.contract() | {"name": RawFedChanges.name}).encode())
    assert send.post(ANN).said == {"delivery": answer_id(owner), "rows": 1, "kept": [], "repeated": False}
    assert len(landed("raw_fed_changes", "id")) == 1


def answer_id(owner: Connection) -> int:
    (number,) = owner.execute("SELECT max(id) FROM dwh_lineage.feed_deliveries").fetchone() or (0,)
    return int(number)


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"token": ""}, "must name an environment variable"),
        ({"token": "s3cret"}, "must name an environment variable"),
        ({"records": "a..b"}, "path of keys"),
        ({"max_bytes": 0}, "above 0"),
        ({"max_records": True}, "above 0"),
    ],
)
def test_what_cannot_be_is_refused(attributes: dict[str, Any], words: str) -> None:
    said = {"__module__": __name__, "token": "${FEED}"}
    type("Feed", (HttpFeed,), said)
    with pytest.raises(InvalidSourceError, match=words):
        type("Feed", (HttpFeed,), said | attributes)
