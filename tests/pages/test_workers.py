"""Who works, on the page and in the terminal."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from lineage.models import Lease, PipelineRun, Step, Worker
from lineage.workers import forget_workers, workers, workers_alive
from tests import seeds

pytestmark = pytest.mark.django_db


def _worker(name: str, seen: str = "1 second", steps: int = 3, busy: float = 1800.0) -> None:
    host, pid = name.split(":")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO dwh_lineage.workers (name, host, pid, started_at, seen_at, version, queues, steps,"
            " busy_seconds) VALUES (%s, %s, %s, clock_timestamp() - %s::interval - interval '1 hour',"
            " clock_timestamp() - %s::interval, '1.2', '{celery}', %s, %s)",
            [name, host, pid, seen, seen, steps, busy],
        )


def _lease(worker: str) -> Step:
    run = PipelineRun.objects.create(pipeline_name="retail")
    step = Step.objects.create(run=run, target=seeds.LINES, position=1, state="running", token=1)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO dwh_lineage.step_leases (step_id, token, worker, until)"
            " VALUES (%s, 1, %s, clock_timestamp() + interval '30 seconds')",
            [step.pk, worker],
        )
    step.attempts.create(token=1, worker=worker)
    return step


def test_each_worker_is_shown_with_what_it_does(staff: Client) -> None:
    _worker("etl-1:7")
    _worker("etl-2:8", seen="3 hours")
    _worker("etl-3:9")
    step = _lease("etl-1:7")
    assert [(w.name, w.state, w.target, round(w.load, 2)) for w in workers()] == [
        ("etl-1:7", "working", seeds.LINES, 0.5),
        ("etl-3:9", "idle", None, 0.5),
        ("etl-2:8", "lost", None, 0.5),
    ]
    page = staff.get(reverse("admin:workers")).content.decode()
    assert "2 <small>of 3</small>" in page
    assert f"retail {step.run_id}" in page
    assert "badge-bad" in page


def test_a_run_in_a_terminal_is_a_worker_while_it_lasts(staff: Client) -> None:
    _lease("laptop:99")
    (found,) = workers()
    assert (found.host, found.pid, found.state, found.queues) == ("laptop", 99, "working", [])
    assert "one run, in a terminal" in staff.get(reverse("admin:workers")).content.decode()
    assert workers_alive() == 0  # it takes no other steps
    Lease.objects.all().delete()
    assert workers() == []


def test_without_workers_the_page_says_what_to_do(staff: Client) -> None:
    assert "No worker has ever started" in staff.get(reverse("admin:workers")).content.decode()
    _worker("etl-1:7", seen="2 minutes")
    assert "No worker is alive" in staff.get(reverse("admin:workers")).content.decode()


def test_who_vanished_is_forgotten_after_a_day() -> None:
    _worker("etl-1:7", seen="23 hours")
    _worker("etl-2:8", seen="25 hours")
    assert forget_workers() == 1
    assert list(Worker.objects.values_list("name", flat=True)) == ["etl-1:7"]


def test_the_command_shows_the_same(staff: Client) -> None:
    _worker("etl-1:7")
    step = _lease("etl-1:7")
    out = StringIO()
    call_command("workers", stdout=out)
    said = " ".join(out.getvalue().split())
    assert f"etl-1:7 working {seeds.LINES} (run {step.run_id})" in said
    assert "50.0 %" in said


def test_the_page_is_brought_up_to_date_while_one_looks(staff: Client) -> None:
    address = reverse("admin:workers")
    part = staff.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "No worker has ever started" in part
    assert "<html" not in part
    assert f'hx-get="{address}"' in staff.get(address).content.decode()
    _worker("etl-1:7")
    assert "etl-1" in staff.get(address, headers={"HX-Request": "true"}).content.decode()
