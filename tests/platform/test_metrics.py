"""`/metrics`: what Prometheus reads."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client

from assay import environment
from assay.exposition import Family, render
from assay.metrics import families
from lineage.models import PipelineRun
from lineage.ticks import record_tick
from tests import seeds
from tests.timing import LIMIT

TOKEN = "a-token-of-many-characters"  # noqa: S105
_SAMPLE = re.compile(r'^(\w+)(?:\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)$')

pytestmark = pytest.mark.django_db


def figures() -> dict[str, float]:
    """The samples, `name{labels}` → figure; every other line is a comment."""
    lines = render(families()).splitlines()
    found = [_SAMPLE.match(line) for line in lines if not line.startswith("#")]
    assert all(found), lines
    return {match[1] + (f"{{{match[2]}}}" if match[2] else ""): float(match[3]) for match in found if match}


@pytest.fixture
def seeded() -> None:
    seeds.seed_warehouse()
    seeds.seed_runs(30)
    seeds.seed_exceptions(220)


def test_the_ledger_and_what_is_open_and_waits_is_there(seeded: None) -> None:
    found = figures()
    assert (
        found[f'assay_rows_total{{table="{seeds.LINES}",kind="inserted"}}'] == 26_157 + 29 * 10
    )  # one of 30 runs failed
    assert found[f'assay_open_exceptions{{table="{seeds.LINES}",rule="quantity:range"}}'] == 11
    with connection.cursor() as cursor:
        cursor.execute("UPDATE dwh_lineage.targets SET load_routine = 'x' WHERE target = %s", [seeds.CUSTOMERS])
    found = figures()
    assert found[f'assay_waiting_batches{{table="{seeds.CUSTOMERS}"}}'] == 2
    assert 4_000 < found[f'assay_waiting_seconds{{table="{seeds.CUSTOMERS}"}}'] < 4_400


def test_runs_that_end_are_counted_once_for_each_end() -> None:
    run = PipelineRun.objects.create(pipeline_name='a "b"\\\n', status="running")
    for status in ("failed", "running", "completed"):
        PipelineRun.objects.filter(pk=run.pk).update(status=status)
    found = figures()
    name = r'pipeline="a \"b\"\\\n"'
    assert found[f'assay_runs_total{{{name},status="failed"}}'] == 1
    assert found[f'assay_runs_total{{{name},status="completed"}}'] == 1
    assert found[f"assay_pipeline_seconds_since_success{{{name}}}"] < 60


def test_what_is_live_is_there_with_the_states_of_its_steps(seeded: None) -> None:
    run = PipelineRun.objects.latest("pk")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO dwh_lineage.pipeline_runs (pipeline_name, status) VALUES ('live', 'running') RETURNING run_id"
        )
        (live,) = cursor.fetchone()
    run.steps.filter(position__lt=3).update(run_id=live)
    record_tick("sweep")
    found = figures()
    assert found['assay_runs_live{pipeline="live",status="running"}'] == 1
    assert found['assay_steps{state="succeeded"}'] == 2
    assert found['assay_tick_age_seconds{name="sweep"}'] < 30
    assert found["assay_workers"] == 0


def test_recent_attempts_have_their_outcomes_and_how_long_they_took(seeded: None) -> None:
    found = figures()
    assert found[f'assay_recent_attempts{{table="{seeds.LINES}",outcome="succeeded"}}'] == 2  # a run every 7 minutes
    assert found[f'assay_recent_attempt_seconds{{table="{seeds.LINES}",quantile="0.5"}}'] == pytest.approx(0.8)


def test_only_the_token_or_staff_who_may_see_runs_may_read(settings: Any, client: Client) -> None:
    def status(**headers: str) -> int:
        return int(client.get("/metrics", headers=headers).status_code)

    assert status() == status(authorization="Bearer ") == 401
    settings.ASSAY_METRICS_TOKEN = TOKEN
    assert status(authorization="Bearer wrong") == status(authorization=TOKEN) == 401
    assert status(authorization=f"Bearer {TOKEN}") == 200
    user = User.objects.create_user("ada", is_staff=True)
    client.force_login(user)
    assert status() == 401
    user.user_permissions.add(Permission.objects.get(codename="view_pipelinerun"))
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_a_token_that_could_be_guessed_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_METRICS_TOKEN", "short")
    with pytest.raises(ImproperlyConfigured, match="has 5 characters"):
        environment.secret("ASSAY_METRICS_TOKEN", shortest=20)


def test_every_family_has_its_help_and_its_type() -> None:
    text = render([Family("x", "gauge", "Two\nlines.", ("a",), [("1", 2), ("2", None)])])
    assert text == '# HELP x Two\\nlines.\n# TYPE x gauge\nx{a="1"} 2\n'


@pytest.mark.slow
def test_a_scrape_costs_the_same_after_a_million_runs() -> None:
    seeds.seed_warehouse()
    seeds.seed_runs(1_000_000)
    seeds.seed_exceptions(100_000)
    families()
    began = time.perf_counter()
    families()
    took = time.perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")  # the test's own transaction is checked at its end
    assert took < LIMIT
