"""What the doctor finds about what works."""

from __future__ import annotations

import pytest
from django.db import connection

from assay import operation, servers
from assay.finding import Finding
from lineage.models import PipelineRun, Step
from lineage.ticks import record_tick

pytestmark = pytest.mark.django_db


def _problems() -> list[Finding]:
    return [finding for finding in operation.look_at_operation() if finding.problem]


def _execute(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _worker(seen: str = "1 second") -> None:
    _execute(
        "INSERT INTO dwh_lineage.workers (name, host, pid, seen_at, version, queues)"
        " VALUES ('etl:7', 'etl', 7, clock_timestamp() - %s::interval, '1', '{celery}')",
        seen,
    )


@pytest.fixture
def working() -> None:
    """A worker, and beat."""
    _worker()
    record_tick("sweep")


@pytest.fixture
def run() -> PipelineRun:
    """A run whose one step waits, requested half an hour ago."""
    made = PipelineRun.objects.create(pipeline_name="daily", status="pending")
    Step.objects.create(run=made, target="silver.a", position=1, state="queued")
    _execute("UPDATE dwh_lineage.pipeline_runs SET created_at = created_at - interval '30 minutes'")
    return made


def test_nothing_is_wrong_where_workers_and_beat_work(working: None) -> None:
    assert _problems() == []


def test_on_a_server_of_ones_own_a_worker_and_beat_must_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _problems() == []  # embedded, and nothing waits
    monkeypatch.setattr(servers, "is_embedded_database", lambda: False)
    found = _problems()
    assert [finding.subject for finding in found] == ["Workers", "Sweeper"]
    assert all(finding.advice for finding in found)
    _worker(seen="1 minute")
    assert "none is alive" in _problems()[0].detail


def test_a_sweep_that_is_too_old_is_found(working: None, run: PipelineRun) -> None:
    _execute("UPDATE dwh_lineage.ticks SET at = at - interval '70 seconds' WHERE name = 'sweep'")
    assert any("swept 1 min 10 s ago" in finding.detail for finding in _problems())


def test_a_run_in_which_nothing_happens_is_found_with_the_way_to_end_it(working: None, run: PipelineRun) -> None:
    (found,) = _problems()
    assert found.detail == f"run {run.pk} of daily is pending, and nothing has happened in it for 30 min 00 s"
    assert f"--cancel {run.pk}" in found.advice


def test_a_run_that_somebody_works_at_or_that_waits_for_busy_workers_is_not_stuck(
    working: None, run: PipelineRun
) -> None:
    other = PipelineRun.objects.create(pipeline_name="other", status="running")
    step = Step.objects.create(run=other, target="silver.b", position=1, state="running", token=1)
    _execute(
        "INSERT INTO dwh_lineage.step_leases (step_id, token, worker, until)"
        " VALUES (%s, 1, 'etl:7', now() + interval '30 seconds')",
        step.pk,
    )
    _execute("UPDATE dwh_lineage.pipeline_runs SET created_at = created_at - interval '1 hour'")
    assert _problems() == []


def test_a_run_from_sql_alone_is_not_called_stuck(working: None) -> None:
    PipelineRun.objects.create(pipeline_name="by hand", status="running")
    _execute("UPDATE dwh_lineage.pipeline_runs SET created_at = created_at - interval '1 hour'")
    assert _problems() == []
