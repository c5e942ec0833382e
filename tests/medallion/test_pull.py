"""Pulling from HTTP APIs that misbehave: every record lands once, whatever the server or the process does."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import CommandError, call_command

from medallion.ingestion.spec import BronzeSpec
from medallion.management.commands import ingest
from medallion.pulling import due
from medallion.pulling.errors import (
    BadPageError,
    BusyError,
    NotConfiguredError,
    PullError,
    RefusedError,
    UnreachableError,
)
from medallion.pulling.pull import _alone, pull
from medallion.sources import Cursor, HttpApi, InvalidSourceError, JsonLines, Link, Offset, PageNumber, Since
from tests.medallion.bronze_tables import Connection, bad_lines_of, rows_of
from tests.medallion.conftest import MakeBronze

Answer = tuple[int, dict[str, str], bytes]


class Api:
    """A server on this machine. `answer` decides; `asked` is what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Callable[[str, dict[str, str]], Answer | None] = lambda path, params: (404, {}, b"nothing here")
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                params = {name: values[-1] for name, values in parse_qs(parts.query).items()}
                api.asked.append((parts.path, params))
                api.headers.append(dict(self.headers))
                answer = api.answer(parts.path, params)
                if answer is None:  # hangs up without a word
                    self.close_connection = True
                    return
                status, headers, body = answer
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def pages(self, *pages: list[int], by: str = "page") -> None:
        """Numbered pages of records with these ids, under "data"."""
        self.answer = lambda path, params: page(*pages[int(params[by]) - 1 : int(params[by])] or [[]])


def page(ids: list[int], **more: Any) -> Answer:
    return 200, {}, json.dumps({"data": [{"id": n, "at": f"2026-01-{n:02}T00:00:00Z"} for n in ids], **more}).encode()


@pytest.fixture
def api() -> Iterator[Api]:
    server = Api()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def declare(api: Api, owner: Connection, make_bronze: MakeBronze) -> Iterator[Callable[..., tuple[Any, BronzeSpec]]]:
    """declare(pages=…) → the source and its bronze table with the column id."""

    def make(**attributes: Any) -> tuple[type[HttpApi], BronzeSpec]:
        said = {"__module__": __name__, "url": api.url + "/orders", "records": "data", "backoff": 0.01, **attributes}
        source = type("TestShopApi", (HttpApi,), said)
        spec = make_bronze("id", of=JsonLines)
        contract = {"name": spec.target.split(".")[1], "source": {"name": source.name}, "records": {"at": ["data"]}}
        owner.execute(
            "UPDATE dwh_lineage.targets SET contract = %s WHERE target = %s", (json.dumps(contract), spec.target)
        )
        return source, spec

    yield make
    owner.execute("DELETE FROM dwh_lineage.pulls WHERE source = 'test_shop_api'")


def ids(work: Connection, spec: BronzeSpec) -> list[int]:
    return [int(n) for (n,) in rows_of(work, spec)]


def test_numbered_pages_are_pulled_until_one_is_empty(api: Api, declare: Any, work: Connection) -> None:
    source, spec = declare(pages=PageNumber("page"), params={"status": "any"})
    api.pages([1, 2], [3, 4])
    done = pull(source)
    assert (done.pages, done.rows, done.next_request) == (3, 4, None)
    assert ids(work, spec) == [1, 2, 3, 4]
    assert [params for _, params in api.asked] == [{"status": "any", "page": str(n)} for n in (1, 2, 3)]


def test_a_short_page_is_the_last_where_the_size_is_known(api: Api, declare: Any, work: Connection) -> None:
    source, _spec = declare(pages=PageNumber("p", size=2, size_param="per_page"))
    api.pages([1, 2], [3], by="p")
    assert pull(source).pages == 2
    assert api.asked[0][1] == {"p": "1", "per_page": "2"}


def test_offsets(api: Api, declare: Any, work: Connection) -> None:
    source, spec = declare(pages=Offset("skip", size=2))
    api.answer = lambda path, params: page([1, 2, 3, 4, 5][int(params["skip"]) :][: int(params["limit"])])
    pull(source)
    assert ids(work, spec) == [1, 2, 3, 4, 5]


def test_cursors(api: Api, declare: Any, work: Connection) -> None:
    source, spec = declare(pages=Cursor("after", at="meta.next"))
    following = {None: ([1], "b"), "b": ([2], "c"), "c": ([3], None)}

    def answer(path: str, params: dict[str, str]) -> Answer:
        found, cursor = following[params.get("after")]
        return page(found, meta={"next": cursor})

    api.answer = answer
    pull(source)
    assert ids(work, spec) == [1, 2, 3]


def test_links(api: Api, declare: Any, work: Connection) -> None:
    source, spec = declare(pages=Link())

    def answer(path: str, params: dict[str, str]) -> Answer:
        n = int(params.get("n", "1"))
        status, _, body = page([n])
        return status, {"Link": f'</orders?n={n + 1}>; rel="next"'} if n < 3 else {}, body

    api.answer = answer
    pull(source)
    assert ids(work, spec) == [1, 2, 3]


def test_a_link_to_another_host_is_not_followed(api: Api, declare: Any, work: Connection) -> None:
    source, spec = declare(pages=Link(), headers={"Authorization": "Bearer x"})
    api.answer = lambda path, params: (200, {"Link": '<http://127.0.0.2:1/>; rel="next"'}, page([1])[2])
    with pytest.raises(RefusedError, match="not where url points"):
        pull(source)
    assert ids(work, spec) == [1]


def test_refusals_that_pass_are_asked_again(api: Api, declare: Any, work: Connection) -> None:
    """429 with Retry-After, 503, a hang-up without a word: then the page."""
    source, _spec = declare()
    trouble = [(429, {"Retry-After": "0"}, b""), (503, {}, b"later"), None, page([1])]
    api.answer = lambda path, params: trouble.pop(0)
    assert pull(source).rows == 1
    assert len(api.asked) == 4


def test_what_does_not_answer_is_given_up_and_said(api: Api, declare: Any, work: Connection, owner: Connection) -> None:
    source, _spec = declare(attempts=3)
    api.answer = lambda path, params: (500, {}, b"")
    with pytest.raises(UnreachableError, match=r"in 3 attempts; the last: status 500"):
        pull(source)
    state = owner.execute("SELECT state, error FROM dwh_lineage.pulls WHERE source = %s", (source.name,)).fetchone()
    assert state is not None
    assert (state[0], "status 500" in state[1]) == ("failed", True)


def test_an_api_that_asks_for_too_long_a_pause_is_left_alone(api: Api, declare: Any) -> None:
    source, _ = declare()
    api.answer = lambda path, params: (429, {"Retry-After": "86400"}, b"")
    with pytest.raises(UnreachableError, match="asks to wait 86400"):
        pull(source)
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ((401, {}, b"who are you?"), RefusedError, "answered 401 Unauthorized: 'who are you?'"),
        ((302, {"Location": "/login"}, b""), RefusedError, "answered 302"),
        ((200, {}, b"<html>"), BadPageError, "what is no JSON"),
        ((200, {}, b"\xff"), BadPageError, "what is no JSON"),
        ((200, {}, b'{"items": []}'), BadPageError, "no records at data, but nothing"),
        ((200, {}, b'{"data": "none"}'), BadPageError, "no records at data, but str"),
        ((200, {}, b'{"data": [' + b"0," * 600 + b"0]}"), BadPageError, "more than 1,000 bytes"),
    ],
)
def test_an_answer_that_is_no_page_lands_nothing(
    api: Api, declare: Any, work: Connection, answer: Answer, error: type[PullError], words: str
) -> None:
    source, spec = declare(max_bytes=1000)
    api.answer = lambda path, params: answer
    with pytest.raises(error, match=re.escape(words)):
        pull(source)
    assert ids(work, spec) == []


def test_a_record_that_cannot_be_held_is_kept_and_the_others_land(api: Api, declare: Any, work: Connection) -> None:
    source, spec = declare()
    api.answer = lambda path, params: (200, {}, b'{"data": [{"id": 1}, {"id": "\\u0000"}, 7, {"id": 2}]}')
    assert pull(source).rows == 2
    assert ids(work, spec) == [1, 2]
    (batch_no,) = work.execute(
        "SELECT batch_no FROM dwh_lineage.batches WHERE target = %s", (spec.target,)
    ).fetchone() or (0,)
    assert [(number, bytes(raw)) for number, _, raw, _ in bad_lines_of(work, batch_no)] == [
        (2, b'{"id": "\\u0000"}'), (3, b"7"),
    ]  # fmt: skip


def test_an_interrupted_pull_goes_on_with_the_page_it_was_at(api: Api, declare: Any, work: Connection) -> None:
    source, spec = declare(pages=PageNumber("page", size=2))
    api.answer = lambda path, params: page([1, 2]) if params["page"] == "1" else (400, {}, b"broken")
    with pytest.raises(RefusedError):
        pull(source)
    api.pages([1, 2], [3])
    api.asked.clear()
    done = pull(source)
    assert (ids(work, spec), done.pages, [params for _, params in api.asked]) == ([1, 2, 3], 2, [{"page": "2"}])


def test_restart_begins_anew(api: Api, declare: Any, work: Connection) -> None:
    source, spec = declare(pages=PageNumber("page", size=2))
    api.answer = lambda path, params: page([1, 2]) if params["page"] == "1" else (400, {}, b"broken")
    with pytest.raises(RefusedError):
        pull(source)
    api.pages([1, 2], [3])
    pull(source, restart=True)
    assert ids(work, spec) == [1, 2, 1, 2, 3]


def test_the_next_pull_asks_for_what_has_changed_since(api: Api, declare: Any, work: Connection) -> None:
    source, _ = declare(since=Since("updated_after", at="at", overlap=timedelta(hours=1), first="2000-01-01"))
    api.answer = lambda path, params: page([3, 1])
    pull(source)
    api.answer = lambda path, params: page([])
    pull(source)
    pull(source)
    assert [params["updated_after"] for _, params in api.asked] == [
        "2000-01-01", "2026-01-02T23:00:00Z", "2026-01-02T23:00:00Z",
    ]  # fmt: skip


def test_numbers_that_grow_are_compared_as_numbers(api: Api, declare: Any) -> None:
    source, _ = declare(since=Since("after", at="id", overlap=1))
    api.answer = lambda path, params: page([9, 10])
    pull(source)
    pull(source)
    assert [params for _, params in api.asked] == [{}, {"after": "9"}]


def test_what_cannot_be_compared_is_said(api: Api, declare: Any, work: Connection) -> None:
    source, spec = declare(since=Since("after", at="id"))
    api.answer = lambda path, params: (200, {}, b'{"data": [{"id": "x"}, {"id": 1}]}')
    with pytest.raises(BadPageError, match="not all times, nor all whole numbers"):
        pull(source)
    assert ids(work, spec) == []


def test_pages_that_never_end_are_cut_off(api: Api, declare: Any) -> None:
    source, _ = declare(pages=PageNumber("page"), max_pages=3)
    api.answer = lambda path, params: page([1])
    with pytest.raises(BadPageError, match="more than 3 pages"):
        pull(source)
    source, _ = declare(pages=Cursor("after", at="next"))
    api.answer = lambda path, params: page([1], next="same")
    with pytest.raises(BadPageError, match="names itself as the next one"):
        pull(source, restart=True)


def test_secrets_come_from_the_environment_and_are_written_nowhere(
    api: Api, declare: Any, owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, spec = declare(
        pages=PageNumber("page"), headers={"Authorization": "Bearer ${SHOP_TOKEN}"}, params={"key": "${SHOP_KEY}"}
    )
    api.pages([1])
    with pytest.raises(NotConfiguredError, match="environment variable SHOP_TOKEN, which its headers name"):
        pull(source)
    monkeypatch.setenv("SHOP_TOKEN", "t0ken")
    monkeypatch.setenv("SHOP_KEY", "k3y")
    pull(source)
    assert api.headers[0]["Authorization"] == "Bearer t0ken"
    assert api.asked[0][1] == {"key": "k3y", "page": "1"}
    written = [str(row) for row in owner.execute("SELECT to_jsonb(p) FROM dwh_lineage.pulls AS p").fetchall()]
    written += [
        str(row) for row in owner.execute("SELECT to_jsonb(b) FROM dwh_lineage.batches AS b WHERE target = %s",
                                          (spec.target,)).fetchall()
    ]  # fmt: skip
    assert written
    assert not [text for text in written if "t0ken" in text or "k3y" in text]


def test_two_processes_do_not_pull_one_source_at_once(api: Api, declare: Any) -> None:
    source, _ = declare()
    with _alone(source), pytest.raises(BusyError, match="being pulled by another process"):
        pull(source)


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"url": "ftp://x/"}, "must be http"),
        ({"url": "https://user:password@x/"}, "without a password"),
        ({"headers": {"A": 1}}, "texts to texts"),
        ({"pages": "all"}, "must be PageNumber"),
        ({"pages": Cursor("c", at=".")}, None),
        ({"pages": Offset(size=0)}, "size of pages"),
        ({"records": "a..b"}, "path of keys"),
        ({"since": Since("s", at="a..b")}, "path of keys"),
        ({"every": timedelta(seconds=1)}, "a minute or more"),
        ({"attempts": 0}, "above 0"),
    ],
)
def test_what_cannot_be_is_refused(attributes: dict[str, Any], words: str | None) -> None:
    said = {"__module__": __name__, "url": "https://shop.example/", **attributes}
    if words is None:
        type("Shop", (HttpApi,), said)
        return
    with pytest.raises(InvalidSourceError, match=words):
        type("Shop", (HttpApi,), said)


def test_the_command_pulls_and_tells_page_by_page(
    api: Api, declare: Any, work: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _spec = declare(pages=PageNumber("page", size=2))
    declared = type("Declared", (), {"pulled": {source.name: source}, "tables": {}, "bronze_specs": {}})
    monkeypatch.setattr(ingest, "warehouse", lambda: declared)
    api.pages([1, 2], [3])
    out = io.StringIO()
    call_command("ingest", "TestShopApi", stdout=out)
    assert out.getvalue().splitlines() == [
        "test_shop_api: page 1, 2 rows", "test_shop_api: page 2, 3 rows", "test_shop_api: 3 rows of 2 pages ingested.",
    ]  # fmt: skip
    api.answer = lambda path, params: (403, {}, b"no")
    with pytest.raises(CommandError, match="answered 403"):
        call_command("ingest", "test_shop_api", "--restart", stdout=out)
    with pytest.raises(CommandError, match="it has no files"):
        call_command("ingest", "test_shop_api", "a.csv", stdout=out)


def test_a_source_is_pulled_by_itself_when_its_time_has_come(
    api: Api, declare: Any, owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = declare(every=timedelta(hours=1))
    monkeypatch.setattr(due, "warehouse", lambda: type("Declared", (), {"pulled": {source.name: source}}))
    api.answer = lambda path, params: page([1])
    assert (due.pull_due(), due.pull_due()) == (["test_shop_api"], [])
    owner.execute("UPDATE dwh_lineage.pulls SET progressed_at = progressed_at - interval '61 minutes'")
    assert due.pull_due() == ["test_shop_api"]
