"""Decisions under faults: workers killed while they replay, each message delivered many times, two workers at one
decision, loads and rebuilds of the same table beside them. Every row is where its last decision puts it, once."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable

import kombu
import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection

from assay.celery import broker_url
from quality.models import QualityDecision, QualityException
from quality.resolution import Decision, Patch, Selection, decide, undo
from quality.states import DecisionState, DecisionVerb
from tests.faults.conftest import Measure
from tests.faults.site import AWAY, Site, insist, send, wait_until
from tests.faults.storm import open_connection
from tests.warehouses import bench_database as bench

BRONZE, TARGET = "bronze.raw_invoice_lines", "silver.invoice_lines"
DECISIONS, ROWS, SECONDS = 24, 150, 12.0
#: What the rows of every third decision are: corrected, still wrong, rejected.
VERBS: list[tuple[DecisionVerb, Patch | None]] = [
    (DecisionVerb.CORRECT, {"quantity": "7"}),
    (DecisionVerb.CORRECT, {"quantity": "0"}),
    (DecisionVerb.REJECT, None),
]
_ROWS = """
    INSERT INTO bronze.raw_invoice_lines
        (invoice_no, stock_code, quantity, invoice_date, unit_price, customer_id, country)
    SELECT %(of)s, n::text, %(quantity)s, '2024-01-01', '1', '1', 'France' FROM generate_series(1, %(rows)s) AS n
"""
#: Rows that silver holds twice, or holds though their exception is not landed, or lacks though it is.
_WRONG = """
    SELECT count(*) FROM dwh_lineage.quality_exceptions AS e
    LEFT JOIN (SELECT _source_bronze_id AS id, count(*) AS n FROM silver.invoice_lines GROUP BY 1) AS s
        ON s.id = e.bronze_id
    WHERE e.target_table = %s AND coalesce(s.n, 0) <> CASE e.state WHEN 'landed' THEN 1 ELSE 0 END
"""
_TWICE = """
    SELECT count(*) FROM (
        SELECT 1 FROM dwh_lineage.exception_events AS v WHERE v.decision_id IS NOT NULL
        GROUP BY v.exception_id, v.decision_id, v.from_state, v.to_state HAVING count(*) > 1
        UNION ALL
        SELECT 1 FROM dwh_lineage.corrections AS c GROUP BY c.bronze_id, c.decision_id HAVING count(*) > 1
    ) AS d
"""


@pytest.fixture
def lines(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Wrong invoice lines of as many invoices as there will be decisions: their exceptions; and nobody hears ring()."""
    monkeypatch.setattr("quality.resolution.ring", lambda decision: None)
    User.objects.get_or_create(username="ada", defaults={"is_superuser": True})
    with open_connection() as owner:
        for number in range(DECISIONS):
            owner.execute(_ROWS, {"of": f"I{number}", "quantity": "-1", "rows": ROWS})
        bench.run(owner, TARGET)
    found: list[list[int]] = [[] for _ in range(DECISIONS)]
    of_table = QualityException.objects.filter(target_table=TARGET)
    for pk, invoice in of_table.order_by("pk").values_list("pk", "source_data__invoice_no"):
        found[int(str(invoice)[1:])].append(pk)
    assert [len(rows) for rows in found] == [ROWS] * DECISIONS
    return found


def deliver(site: Site) -> None:
    """The message of each decision that is not at its end, once more."""
    from quality.tasks import replay

    with contextlib.suppress(*AWAY), kombu.Connection(broker_url(site.servers.redis_url)) as broker:
        for decision in QualityDecision.objects.filter(state=DecisionState.QUEUED).values_list("pk", flat=True):
            replay.apply_async((decision,), connection=broker, retry=False, ignore_result=True)


def work_beside(verb: str, over: threading.Event) -> int:
    """Loads new rows, or rebuilds the table, until it is over; a server that goes away is waited for."""
    times, server = 0, None
    while not over.is_set():
        try:
            server = server or open_connection()
            if verb == "load":
                server.execute(_ROWS, {"of": "new", "quantity": "3", "rows": 20})
            bench.run(server, TARGET, verb)
            times += 1
        except psycopg.OperationalError:
            server = None
        over.wait(0.1)
    if server:
        server.close()
    return times


def strike(site: Site, chance: random.Random, struck: Counter[str]) -> None:
    """kill -9 of a process that replays, of its backend, of a whole worker, or of what Redis knows."""
    workers = [part for part in site.parts if part.runs]
    faults: dict[str, Callable[[], object]] = {
        "kill child": lambda: send(signal.SIGKILL, *chance.choice(workers).pool[:1]),
        "terminate replay": lambda: site.tell_backends("pg_terminate_backend", site.backends("assay replay")[:1]),
        "cancel query": lambda: site.tell_backends("pg_cancel_backend", site.backends("assay replay")[:1]),
        "kill worker": lambda: chance.choice(workers).kill(),
        "flush redis": site.flush_redis,
    }
    name = chance.choices(list(faults), [4, 4, 2, 1, 1])[0]
    with contextlib.suppress(*AWAY):
        faults[name]()
        struck[name] += 1


def keep_workers(site: Site) -> None:
    running = {part.name for part in site.parts if part.runs}
    for name in {"replay0", "replay1"} - running:
        site.worker(name, 2)


def weather(site: Site, seed: int, seconds: float, due: Callable[[], bool]) -> Counter[str]:
    """Faults for some seconds, and as long as something is due, while each message comes again and again."""
    chance, struck, began = random.Random(seed), Counter[str](), time.monotonic()
    while time.monotonic() - began < seconds or (due() and time.monotonic() - began < 4 * seconds):
        keep_workers(site)
        insist(lambda: deliver(site))
        strike(site, chance, struck)
        time.sleep(chance.uniform(0.1, 0.5))
    return struck


def due() -> bool:
    return insist(lambda: QualityDecision.objects.filter(state=DecisionState.QUEUED).exists())


def calm(site: Site) -> None:
    """No more faults: what is due is done within a minute."""
    keep_workers(site)

    def done() -> bool:
        insist(lambda: deliver(site))
        time.sleep(0.5)
        return not due()

    wait_until(done, 60)


def scalar(statement: str, *values: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.fetchone()[0])


def test_decisions_and_undo_under_faults_land_every_row_once(
    site: Site, lines: list[list[int]], measure: Measure
) -> None:
    """FAULTS_SEED repeats the faults of a run."""
    seed = int(os.environ.get("FAULTS_SEED") or random.randrange(10**6))
    print(f"FAULTS_SEED={seed}")
    over, times = threading.Event(), Counter[str]()
    beside = [
        threading.Thread(target=lambda v=verb: times.update({v: work_beside(v, over)})) for verb in ("load", "rebuild")
    ]
    for thread in beside:
        thread.start()
    try:
        made = []
        for number, rows in enumerate(lines):
            verb, patch = VERBS[number % 3]
            selection = Selection(TARGET, exceptions=tuple(rows))
            made.append(decide(Decision(verb, selection, "ada", reason="x", patch=patch)))
        struck = weather(site, seed, SECONDS, due)
        calm(site)
        undone = [undo(decision.pk, by="ada") for decision in made[::2]]
        struck += weather(site, seed + 1, SECONDS / 2, due)
        calm(site)
    finally:
        over.set()
        for thread in beside:
            thread.join()
    with open_connection() as owner:
        bench.run(owner, TARGET)

    expected = ["landed", "open", "rejected"]
    for number, rows in enumerate(lines):
        state = "open" if number % 2 == 0 else expected[number % 3]
        assert set(QualityException.objects.filter(pk__in=rows).values_list("state", flat=True)) == {state}, number
    for decision in QualityDecision.objects.filter(pk__in=[d.pk for d in (*made, *undone)]):
        outcomes = decision.landed + decision.failing + decision.rejected + decision.overtaken
        assert (decision.state, outcomes) == (DecisionState.DONE, decision.selected), decision.pk
    assert scalar(_WRONG, TARGET) == 0
    assert scalar(_TWICE) == 0
    assert scalar("SELECT (dwh_etl.measure_accounting(%s) ->> 'gap')::bigint", TARGET) == 0
    new = "SELECT count(*) - count(DISTINCT _source_bronze_id) FROM silver.invoice_lines"
    assert scalar(new) == 0
    measure("replays under faults", ", ".join(f"{n} {what}" for what, n in struck.most_common()))
    measure("beside them", ", ".join(f"{n} {verb}s" for verb, n in times.items()))
