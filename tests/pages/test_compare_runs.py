"""What a run read and wrote, and two runs side by side."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from lineage.models import CodeVersion, PipelineRun, TableLineage

pytestmark = pytest.mark.django_db


def make_run(code: str, **rows: int) -> PipelineRun:
    run = PipelineRun.objects.create(pipeline_name="till", status="completed")
    for target, inserted in rows.items():
        TableLineage.objects.create(
            batch_id=run.batch_id, source_table="bronze.raw_lines", target_table=f"silver.{target}", rows_read=100,
            operation="transform", rows_inserted=inserted, sql_hash=code, completed_at=timezone.now(),
        )  # fmt: skip
    return run


def test_two_runs_are_compared_by_edges_rows_and_code(staff: Client) -> None:
    for code, text in (("old", "BEGIN\n  a;\nEND"), ("new", "BEGIN\n  b;\nEND")):
        CodeVersion.objects.create(name="dwh_etl.load_lines", kind="procedure", sql_hash=code, definition=text)
    before, same, after = (
        make_run("old", lines=90, gone=1),
        make_run("old", lines=90, gone=1),
        make_run("new", lines=80),
    )
    response = staff.get(f"/admin/runs/compare/?a={before.pk}&b={after.pk}")
    pairs = {pair.target: pair for pair in response.context["pairs"]}
    assert pairs["silver.lines"].counts[1] == (90, 80)
    assert pairs["silver.lines"].is_other_code
    assert pairs["silver.gone"].after is None
    (change,) = response.context["changes"]
    assert [line for kind, line in change.lines if kind in "+-"] == ["-  a;", "+  b;"]
    assert f"only in {before.pk}" in response.content.decode()
    alike = staff.get(f"/admin/runs/compare/?a={before.pk}&b={same.pk}")
    assert "They read and wrote the same" in alike.content.decode()
    assert not alike.context["changes"]


def test_a_run_shows_what_it_read_and_wrote_and_leads_to_the_comparison(staff: Client) -> None:
    before, after = make_run("old", lines=90), make_run("new", lines=80)
    page = staff.get(f"/admin/runs/{after.pk}/").content.decode()
    assert f"/admin/runs/compare/?a={before.pk}&amp;b={after.pk}" in page
    assert "bronze.raw_lines" in page


def test_runs_that_are_not_there_are_said(staff: Client) -> None:
    assert staff.get("/admin/runs/compare/").status_code == 200
    response = staff.get("/admin/runs/compare/?a=99999999999999999999&b=x")
    assert response.status_code == 404
    assert "There is no run x" in response.content.decode()
