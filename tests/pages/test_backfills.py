"""The pages of backfills."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from lineage.models import Backfill, BackfillChange, PipelineRun
from medallion.backfills.change import create_backfill
from medallion.backfills.plan import Order

FIRST = datetime(2020, 1, 1, tzinfo=UTC)
FORM = {"pipeline": "retail_daily", "first": "2020-01-01", "last": "2020-01-10", "redo": "none", "max_active": "2"}


@pytest.fixture
def steward(person: Callable[..., Client]) -> Client:
    return person("view_backfill", "add_backfill", "change_backfill", "view_schedule", "view_pipelinerun")


@pytest.fixture
def ordered(db: None) -> Backfill:
    """Ten days, of which one has run and one has failed."""
    made = create_backfill(Order("retail_daily", FIRST, FIRST + timedelta(days=10)), by="ada")
    for time, status in zip(made.times.all(), ("completed", "failed"), strict=False):
        run = {"pipeline_name": "retail_daily", "backfill": made, "logical_time": time.logical_time}
        PipelineRun.objects.create(status=status, **run)
    return made


def test_the_list_shows_how_far_each_is(steward: Client, ordered: Backfill) -> None:
    page = steward.get(reverse("admin:backfills")).content.decode()
    assert "1 completed, 1 failed, 8 waiting" in page
    assert reverse("admin:backfill", args=[ordered.pk]) in page


def test_without_backfills_the_list_says_what_they_are_for(steward: Client) -> None:
    assert "manage.py backfill" in steward.get(reverse("admin:backfills")).content.decode()


def test_one_shows_its_times_with_their_runs(steward: Client, ordered: Backfill) -> None:
    page = steward.get(reverse("admin:backfill", args=[ordered.pk])).content.decode()
    assert reverse("admin:run", args=[ordered.runs.first().pk]) in page  # type: ignore[union-attr]
    assert "every 5s" in page


def test_a_preview_orders_nothing(steward: Client, db: None) -> None:
    page = steward.post(reverse("admin:backfill_add"), {**FORM, "check": "1"}).content.decode()
    assert "10 of 10 times" in page
    assert "no run yet" in page
    assert not Backfill.objects.exists()


def test_an_order_is_made_and_shown(steward: Client, db: None) -> None:
    page = steward.post(reverse("admin:backfill_add"), FORM, follow=True)
    made = Backfill.objects.get()
    assert (made.max_active, made.times.count(), made.requested_by[:5]) == (2, 10, "staff")
    assert f"Backfill {made.pk} of retail_daily was ordered" in page.content.decode()


def test_an_order_that_means_nothing_says_why(steward: Client, db: None) -> None:
    response = steward.post(reverse("admin:backfill_add"), {**FORM, "last": "2019-01-01"})
    assert response.status_code == 400
    assert "ends before it begins" in response.content.decode()


def test_a_change_is_confirmed_and_kept_with_its_reason(steward: Client, ordered: Backfill) -> None:
    for verb, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        address = reverse(f"admin:backfill_{verb}", args=[ordered.pk])
        assert "Why" in steward.get(address).content.decode()
        steward.post(address, {"reason": f"to {verb}"})
        ordered.refresh_from_db()
        assert ordered.state == state
        assert BackfillChange.objects.filter(backfill=ordered).latest("pk").reason == f"to {verb}"
    page = steward.post(address, follow=True).content.decode()
    assert f"Backfill {ordered.pk} is cancelled." in page


def test_who_may_only_look_changes_nothing(person: Callable[..., Client], ordered: Backfill) -> None:
    reader = person("view_backfill")
    assert reader.post(reverse("admin:backfill_cancel", args=[ordered.pk])).status_code in (302, 403)
    assert reader.post(reverse("admin:backfill_add"), FORM).status_code in (302, 403)
    ordered.refresh_from_db()
    assert ordered.state == "running"
    assert Backfill.objects.count() == 1
