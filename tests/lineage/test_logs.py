"""Records that say what they are about."""

from __future__ import annotations

import json
import logging
import threading

import pytest
from django.test import Client

from lineage.logs import AddFacts, JsonLines, Lines, about, note


def _record(message: str = "too %s", *values: object, error: bool = False) -> logging.LogRecord:
    info = None
    if error:
        try:
            raise ValueError("a\nb")
        except ValueError as caught:
            info = (ValueError, caught, caught.__traceback__)
    record = logging.LogRecord("assay.x", logging.WARNING, __file__, 1, message, values, info)
    AddFacts().filter(record)
    return record


def test_a_record_carries_the_facts_of_all_blocks_around_it() -> None:
    with about(run=1):
        with about(step=2):
            note(table="silver.a")
            assert _record("x").__dict__["facts"] == {"run": 1, "step": 2, "table": "silver.a"}
        assert _record("x").__dict__["facts"] == {"run": 1}
    assert _record("x").__dict__["facts"] == {}
    note(run=3)  # outside of a block there is nothing to add to
    assert _record("x").__dict__["facts"] == {}


def test_another_thread_has_facts_of_its_own() -> None:
    seen: list[object] = []
    with about(run=1):
        other = threading.Thread(target=lambda: seen.append(_record("x").__dict__["facts"]))
        other.start()
        other.join()
    assert seen == [{}]


def test_json_is_one_object_a_line_with_the_facts_and_the_traceback() -> None:
    with about(run=1, step=2):
        text = JsonLines().format(_record("too %s\nof it", "much", error=True))
    assert "\n" not in text
    entry = json.loads(text)
    assert entry["message"] == "too much\nof it"
    assert (entry["run"], entry["step"], entry["level"], entry["logger"]) == (1, 2, "WARNING", "assay.x")
    assert "ValueError: a\nb" in entry["exception"]
    assert entry["time"].endswith("+00:00")


def test_lines_are_for_people() -> None:
    with about(run=1, step=2):
        assert Lines().format(_record("hm")).endswith("WARNING assay.x: hm [run 1, step 2]")
    assert Lines().format(_record("hm")).endswith("WARNING assay.x: hm")


@pytest.mark.django_db
def test_a_request_has_an_id_that_comes_back_and_names_its_run(caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(AddFacts())
    assert Client().get("/nowhere", headers={"X-Request-ID": "abc-1"})["X-Request-ID"] == "abc-1"
    (record,) = [r for r in caplog.records if r.name == "django.request"]
    assert record.__dict__["facts"] == {"request": "abc-1", "method": "GET", "path": "/nowhere"}
    for hostile in ("a b", "x" * 200, "ä", '"'):
        answer = Client().get("/nowhere", headers={"X-Request-ID": hostile})
        assert len(answer["X-Request-ID"]) == 32
