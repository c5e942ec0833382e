"""The list of runs, and one run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from lineage.advice import what_to_do
from lineage.models import Attempt, PipelineRun, Step
from lineage.timeline import axis_of
from tests import seeds
from tests.timing import answers_at_once


def test_the_list_shows_what_each_run_did(staff: Client) -> None:
    seeds.seed_warehouse()
    seeds.seed_runs(10)
    page = staff.get(reverse("admin:runs")).content.decode()
    assert "badge-good" in page
    assert "4 / 4" in page
    assert ">39<" in page  # 3 batches of 13 rows
    assert "ada (manual)" in page


@pytest.mark.parametrize("query", ["", "?status=failed", "?pipeline=night", "?status=completed&pipeline=retail"])
def test_the_list_takes_eight_queries_at_most(staff: Client, django_assert_max_num_queries, query: str) -> None:
    seeds.seed_warehouse()
    seeds.seed_runs(120)
    with django_assert_max_num_queries(8):
        staff.get(reverse("admin:runs") + query)


def test_paging_visits_each_run_once_in_both_directions(staff: Client) -> None:
    seeds.seed_runs(173, with_steps=0)
    every = sorted(PipelineRun.objects.values_list("run_id", flat=True), reverse=True)
    assert _walk(staff, "older") == every
    up = _walk(staff, "newer", start=f"?after={every[-1] - 1}")
    assert sorted(up, reverse=True) == every


def test_a_run_that_arrives_while_one_pages_moves_nothing(staff: Client) -> None:
    seeds.seed_runs(80, with_steps=0)
    first = staff.get(reverse("admin:runs"))
    older = first.context["table"].keyset.older
    before = _ids(staff, older)
    PipelineRun.objects.create(pipeline_name="retail")
    assert _ids(staff, older) == before


def test_filters_stay_while_one_pages(staff: Client) -> None:
    seeds.seed_runs(400, with_steps=0)
    response = staff.get(reverse("admin:runs"), {"pipeline": "night"})
    assert "pipeline=night" in response.context["table"].keyset.older
    assert {row.run.pipeline_name for row in response.context["table"].data} == {"night"}


def test_a_place_that_is_no_number_is_the_first_page(staff: Client) -> None:
    seeds.seed_runs(3, with_steps=0)
    for place in ("x", "-1", "9" * 40, "²", "1;drop table"):
        assert staff.get(reverse("admin:runs"), {"before": place}).status_code == 200


def test_an_unknown_status_is_said(staff: Client) -> None:
    seeds.seed_runs(3, with_steps=0)
    assert "Select a valid choice" in staff.get(reverse("admin:runs"), {"status": "nonsense"}).content.decode()


def test_a_run_shows_its_steps_with_their_counts_and_what_to_do_about_its_error(
    staff: Client, django_assert_max_num_queries
) -> None:
    seeds.seed_warehouse()
    seeds.seed_runs(20)
    failed = PipelineRun.objects.get(status="failed")
    with django_assert_max_num_queries(10):
        page = staff.get(reverse("admin:run", args=[failed.pk])).content.decode()
    assert "SQLSTATE 22008" in page
    assert "date/time field value out of range" in page
    assert what_to_do("22008") in page
    assert "upstream failed" in page
    assert "1,980" in page  # rows unchanged
    assert "worker-1@etl" in page
    assert 'class="bar-bad"' in page
    assert str(failed.batch_id) in page


def test_a_run_without_steps_says_why(staff: Client) -> None:
    run = PipelineRun.objects.create(pipeline_name="by hand", requested_by="<script>alert(1)</script>")
    page = staff.get(reverse("admin:run", args=[run.pk])).content.decode()
    assert "No steps" in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_rows_of_a_step_without_a_batch_are_unknown_and_not_zero(staff: Client) -> None:
    seeds.seed_warehouse()
    run = PipelineRun.objects.create(pipeline_name="retail")
    Step.objects.create(run=run, target=seeds.LINES, position=1, state="queued")
    assert staff.get(reverse("admin:run", args=[run.pk])).context["lines"][0]["counts"] == [None] * 6


def test_a_step_that_found_nothing_to_load_says_so(staff: Client) -> None:
    seeds.seed_warehouse()
    run = PipelineRun.objects.create(pipeline_name="retail")
    step = Step.objects.create(run=run, target=seeds.LINES, position=1, state="queued")
    address = reverse("admin:run", args=[run.pk])
    assert "nothing new" not in staff.get(address).content.decode()
    for state in ("running", "succeeded"):
        Step.objects.filter(pk=step.pk).update(state=state)
    assert "nothing new" in staff.get(address).content.decode()


def test_bars_share_one_axis_and_what_took_no_time_can_be_seen() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    first = Attempt(started_at=start, ended_at=start + timedelta(seconds=5), outcome="failed")
    second = Attempt(started_at=start + timedelta(seconds=5), ended_at=None)
    instant = Attempt(started_at=start + timedelta(seconds=10), ended_at=start + timedelta(seconds=10), outcome="lost")
    axis = axis_of([first, second, instant], now=start + timedelta(seconds=10))
    assert axis is not None
    assert axis.length == timedelta(seconds=10)
    bars = [axis.bar(attempt) for attempt in (first, second, instant)]
    assert [(bar.x, bar.width, bar.state) for bar in bars] == [
        (0, 500, "failed"),
        (500, 500, "running"),
        (996, 4, "lost"),
    ]
    assert axis_of([], now=start) is None


def test_runs_are_found_by_the_days_of_their_requests(staff: Client) -> None:
    seeds.seed_runs(1000, with_steps=0)  # one every 7 minutes
    run = PipelineRun.objects.order_by("run_id")[500]
    day = timezone.localtime(run.created_at).date()
    page = staff.get(reverse("admin:runs"), {"since": day, "until": day})
    found = [row.run for row in page.context["table"].data]
    assert found
    assert {timezone.localtime(shown.created_at).date() for shown in found} == {day}
    of_the_day = PipelineRun.objects.filter(created_at__date=day)
    assert found == list(of_the_day.order_by("-run_id")[: len(found)])
    assert "until=" in page.context["table"].keyset.older


@pytest.mark.parametrize("query", ["?since=9999-12-31", "?until=9999-12-31", "?until=0001-01-01", "?since=0001-01-01"])
def test_days_that_no_calendar_has_are_no_fault(staff: Client, query: str) -> None:
    seeds.seed_runs(3, with_steps=0)
    assert staff.get(reverse("admin:runs") + query).status_code == 200
    assert "Enter a valid date" in staff.get(reverse("admin:runs") + "?since=31.12.2026").content.decode()


def test_the_rows_in_view_are_brought_up_to_date_alone(staff: Client) -> None:
    seeds.seed_runs(80, with_steps=0)
    first = staff.get(reverse("admin:runs"))
    assert 'hx-trigger="every 5s"' in first.content.decode()
    part = staff.get(reverse("admin:runs"), headers={"HX-Request": "true"}).content.decode()
    assert part.count("<tr ") == 50
    assert "<html" not in part
    older = first.context["table"].keyset.older
    assert "hx-trigger" not in staff.get(reverse("admin:runs") + older).content.decode()
    last = staff.get(reverse("admin:runs") + older).context["table"].data[-1].run.pk
    PipelineRun.objects.filter(pk=last).update(status="running")  # somebody runs a step again
    assert "hx-trigger" in staff.get(reverse("admin:runs") + older).content.decode()


@pytest.mark.slow
def test_the_list_of_a_million_runs_answers_at_once(staff: Client) -> None:
    seeds.seed_warehouse()
    seeds.seed_runs(1_000_000)
    first = timezone.localtime(PipelineRun.objects.order_by("run_id").values_list("created_at", flat=True)[0])
    days = f"?since={first:%Y-%m-%d}&until={first + timedelta(days=400):%Y-%m-%d}"
    for query in (days, f"{days}&status=failed", f"{days}&pipeline=night", f"?since={timezone.now():%Y-%m-%d}"):
        assert answers_at_once(staff, reverse("admin:runs") + query), query
    for query in ("", "?status=failed", "?status=cancelled", "?pipeline=night", "?status=failed&pipeline=night"):
        assert answers_at_once(staff, reverse("admin:runs") + query), query
    middle = PipelineRun.objects.latest("run_id").pk - 100_000
    assert answers_at_once(staff, reverse("admin:runs") + f"?before={middle}")


def _ids(client: Client, query: str) -> list[int]:
    return [row.run.pk for row in client.get(reverse("admin:runs") + query).context["table"].data]


def _walk(client: Client, direction: str, start: str = "") -> list[int]:
    seen: list[int] = []
    query: str | None = start
    while query is not None:
        keyset = client.get(reverse("admin:runs") + query).context["table"].keyset
        seen += [run.pk for run in keyset.rows]
        query = getattr(keyset, direction) or None
    return seen
