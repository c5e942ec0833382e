"""The page of what a run changed in a table, and the way to it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client

from medallion import change_views
from tests.warehouses.test_run_changes import DAILY, execute, run  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture
def step(run: int) -> int:  # noqa: F811
    """The run with its step."""
    execute(
        "INSERT INTO dwh_lineage.run_steps (run_id, target, position, state, batch_no) "
        "SELECT %s, target, 1, 'succeeded', max(batch_no) FROM dwh_lineage.batches WHERE target = %s GROUP BY target",
        run, DAILY,
    )  # fmt: skip
    return run


def test_a_step_leads_to_its_rows_before_and_after(staff: Client, step: int) -> None:
    address = f"/admin/runs/{step}/{DAILY}/changes/"
    assert address in staff.get(f"/admin/runs/{step}/").content.decode()
    text = staff.get(address).content.decode()
    assert "<del>11.00</del> → <ins>14.50</ins>" in text
    assert "computed the 3 keys" in text
    assert "/admin/trace/?table=gold.retail_daily_revenue" in text


def test_rows_come_in_pages(staff: Client, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_views, "PAGE_SIZE", 2)
    address = f"/admin/runs/{step}/{DAILY}/changes/"
    page = staff.get(address)
    assert [row["what"] for row in page.context["rows"]] == ["deleted", "changed"]
    following = staff.get(address + page.context["next"])
    assert [row["what"] for row in following.context["rows"]] == ["inserted"]
    assert following.context["next"] == ""
    assert [row["what"] for row in staff.get(f"{address}?after=nonsense").context["rows"]] == ["deleted", "changed"]


@pytest.mark.parametrize(("marked", "gives_key"), [("revenue", True), ("day", False)])
def test_personal_data_is_masked_without_the_permission(
    person: Callable[..., Client], step: int, monkeypatch: pytest.MonkeyPatch, marked: str, gives_key: bool
) -> None:
    monkeypatch.setattr(change_views, "PAGE_SIZE", 2)
    mark = "UPDATE dwh_lineage.targets SET contract = jsonb_set(contract, '{about}', %s::jsonb) WHERE target = %s"
    execute(mark, json.dumps({"pii": {marked: True}}), DAILY)
    address = f"/admin/runs/{step}/{DAILY}/changes/"
    somebody = person("view_target").get(address)
    values = str([(row["key"], row["pairs"]) for row in somebody.context["rows"]])
    assert "•••" in values
    assert "personal data is masked" in somebody.content.decode()
    assert [bool(row["trace"]) for row in somebody.context["rows"]] == [False, gives_key]
    assert (bool(somebody.context["next"]), somebody.context["is_cut"]) == (gives_key, not gives_key)
    trusted = person("view_target", "view_personal_data").get(address)
    assert "•••" not in str([(row["key"], row["pairs"]) for row in trusted.context["rows"]])


def test_what_is_not_kept_is_said(staff: Client, step: int) -> None:
    execute("DELETE FROM dwh_staging.images")
    text = staff.get(f"/admin/runs/{step}/{DAILY}/changes/").content.decode()
    assert "kept for a week" in text


def test_a_table_that_was_not_changed_has_no_page(person: Callable[..., Client], step: int) -> None:
    somebody = person("view_target")
    assert somebody.get(f"/admin/runs/{step}/gold.retail_products/changes/").status_code == 404
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(run_id) + 1 FROM dwh_lineage.pipeline_runs")
        (missing,) = cursor.fetchone()
    assert somebody.get(f"/admin/runs/{missing}/{DAILY}/changes/").status_code == 404
    assert person("view_pipelinerun").get(f"/admin/runs/{step}/{DAILY}/changes/").status_code == 403
