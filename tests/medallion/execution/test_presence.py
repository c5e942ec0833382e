"""A worker's row: written while it lives, taken away when it ends in order."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from lineage.models import PipelineRun, Worker
from medallion.execution import presence
from medallion.execution.claim import worker_name
from medallion.execution.perform import run_here
from medallion.execution.presence import Presence
from tests.medallion.execution.small_house import House, wait_until


def test_a_worker_is_on_record_from_its_begin_to_its_end(transactional_db: None) -> None:
    present = Presence(["celery", "large"])
    present.begin()
    wait_until(Worker.objects.exists)
    found = Worker.objects.get()
    assert (found.name, found.queues, found.steps) == (worker_name(), ["celery", "large"], 0)
    present.end()
    assert not Worker.objects.exists()


def test_what_a_worker_did_is_counted(house: House, run: PipelineRun, monkeypatch: pytest.MonkeyPatch) -> None:
    present = Presence(["celery"])
    monkeypatch.setattr(presence, "_present", present)
    present.sign()
    before = Worker.objects.get()
    run_here(run)
    present.sign()
    after = Worker.objects.get()
    assert after.steps == 3
    assert after.busy_seconds > 0
    assert after.seen_at > before.seen_at
    assert after.started_at == before.started_at


def test_a_process_number_that_comes_again_is_a_worker_of_its_own(transactional_db: None) -> None:
    first = Presence(["celery"])
    first.steps = 7
    first.sign()
    began = Worker.objects.get().started_at
    Presence(["celery"]).sign()
    found = Worker.objects.get()
    assert found.steps == 0
    assert found.started_at > began


def test_a_database_that_is_away_costs_a_line_in_the_log(
    transactional_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> None:
        raise OperationalError("gone")

    Presence(["celery"])._try(refuse)
    assert "sign of life was not written: gone" in caplog.text
