from __future__ import annotations

import threading

import pytest
from django.db import connection

from lineage.models import PipelineRun, Step, Target
from lineage.states import LIVE_RUN_STATES
from medallion.execution.create import code_version, create_rebuild, create_run
from medallion.execution.errors import RunIsLive, RunRefused
from medallion.pipelines import Pipeline
from medallion.registry import warehouse
from tests.medallion.execution.small_house import House


def test_a_pipeline_is_named_after_its_class_unless_it_says_otherwise() -> None:
    class DailySalesKPIs(Pipeline):
        targets = ["gold.x"]

    class Weekly(Pipeline):
        name = "every_week"

    assert (DailySalesKPIs.name, Weekly.name) == ("daily_sales_kp_is", "every_week")
    assert DailySalesKPIs.target_names() == ["gold.x"]


def test_a_run_has_a_step_for_each_table_upstream_in_order(house: House, run: PipelineRun) -> None:
    steps = list(Step.objects.filter(run=run).values_list("target", "needs", "state"))
    assert steps == [
        ("silver.a", [], "queued"),
        ("silver.b", ["silver.a"], "blocked"),
        ("gold.c", ["silver.b"], "blocked"),
    ]
    assert (run.status, run.requested_by, run.trigger) == ("pending", "ada", "manual")


def test_twenty_starters_make_one_run(house: House) -> None:
    refused: list[RunIsLive] = []
    gate = threading.Barrier(20)

    def start() -> None:
        try:
            gate.wait()
            create_run("daily")
        except RunIsLive as error:
            refused.append(error)
        finally:
            connection.close()

    starters = [threading.Thread(target=start) for _ in range(20)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()

    live = PipelineRun.objects.get(status__in=LIVE_RUN_STATES)
    assert len(refused) == 19
    assert {error.run_id for error in refused} == {live.run_id}
    assert f"--cancel {live.run_id}" in refused[0].hint


def test_an_unknown_pipeline_is_refused_with_the_known_ones(house: House) -> None:
    with pytest.raises(RunRefused, match="no pipeline nightly") as refusal:
        create_run("nightly")
    assert "daily" in refusal.value.hint


@pytest.mark.parametrize(
    ("target", "words"),
    [("gold.missing", "gold.missing is not installed"), ("bronze.feed", "not loaded from other tables")],
)
def test_a_target_that_cannot_be_loaded_is_refused_before_anything_runs(
    house: House, monkeypatch: pytest.MonkeyPatch, target: str, words: str
) -> None:
    class Broken(Pipeline):
        targets = ["gold.c", target]

    monkeypatch.setitem(warehouse().pipelines, "broken", Broken)
    with pytest.raises(RunRefused, match=words):
        create_run("broken")
    assert not PipelineRun.objects.exists()


def test_a_circle_is_refused_by_name(house: House) -> None:
    house.execute("SELECT dwh_lineage.register_input('silver.a', 'gold.c')")
    with pytest.raises(RunRefused, match=r"circle: .*silver\.b"):
        create_run("daily")


def test_the_code_version_changes_with_a_declaration(house: House) -> None:
    before = code_version(["silver.a"])
    assert before == code_version(["silver.a"])
    Target.objects.filter(target="silver.a").update(contract={"columns": ["x"]})
    assert code_version(["silver.a"]) != before
    assert create_run("daily").code_version == code_version(["silver.a", "silver.b", "gold.c"])


def test_a_table_whose_declaration_changed_is_rebuilt(house: House) -> None:
    Target.objects.filter(target="silver.b").update(needs_rebuild=True)
    run = create_run("daily")
    assert list(Step.objects.filter(run=run, rebuild=True).values_list("target", flat=True)) == ["silver.b"]


def test_a_rebuild_has_the_table_and_what_it_feeds(house: House) -> None:
    run = create_rebuild("silver.b")
    assert run.pipeline_name == "rebuild silver.b"
    steps = list(Step.objects.filter(run=run).values_list("target", "rebuild", "state"))
    assert steps == [("silver.b", True, "queued"), ("gold.c", False, "blocked")]
