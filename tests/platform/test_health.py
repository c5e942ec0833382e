"""Whether Assay works, asked from outside."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from lineage.ticks import LIMITS, record_tick
from tests.platform import embedded_helpers as helpers

_ASK = """
import json, time
import django; django.setup()
from django.test import Client
client = Client()
client.get("/nowhere")  # loads what the first request loads
began = time.monotonic()
answers = [client.get(path) for path in ("/healthz", "/healthz/web")]
print(json.dumps([time.monotonic() - began, *([a.status_code, a.json()] for a in answers)]))
"""


def _ask(var: Path, database: str, broker: str) -> list[Any]:
    """(seconds for both, /healthz, /healthz/web) of a process with these servers."""
    env = {"DATABASE_URL": database, "REDIS_URL": broker, "DEBUG": "1", "ALLOWED_HOSTS": "testserver"}
    process = helpers.python(_ASK, var, DJANGO_SETTINGS_MODULE="assay.settings", **env)
    said, errors = process.communicate(timeout=60)
    assert said, errors
    found: list[Any] = json.loads(said)
    return found


@pytest.fixture
def deaf() -> Iterator[int]:
    """The port of a server that takes connections and says nothing, as one that hangs does."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=20))
        yield listening.getsockname()[1]


@pytest.fixture
def ticked(transactional_db: None) -> None:
    for name in LIMITS:
        record_tick(name)


def _age(name: str, seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE dwh_lineage.ticks SET at = clock_timestamp() - make_interval(secs => %s) WHERE name = %s",
            [seconds, name],
        )


def test_all_is_well_where_the_servers_answer_and_beat_ticks(ticked: None) -> None:
    answer = Client().get("/healthz")
    assert answer.status_code == 200
    said = answer.json()
    assert said["ok"]
    assert set(said) == {"ok", "database", "redis", *LIMITS}
    assert said["sweep"]["age"] < 30
    assert said["sweep"]["limit"] == 60


@pytest.mark.parametrize("name", LIMITS)
def test_a_sign_of_life_that_is_too_old_is_said_and_pages_still_work(ticked: None, name: str) -> None:
    _age(name, LIMITS[name].total_seconds() + 5)
    answer = Client().get("/healthz")
    assert answer.status_code == 503
    said = answer.json()
    assert [part for part, entry in said.items() if part != "ok" and not entry["ok"]] == [name]
    assert said[name]["age"] > said[name]["limit"]
    assert Client().get("/healthz/web").status_code == 200


def test_what_never_was_is_not_well(transactional_db: None) -> None:
    said = Client().get("/healthz").json()
    assert said["sweep"] == {"ok": False, "age": None, "limit": 60.0}


def test_servers_that_are_away_are_named_and_nothing_else(tmp_path: Path) -> None:
    _, (status, said), (web_status, _) = _ask(
        tmp_path, "postgresql://x:very-secret@localhost:1/x", "redis://:very-secret@localhost:1"
    )
    assert (status, web_status) == (503, 503)
    assert not said["database"]["ok"]
    assert not said["redis"]["ok"]
    assert "very-secret" not in json.dumps(said)
    assert set(said["database"]) == {"ok", "seconds", "limit"}


def test_servers_that_hang_are_not_waited_for(tmp_path: Path, deaf: int) -> None:
    seconds, (status, said), (web_status, _) = _ask(
        tmp_path, f"postgresql://x@127.0.0.1:{deaf}/x", f"redis://127.0.0.1:{deaf}"
    )
    assert (status, web_status) == (503, 503)
    assert not said["database"]["ok"]
    assert not said["redis"]["ok"]
    assert seconds < 2 * 2.0  # two questions


def test_nobody_needs_to_log_in_or_may_send_anything(ticked: None) -> None:
    assert Client().get("/healthz").status_code == 200
    assert Client().post("/healthz").status_code == 405
