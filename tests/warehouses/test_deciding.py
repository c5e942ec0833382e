"""Stewards' acts by the pages: from a cause to a decision that is queued, approved, carried out and undone."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from quality.models import QualityDecision, QualityException, QualityIssue
from quality.replay import replay
from tests.pages import test_browser as browser
from tests.warehouses import bench_database as bench
from tests.warehouses.lab.warehouse import RawReadings, Readings
from tests.warehouses.shop import Shop
from tests.warehouses.test_overlay import GOOD

CORRECTION = {"verb": "correct", "column": "state", "text": "on"}


@pytest.fixture
def issue(shop: Shop) -> QualityIssue:
    """The cause of three readings with a wrong state; nobody hears the doorbell."""
    for name in ("ada", "bob"):
        User.objects.create_superuser(name, password="engine")  # noqa: S106
    with bench.repeatable_read(shop.sql):
        bench.ingest(shop.sql, RawReadings, [GOOD | {"state": "onn"}] * 2 + [GOOD | {"state": "of"}])
        bench.call(shop.sql, Readings.target)
    return QualityIssue.objects.get(rule="state:one_of")


def client(name: str) -> Client:
    made = Client()
    made.force_login(User.objects.get(username=name))
    return made


def decided(issue: QualityIssue, **more: str) -> QualityDecision:
    """Ada's decision about the rows with `onn`, previewed and confirmed."""
    address = reverse("admin:decide", args=[issue.pk]) + "?value=onn"
    seen = client("ada").post(address, CORRECTION | {"preview": "1"} | more)
    confirmed = CORRECTION | {"confirm": "1", "seen": seen.context["form"].seen} | more
    response = client("ada").post(address, confirmed)
    made = QualityDecision.objects.latest("pk")
    assert (response.status_code, response["Location"]) == (302, reverse("admin:decision", args=[made.pk]))
    assert client("ada").post(address, confirmed).status_code == 400  # sent twice: nothing is open any more
    return made


def test_a_preview_counts_and_shows_samples_and_changes_nothing(issue: QualityIssue) -> None:
    response = client("ada").post(reverse("admin:decide", args=[issue.pk]) + "?value=onn", CORRECTION)
    seen = response.context["preview"]
    assert (seen.selected, seen.landed, len(seen.samples)) == (2, 2, 2)
    assert not QualityDecision.objects.exists()


def test_what_was_not_shown_is_not_done(issue: QualityIssue) -> None:
    address = reverse("admin:decide", args=[issue.pk]) + "?value=onn"
    seen = client("ada").post(address, CORRECTION).context["form"].seen
    response = client("ada").post(address, CORRECTION | {"text": "off", "confirm": "1", "seen": seen})
    assert "has not been shown yet" in response.content.decode()
    assert not QualityDecision.objects.exists()


def test_what_a_routine_refuses_is_said_on_the_form_with_advice(issue: QualityIssue) -> None:
    response = client("ada").post(reverse("admin:decide", args=[issue.pk]), {"verb": "reject", "reason": " "})
    assert response.status_code == 400
    assert "Rejecting rows needs a reason" in response.content.decode()
    assert "Say why they are to stay out" in response.content.decode()


def test_a_value_that_is_nearly_an_accepted_one_is_suggested_in_its_column(issue: QualityIssue) -> None:
    asked = client("ada").get(reverse("admin:decide", args=[issue.pk]) + "?value=onn").context["asked"]
    assert (asked.column, asked.suggestion) == ("state", "on")


def test_a_decision_is_queued_carried_out_and_undone(issue: QualityIssue) -> None:
    made = decided(issue)
    replay(made.pk)
    page = client("bob").get(reverse("admin:decision", args=[made.pk]))
    assert [end["count"] for end in page.context["outcomes"]] == [2, 0, 0, 0]
    client("bob").post(reverse("admin:decision-undo", args=[made.pk]), {"reason": "by mistake"})
    replay(QualityDecision.objects.get(undoes=made).pk)
    assert QualityException.objects.filter(state="open").count() == 3


def test_a_proposal_is_approved_by_another_or_stopped(issue: QualityIssue) -> None:
    made = decided(issue, propose="on")
    assert made.state == "proposed"
    assert client("ada").post(reverse("admin:decision-approve", args=[made.pk])).status_code == 409
    client("bob").post(reverse("admin:decision-approve", args=[made.pk]))
    client("ada").post(reverse("admin:decision-stop", args=[made.pk]))
    made.refresh_from_db()
    assert (made.state, made.approver.username) == ("cancelled", "bob")


@pytest.mark.skipif(browser.CHROMIUM is None, reason="no Chromium on PATH: the pages are not tested in a browser")
def test_from_the_cause_to_the_queued_decision_in_three_interactions(issue: QualityIssue, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    cause = reverse("admin:issue", args=[issue.pk])
    with browser.serving() as site, browser.browsing(site) as page:
        page.goto(cause)
        page.click(".values-table tr:has-text('onn') >> text=Decide")
        assert "Suggested: onn → on" in page.inner_text("header:has-text('Suggested')")
        page.click("button:has-text('Preview')")
        assert "Would land\n2" in page.inner_text("#preview .figures")
        page.click("button:has-text('Confirm')")
        assert "queued" in page.inner_text("#live .badge")
