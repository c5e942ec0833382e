"""Where permissions hold: people of one domain neither see nor do anything in another, on any page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from assay.roles import GROUPS, make_groups
from lineage.models import Backfill, Batch, GroupScope, Pending, PipelineRun, Step, Target
from lineage.pages import Page, registered
from lineage.permissions import may, targets_of
from medallion.models import InstalledPipeline, ReceivedFile, Schedule
from quality.issue_models import CorrectionRule
from quality.models import QualityDecision, QualityException, QualityIssue, QualityMetric, QualityRule, UnreadableLine
from tests import seeds

#: A table of another domain, with something for each page; none of these words stands elsewhere.
PEOPLE, PIPELINE = "silver.payslips", "payroll"
#: Of pages that name no table in their address: they narrow what they show.
NARROWED = {
    "exceptions", "exception_rows", "bring_back", "exception_view", "correction_rules", "decisions", "unreadable_lines",
    "gates", "runs", "run", "workers", "tables", "lineage", "lineage-svg", "lineage-json", "watermarks", "schedules",
    "schedule_add", "run-start", "run-compare", "search", "search-json", "lineage-csv", "backfills",
    "backfill_add", "files",
}  # fmt: skip


@pytest.fixture
def records(db: None) -> dict[str, Any]:
    """The shop, and beside it payslips, with a record of every kind; the parts of their addresses."""
    seeds.seed_warehouse()
    seeds.seed_exceptions(40)
    table = Target.objects.create(
        target=PEOPLE, layer="silver", kind="append", warehouse="hr", rows_relation=PEOPLE,
        contract={"source_columns": ["payslip"]},
    )  # fmt: skip
    assert Target.objects.get(pk=PEOPLE).domain == "hr"
    run = PipelineRun.objects.create(pipeline_name=PIPELINE, status="failed")
    Step.objects.create(
        run=run, target=PEOPLE, position=1, state="failed", error_sqlstate="AS082", ended_at=run.created_at,
        error_message="payslips are wrong",
    )  # fmt: skip
    batch = Batch.objects.create(target=table, kind="load", opened_in=1, source_file="payslips.csv")
    Pending.objects.create(consumer=table, batch=batch)
    UnreadableLine.objects.create(batch=batch, record_no=1, line_no=1, raw=b"payslips", reason="no CSV")
    QualityRule.objects.create(target=table, rule="payslip:required", position=1, kind="required", message="x")
    QualityMetric.objects.create(
        batch_id=run.batch_id,
        table_name=PEOPLE,
        metric_name="payslips",
        metric_value=1,
        threshold=0,
        passed=False,
        details={"broken": 1, "rows": 2},
    )
    issue = QualityIssue.objects.create(
        fingerprint=PEOPLE, target=table, rule="payslip:required", title="A payslip is missing", first_batch=batch
    )
    issue.deltas.create(delta=1)
    exception = QualityException.objects.create(
        source_table="bronze.raw_payslips", bronze_id=1, issues=["A payslip is missing"], target_table=table,
        batch=batch, source_data={"payslip": None},
    )  # fmt: skip
    hal = User.objects.create_user("hal")
    decision = QualityDecision.objects.create(
        verb="correct", target=table, author=hal, state="proposed", needs_approval=True, reason="payslips"
    )
    rule = CorrectionRule.objects.create(issue=issue, decision=decision, selection={}, author=hal)
    InstalledPipeline.objects.create(name=PIPELINE, targets=[PEOPLE])
    schedule = Schedule.objects.create(pipeline=PIPELINE, cron="0 2 * * *")
    backfill = Backfill.objects.create(
        pipeline=PIPELINE, cron="0 2 * * *", first_time=run.created_at, last_time=run.created_at, requested_by="hal"
    )
    ReceivedFile.objects.create(target=PEOPLE, file="payslips.csv", state="ingested", size=1, modified_ns=1)
    return {
        "issue_id": issue.pk, "exception_id": exception.pk, "decision_id": decision.pk, "rule_id": rule.pk,
        "run_id": run.pk, "target": PEOPLE, "name": PEOPLE, "table": PEOPLE, "schedule_id": schedule.pk,
        "backfill_id": backfill.pk,
    }  # fmt: skip


def member(group: str, **place: str) -> Client:
    """Somebody of a group whose permissions hold in one place, or everywhere."""
    make_groups()
    made = Group.objects.get(name=group)
    if place:
        GroupScope.objects.get_or_create(group=made, **place)
    user = User.objects.create_user(f"{group}-{'-'.join(place.values())}", is_staff=True)
    user.groups.add(made)
    client = Client()
    client.force_login(user)
    return client


def address(page: Page, records: dict[str, Any]) -> str:
    parts = {name: records[name] for name in re.findall(r"<\w+:(\w+)>", page.path)}
    query = f"?table={PEOPLE}&target={PEOPLE}&name=payslip:required&key=1&chosen={records['exception_id']}"
    return reverse(f"admin:{page.name}", kwargs=parts) + (query if page.about else "")


def test_every_page_says_which_tables_it_is_about_or_narrows_what_it_shows() -> None:
    assert {page.name for page in registered() if page.about is None} == NARROWED


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_pages_about_a_table_of_another_domain_are_refused_to_every_group(group: str, records: dict[str, Any]) -> None:
    elsewhere = member(group, layer="", domain="till")
    for page in registered():
        if page.about is not None:
            for method in (elsewhere.get, elsewhere.post):
                assert method(address(page, records)).status_code == 403, page.name


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_lists_show_nothing_of_another_domain(group: str, records: dict[str, Any]) -> None:
    elsewhere = member(group, layer="", domain="till")
    pages = [reverse(f"admin:{page.name}") for page in registered() if page.name in NARROWED - {"run"}]
    for url in (
        reverse("admin:index"), *pages, reverse("admin:exception_rows") + "?state=any",
        reverse("admin:search") + "?q=a",
    ):  # fmt: skip
        shown = elsewhere.get(url)
        if "lineage" not in url:  # that a table is there is no secret
            assert not re.search("payslip|payroll", shown.content.decode().lower()), url
    assert elsewhere.get(reverse("admin:run", args=[records["run_id"]])).status_code in (403, 404)
    narrowed = elsewhere.get(reverse("admin:exception_rows"), {"target": PEOPLE})
    assert "A payslip" not in narrowed.content.decode()


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_at_home_a_limited_group_sees_and_may_what_an_unlimited_one_does(group: str, records: dict[str, Any]) -> None:
    everywhere = member(group)
    expected = {page.name: everywhere.get(address(page, records)).status_code for page in registered()}
    at_home = member(group, layer="silver", domain="hr")
    assert {page.name: at_home.get(address(page, records)).status_code for page in registered()} == expected
    assert "A payslip is missing" in at_home.get(reverse("admin:exceptions")).content.decode()
    assert "Customer is missing" not in at_home.get(reverse("admin:exceptions")).content.decode()


def test_a_permission_of_ones_own_holds_everywhere_and_places_of_groups_add_up(records: dict[str, Any]) -> None:
    make_groups()
    viewer, steward = Group.objects.get(name="Viewer"), Group.objects.get(name="Steward")
    GroupScope.objects.create(group=viewer, layer="silver", domain="till")
    GroupScope.objects.create(group=steward, domain="hr")
    user = User.objects.create_user("una")
    user.groups.set([viewer, steward])
    assert targets_of(user, "quality.decide") == {PEOPLE}
    assert targets_of(user, "quality.view_qualityexception") == {PEOPLE, seeds.LINES, seeds.CUSTOMERS}
    assert user.has_perm("quality.decide", Target.objects.get(pk=PEOPLE))
    assert not user.has_perm("quality.decide", Target.objects.get(pk=seeds.LINES))
    assert not may(user, "quality.decide", "silver.nothing")
    GroupScope.objects.filter(group=steward).delete()
    assert targets_of(User.objects.get(pk=user.pk), "quality.decide") is None


def test_a_declared_domain_stands_before_the_app(records: dict[str, Any]) -> None:
    Target.objects.filter(pk=PEOPLE).update(contract={"domain": "salaries"})
    assert Target.objects.get(pk=PEOPLE).domain == "salaries"


def test_an_administrator_says_on_the_page_of_a_group_where_it_acts(admin_client: Client, records: None) -> None:
    make_groups()
    group = Group.objects.get(name="Steward")
    page = admin_client.get(reverse("admin:auth_group_change", args=[group.pk])).content.decode()
    assert '<option value="hr">hr</option>' in page
    assert '<option value="till">till</option>' in page
    admin_client.post(
        reverse("admin:auth_group_change", args=[group.pk]),
        {
            "name": "Steward", "permissions": [p.pk for p in group.permissions.all()], "scopes-TOTAL_FORMS": "1",
            "scopes-INITIAL_FORMS": "0", "scopes-0-group": group.pk, "scopes-0-layer": "", "scopes-0-domain": "hr",
        },
    )  # fmt: skip
    assert [str(scope) for scope in group.scopes.all()] == ["every layer, hr"]


@pytest.mark.parametrize(
    ("model", "state"),
    [
        (QualityException, "landed"),
        (QualityException, "proposed"),
        (QualityDecision, "withdrawn"),
    ],
)
def test_a_bulk_update_of_states_is_refused_even_where_the_transition_is_a_legal_one(
    records: dict[str, Any], model: Any, state: str
) -> None:
    with pytest.raises(DatabaseError, match="Invalid transition"), transaction.atomic():
        model.objects.update(state=state)
