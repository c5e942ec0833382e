"""The pages of decisions: who may decide, what the form asks, what a decision's page offers to whom."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from quality.asking import nearest
from quality.models import QualityDecision, QualityIssue
from tests import seeds

VIEW, DECIDE, APPROVE = "view_qualityexception", "decide", "approve"
MayDo = Callable[..., Client]


@pytest.fixture
def issue(db: None) -> QualityIssue:
    seeds.seed_warehouse()
    seeds.seed_exceptions(440)
    return QualityIssue.objects.get(title="Quantity must be above 0", target=seeds.LINES)


@pytest.fixture
def proposed(issue: QualityIssue) -> QualityDecision:
    """A proposal of ada's about all rows of the cause."""
    return QualityDecision.objects.create(
        verb="correct", target=issue.target, state="proposed", selection={"issue": issue.pk, "value": "-12"},
        patch={"Quantity": "12"}, author=User.objects.create_user("ada"), needs_approval=True, selected=22,
    )  # fmt: skip


def test_a_cause_leads_to_a_decision_about_each_of_its_values(person: MayDo, issue: QualityIssue) -> None:
    form = f"{reverse('admin:decide', args=[issue.pk])}?value=-12"
    cause = reverse("admin:issue", args=[issue.pk])
    assert form in person(VIEW, DECIDE).get(cause).content.decode()
    assert "/decide/" not in person(VIEW).get(cause).content.decode()


def test_the_form_knows_the_source_column_in_which_the_value_stands(
    person: MayDo, issue: QualityIssue, django_assert_max_num_queries
) -> None:
    client = person(VIEW, DECIDE)
    with django_assert_max_num_queries(8):
        response = client.get(reverse("admin:decide", args=[issue.pk]), {"value": "-12"})
    assert response.context["asked"].column == "Quantity"
    assert '<option value="Quantity" selected>' in response.content.decode()


def test_a_form_that_says_two_things_is_refused(person: MayDo, issue: QualityIssue) -> None:
    said = {"verb": "correct", "column": "Quantity", "text": "1", "remove": "on"}
    response = person(VIEW, DECIDE).post(reverse("admin:decide", args=[issue.pk]), said)
    assert "not both" in response.content.decode()


def test_who_may_only_look_can_neither_decide_nor_stop_nor_approve(
    person: MayDo, issue: QualityIssue, proposed: QualityDecision
) -> None:
    viewer = person(VIEW)
    assert viewer.get(reverse("admin:decide", args=[issue.pk])).status_code == 403
    for act in ("approve", "stop", "undo"):
        assert viewer.post(reverse(f"admin:decision-{act}", args=[proposed.pk])).status_code == 403
    steward = person(VIEW, DECIDE)
    assert steward.post(reverse("admin:decision-approve", args=[proposed.pk])).status_code == 403


def test_a_decision_says_who_decided_what_about_which_rows(
    person: MayDo, proposed: QualityDecision, django_assert_max_num_queries
) -> None:
    client = person(VIEW, DECIDE, APPROVE)
    with django_assert_max_num_queries(8):
        page = client.get(reverse("admin:decision", args=[proposed.pk])).content.decode()
    assert "rows of “Quantity must be above 0” with the value “-12”" in page
    assert reverse("admin:decision-approve", args=[proposed.pk]) in page
    with django_assert_max_num_queries(8):
        assert "ada" in client.get(reverse("admin:decisions")).content.decode()


def test_nobody_approves_what_they_proposed(person: MayDo, proposed: QualityDecision) -> None:
    client = person(VIEW, DECIDE, APPROVE)
    QualityDecision.objects.update(author=User.objects.get(username__contains=APPROVE))
    address = reverse("admin:decision-approve", args=[proposed.pk])
    assert address not in client.get(reverse("admin:decision", args=[proposed.pk])).content.decode()
    response = client.post(address)
    assert response.status_code == 409
    assert "your own" in response.content.decode()


@pytest.mark.parametrize(
    ("value", "suggested"), [("actve", "active"), (" ACTIVE ", "active"), ("Blocked", "blocked"), ("xyz", None)]
)
def test_the_accepted_value_that_may_be_meant_is_suggested(value: str, suggested: str | None) -> None:
    assert nearest(value, ["active", "blocked"]) == suggested
