"""The pages of gates, and of the history of rules and checks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from lineage.models import Batch, Pending, PipelineRun, Step, Target
from quality.history import chart
from quality.models import QualityMetric, QualityRule
from quality.override_models import QualityOverride
from tests import seeds

VIEW, OVERRIDE = "view_qualityexception", "override"
MayDo = Callable[..., Client]
RULE = "quantity:greater_than"


@pytest.fixture
def rule(db: None) -> QualityRule:
    """A rule with a history of thirty loads, the last of which failed, and a gate that it holds closed."""
    seeds.seed_warehouse()
    target = Target.objects.get(pk=seeds.LINES)
    made = QualityRule.objects.create(
        target=target, rule=RULE, position=901, column_name="quantity", kind="greater_than", severity="fail",
        message="Quantity must be above 0", version="abc", threshold="1%",
    )  # fmt: skip
    run = PipelineRun.objects.create(pipeline_name="daily", status="failed")
    for number in range(30):
        broken = 90 if number == 29 else number % 7
        QualityMetric.objects.create(
            run=run, batch_id=run.batch_id, table_name=target.pk, metric_name=RULE, metric_value=broken / 10,
            threshold=1, passed=broken <= 10, measured_at=timezone.now() - timedelta(days=30 - number),
            details={"rows": 1000, "broken": broken, "threshold": "1%", "severity": "fail",
                     "version": "abc" if number > 12 else "old"},
        )  # fmt: skip
    for batch in Batch.objects.filter(target=seeds.BRONZE).order_by("-pk")[:3]:
        Pending.objects.create(consumer=target, batch=batch)
    Step.objects.create(
        run=run, target=target.pk, position=1, state="failed", error_sqlstate="AS082", ended_at=timezone.now(),
        error_message="Rows break rules that no row of silver.lines may break, so nothing was loaded.\n"
                      "Batch 20: 90 of 1000 rows: Quantity must be above 0, where 1% are allowed.",
    )  # fmt: skip
    return made


def address(rule: QualityRule) -> str:
    return f"{reverse('admin:rule')}?table={rule.target_id}&name={rule.rule}"


def test_the_history_of_a_rule_shows_its_pass_rate_its_threshold_and_its_versions(
    person: MayDo, rule: QualityRule, django_assert_max_num_queries: Any
) -> None:
    client = person(VIEW)
    with django_assert_max_num_queries(10):
        response = client.get(address(rule))
    drawn = response.context["chart"]
    assert (drawn.lowest, drawn.highest) == ("91.00 %", "100 %")
    assert len(drawn.points) == 30
    assert len(drawn.marks) == 1
    assert [point.passed for point in drawn.points].count(False) == 1
    page = response.content.decode()
    assert "90 of 1,000 rows break it" in page
    assert "Change from the next batch on" not in page


def test_a_picture_without_measurements_is_none_and_one_measurement_stands_in_the_middle() -> None:
    assert chart([]) is None
    drawn = chart([QualityMetric(metric_value=5, threshold=10, passed=True, measured_at=timezone.now(), details={})])
    assert drawn is not None
    assert drawn.points[0].x == 500


def test_who_may_override_changes_severity_and_threshold_with_a_reason(person: MayDo, rule: QualityRule) -> None:
    client = person(VIEW, OVERRIDE)
    without = client.post(address(rule), {"severity": "warn", "threshold": "many", "reason": ""})
    assert without.status_code == 400
    assert "Write a number of rows" in without.content.decode()
    said = {"severity": "warn", "threshold": "2%", "reason": "they are known"}
    page = client.post(address(rule), said, follow=True).content.decode()
    assert "they are known" in page
    made = QualityOverride.objects.get()
    assert (made.severity, made.threshold, made.name) == ("warn", "2%", RULE)
    assert person(VIEW).post(address(rule), said).status_code == 403


def test_an_unknown_rule_is_said(person: MayDo, rule: QualityRule) -> None:
    response = person(VIEW).get(reverse("admin:rule"), {"table": seeds.LINES, "name": "no:thing"})
    assert response.status_code == 404


def test_a_gate_says_what_blocked_on_what_evidence_and_what_waits(
    person: MayDo, rule: QualityRule, django_assert_max_num_queries: Any
) -> None:
    client = person(VIEW)
    assert seeds.LINES in client.get(reverse("admin:gates")).content.decode()
    with django_assert_max_num_queries(12):
        page = client.get(reverse("admin:gate", args=[seeds.LINES])).content.decode()
    assert "Batch 20: 90 of 1000 rows" in page
    assert "90 of 1,000 rows" in page
    assert "Let it pass" not in page


def test_letting_pass_needs_a_reason_and_is_kept_with_the_user(person: MayDo, rule: QualityRule) -> None:
    client, gate = person(VIEW, OVERRIDE), reverse("admin:gate", args=[seeds.LINES])
    newest = client.get(gate).context["waiting"].newest
    assert client.post(gate, {"reason": " ", "up_to": newest}).status_code == 400
    page = client.post(gate, {"reason": "it is so", "up_to": newest}, follow=True).content.decode()
    assert "it is so" in page
    kept = QualityMetric.objects.filter(metric_name="gate_override")
    assert {metric.details["by"] for metric in kept} == {"staff-view_qualityexception-override"}
    assert person(VIEW).post(gate, {"reason": "x", "up_to": newest}).status_code == 403


def test_a_gate_whose_table_was_loaded_since_holds_nothing(person: MayDo, rule: QualityRule) -> None:
    Step.objects.update(ended_at=timezone.now() - timedelta(days=400))
    assert "Nothing is held back" in person(VIEW).get(reverse("admin:gates")).content.decode()
    assert "Nothing is held back" in person(VIEW, "decide").get(
        reverse("admin:gate", args=[seeds.LINES])
    ).content.decode()  # fmt: skip


def test_a_table_s_page_leads_to_its_rules_its_gate_and_its_profile(person: MayDo, rule: QualityRule) -> None:
    page = person("view_target").get(reverse("admin:table", args=[seeds.LINES])).content.decode()
    assert f"name={RULE}".replace(":", "%3A") in page
    assert reverse("admin:gate", args=[seeds.LINES]) in page
    assert reverse("admin:profile", args=[seeds.LINES]) in page


def test_a_profile_is_drawn_from_rows_and_says_where_there_are_none(person: MayDo, rule: QualityRule) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE silver.profiled AS SELECT i AS id, 'ready' AS state FROM generate_series(1, 99) AS i"
        )
    Target.objects.create(
        target="silver.profiled", layer="silver", kind="append", warehouse="till", rows_relation="silver.profiled"
    )
    client = person("view_target")
    page = client.get(reverse("admin:profile", args=["silver.profiled"])).content.decode()
    assert "OneOf(&quot;ready&quot;)" in page
    assert "differs on all 99 rows" in page
