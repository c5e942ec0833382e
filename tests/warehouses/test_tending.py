"""What people do about a cause as a whole, corrections that hold for rows to come, and causes that come back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from quality.issue_models import CorrectionRule
from quality.models import QualityDecision, QualityIssue
from quality.replay import replay as carry_out
from tests.warehouses import bench_database as bench
from tests.warehouses.bench_database import Connection
from tests.warehouses.decisions import value
from tests.warehouses.lab.warehouse import RawReadings, Readings
from tests.warehouses.shop import Shop
from tests.warehouses.test_causes import counted, states
from tests.warehouses.test_overlay import GOOD
from tests.warehouses.test_replay import decide, decided, people, replay  # noqa: F401


def cause_of(lab: Connection) -> int:
    return int(value(lab, "SELECT id FROM dwh_lineage.quality_issues WHERE cause = '=onn'"))


def corrected(lab: Connection) -> tuple[int, int]:
    """Twelve rows of one cause, corrected by ada: the issue and the decision."""
    states(lab, onn=12)
    issue = cause_of(lab)
    decision = decide(lab, "correct", Readings.target, {"issue": issue, "column": "state", "texts": {"onn": "on"}})
    replay(lab, decision)
    return issue, decision


def arrive(lab: Connection, days: int, rows: int = 2) -> None:
    """Rows of the same cause, in a batch of another day."""
    at, first = timezone.now() + timedelta(days=days), bench.EXPLICIT_IDS + 100 * days
    bench.ingest(lab, RawReadings, [GOOD | {"state": "onn"}] * rows, "b.csv", at, first)
    bench.call(lab, Readings.target)


def acts(lab: Connection, issue: int) -> list[tuple[str, str]]:
    return lab.execute(
        "SELECT act, text FROM dwh_lineage.issue_events WHERE issue_id = %s ORDER BY id", (issue,)
    ).fetchall()


def test_assigning_snoozing_and_comments_are_kept_with_who_did_them(people: Connection) -> None:  # noqa: F811
    states(people, onn=12)
    issue = cause_of(people)
    people.execute("SELECT dwh_lineage.assign_issue(%s, 'ada', 'bob')", (issue,))
    people.execute("SELECT dwh_lineage.snooze_issue(%s, 'bob', '2999-01-02', 100)", (issue,))
    people.execute("SELECT dwh_lineage.snooze_issue(%s, 'bob', NULL)", (issue,))
    people.execute("SELECT dwh_lineage.comment_on_issue(%s, 'ada', ' asked the shop ')", (issue,))
    people.execute("SELECT dwh_lineage.assign_issue(%s, 'ada', NULL)", (issue,))
    assert acts(people, issue) == [
        ("assigned", "to bob"),
        ("snoozed", "until 2999-01-02 00:00 UTC or until more than 100 rows are open"),
        ("snoozed", "no more"),
        ("commented", "asked the shop"),
        ("assigned", "to nobody"),
    ]


@pytest.mark.parametrize(
    ("act", "code"),
    [
        ("comment_on_issue(0, 'ada', 'x')", "AS090"),
        ("comment_on_issue(%s, 'ada', ' ')", "AS091"),
        ("snooze_issue(%s, 'ada', '2000-01-01')", "AS091"),
        ("snooze_issue(%s, 'ada', NULL, -1)", "AS091"),
        ("assign_issue(%s, 'ada', 'nobody of this name')", "AS069"),
    ],
)
def test_what_cannot_be_meant_is_refused(people: Connection, act: str, code: str) -> None:  # noqa: F811
    states(people, onn=12)
    issue = cause_of(people)
    with pytest.raises(psycopg.Error) as refused:
        people.execute(f"SELECT dwh_lineage.{act}".encode(), (issue,) if "%s" in act else ())
    assert refused.value.sqlstate == code


@pytest.mark.parametrize(
    ("until", "above", "rows", "snoozed"),
    [
        (None, None, 5, False),
        (timedelta(hours=1), None, 5, True),
        (timedelta(hours=-1), None, 5, False),
        (None, 5, 5, True),
        (None, 5, 6, False),
        (timedelta(hours=1), 5, 6, False),
        (timedelta(hours=-1), 5, 5, False),
    ],
)
def test_a_cause_sleeps_until_its_time_or_until_it_grows(
    until: timedelta | None, above: int | None, rows: int, snoozed: bool
) -> None:
    issue = QualityIssue(snoozed_until=until and timezone.now() + until, snoozed_above=above)
    assert issue.is_snoozed(rows) is snoozed


def test_events_of_issues_cannot_be_rewritten(people: Connection) -> None:  # noqa: F811
    states(people, onn=12)
    people.execute("SELECT dwh_lineage.comment_on_issue(%s, 'ada', 'x')", (cause_of(people),))
    with pytest.raises(psycopg.Error, match="Cannot update"):
        people.execute("UPDATE dwh_lineage.issue_events SET text = 'y'")


# --- Rows to come ----------------------------------------------------------------------------------------------------
def test_a_correction_rule_queues_a_decision_for_the_new_rows_of_its_cause_alone(
    people: Connection,  # noqa: F811
) -> None:
    issue, decision = corrected(people)
    people.execute("SELECT dwh_lineage.keep_correcting(%s, 'ada')", (decision,))
    states(people, onn=3, of=1)
    made = value(people, "SELECT max(id) FROM dwh_lineage.quality_decisions")
    assert made != decision
    found = decided(people, made)
    assert (found["state"], found["selected"], found["by_rule_id"]) == ("queued", 3, value(people, RULE))
    replay(people, made)
    assert decided(people, made)["landed"] == 3
    assert counted(people)
    # A row that somebody takes back is not taken by the rule again.
    replay(people, value(people, "SELECT dwh_lineage.undo(%s, 'ada')", made))
    bench.call(people, Readings.target, "rebuild")
    assert value(people, "SELECT count(*) FROM dwh_lineage.quality_decisions WHERE by_rule_id IS NOT NULL") == 1
    assert not [act for act, _ in acts(people, issue) if act == "regressed"]


RULE = "SELECT max(id) FROM dwh_lineage.correction_rules"


def test_more_rows_than_the_rule_may_decide_about_wait_for_another_person(people: Connection) -> None:  # noqa: F811
    _, decision = corrected(people)
    people.execute("SELECT dwh_lineage.keep_correcting(%s, 'ada', 2)", (decision,))
    states(people, onn=3)
    made = value(people, "SELECT max(id) FROM dwh_lineage.quality_decisions")
    assert decided(people, made)["state"] == "proposed"
    with pytest.raises(psycopg.Error, match="your own"):
        people.execute("SELECT dwh_lineage.approve(%s, 'ada')", (made,))


def test_a_rule_of_a_proposal_proposes_whatever_it_finds(people: Connection) -> None:  # noqa: F811
    states(people, onn=12)
    selection = {"issue": cause_of(people), "column": "state", "texts": {"onn": "on"}}
    decision = decide(people, "correct", Readings.target, selection, in_propose=True)
    people.execute("SELECT dwh_lineage.keep_correcting(%s, 'ada', 1000)", (decision,))
    states(people, onn=1)
    assert value(people, "SELECT state FROM dwh_lineage.quality_decisions WHERE by_rule_id IS NOT NULL") == "proposed"


@pytest.mark.parametrize(
    "ended",
    [
        "SELECT dwh_lineage.end_correction_rule(max(id), 'bob') FROM dwh_lineage.correction_rules",
        "UPDATE auth_user SET is_active = false WHERE username = 'ada'",
    ],
)
def test_a_rule_that_is_off_or_whose_author_has_left_decides_nothing(
    people: Connection,  # noqa: F811
    ended: str,
) -> None:
    _, decision = corrected(people)
    people.execute("SELECT dwh_lineage.keep_correcting(%s, 'ada')", (decision,))
    people.execute(ended.encode())
    states(people, onn=3)
    assert value(people, "SELECT count(*) FROM dwh_lineage.quality_decisions") == 1


def test_a_decision_makes_one_rule_and_only_one_about_a_cause(people: Connection) -> None:  # noqa: F811
    _, decision = corrected(people)
    people.execute("SELECT dwh_lineage.keep_correcting(%s, 'ada')", (decision,))
    with pytest.raises(psycopg.Error) as refused:
        people.execute("SELECT dwh_lineage.keep_correcting(%s, 'ada')", (decision,))
    assert refused.value.sqlstate == "AS092"


# --- Causes that come back -------------------------------------------------------------------------------------------
def test_a_corrected_cause_that_a_later_batch_brings_has_come_back_and_is_notified_once(
    people: Connection,  # noqa: F811
) -> None:
    issue, decision = corrected(people)
    arrive(people, -1)  # a batch of before, which is loaded late
    assert value(people, "SELECT regressed_at FROM dwh_lineage.quality_issues WHERE id = %s", issue) is None
    arrive(people, 1)
    assert acts(people, issue) == [("regressed", f"after decision {decision}")]
    notified = "SELECT count(*) FROM dwh_lineage.notifications WHERE event LIKE 'issue %% regressed %%'"
    assert value(people, notified) == 1


def test_a_cause_of_which_a_rule_takes_care_does_not_come_back(people: Connection) -> None:  # noqa: F811
    issue, decision = corrected(people)
    people.execute("SELECT dwh_lineage.keep_correcting(%s, 'ada')", (decision,))
    arrive(people, 1)
    assert acts(people, issue) == []


# --- By the pages ----------------------------------------------------------------------------------------------------
@pytest.fixture
def found(db: None, shop: Shop) -> QualityIssue:
    User.objects.create_superuser("ada")
    with bench.repeatable_read(shop.sql):
        states(shop.sql, onn=12, of=2)
    return QualityIssue.objects.get(cause="=onn")


def ada() -> Client:
    client = Client()
    client.force_login(User.objects.get(username="ada"))
    return client


def test_the_pages_assign_snooze_comment_and_correct_for_rows_to_come(found: QualityIssue) -> None:
    def post(name: str, **said: Any) -> Any:
        return ada().post(reverse(f"admin:{name}", args=[found.pk]), said, follow=True)

    post("assign", mine="1")
    post("comment", text="asked the shop")
    assert "A number of rows" not in post("snooze", until="2999-01-01").content.decode()
    page = post("snooze", above="x").content.decode()
    for part in ("asked the shop", "to ada", "until 2999-01-01", "Nothing was done", "snoozed"):
        assert part in page
    assert "status" not in ada().get(reverse("admin:exceptions") + "?mine").content.decode()

    said = {"from": ["onn", "of"], "to": ["on", ""], "future": "on"}
    seen = ada().post(reverse("admin:fix", args=[found.pk]), said)
    assert (seen.context["preview"].landed, QualityDecision.objects.count()) == (12, 0)
    post("fix", **said, confirm="1", seen=seen.context["form"].seen)
    made = QualityDecision.objects.get()
    assert made.selection["texts"] == {"onn": "on"}
    carry_out(made.pk)
    rule = CorrectionRule.objects.get()
    assert f"decision {made.pk}" in ada().get(reverse("admin:correction_rules")).content.decode()
    ada().post(reverse("admin:correction_rule-end", args=[rule.pk]))
    rule.refresh_from_db()
    assert (rule.active, rule.ended_by.username) == (False, "ada")


def test_a_form_that_says_nothing_or_was_not_shown_does_nothing(found: QualityIssue) -> None:
    address = reverse("admin:fix", args=[found.pk])
    assert "write a new text" in ada().post(address, {"from": "onn", "to": ""}).content.decode()
    said = {"from": "onn", "to": "on", "confirm": "1", "seen": "another"}
    assert "has not been shown yet" in ada().post(address, said).content.decode()
    assert ada().get(address).status_code == 302
    assert not QualityDecision.objects.exists()
