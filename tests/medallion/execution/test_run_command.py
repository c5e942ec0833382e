from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from rich.console import Console

from lineage.models import Lease, PipelineRun
from medallion.execution.claim import claim_step
from medallion.management import following
from tests.medallion.execution.small_house import House


def _say(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_a_run_here_shows_its_steps_and_its_sum(house: House) -> None:
    said = _say("run", "daily", "--here", "--by", "ada")
    assert "silver.b" in said
    assert "completed: inserted 6, updated 3, deleted 0, rejected 0" in said
    assert PipelineRun.objects.get().requested_by == "ada"


def test_a_run_that_finds_nothing_says_so(house: House) -> None:
    _say("run", "daily", "--here")
    assert "nothing new" in _say("run", "daily", "--here")


def test_a_failure_names_step_sqlstate_message_hint_and_the_way_on(house: House) -> None:
    house.load("silver.b", "RAISE EXCEPTION 'too bad' USING ERRCODE = '22000', HINT = 'mend it';")
    with pytest.raises(CommandError) as failure:
        _say("run", "daily", "--here")
    said = str(failure.value)
    run = PipelineRun.objects.get()
    assert "silver.b: too bad (SQLSTATE 22000)" in said
    assert "hint: mend it" in said
    assert "1 more wait for it" in said
    assert f"manage.py run --resume {run.pk}" in said

    house.load("silver.b")
    assert "completed" in _say("run", "--resume", str(run.pk), "--here")


def test_a_refusal_says_what_to_do(house: House) -> None:
    with pytest.raises(CommandError, match=r"no pipeline nightly(.|\n)*Pipelines: .*daily"):
        _say("run", "nightly", "--here")


def test_a_waiting_run_is_cancelled_by_command(house: House, run: PipelineRun) -> None:
    assert f"Run {run.pk} of daily is cancelled" in _say("run", "--cancel", str(run.pk))


def test_a_rebuild_writes_anew_and_loads_what_follows(house: House) -> None:
    _say("run", "daily", "--here")
    said = _say("rebuild", "silver.b", "--here")
    assert "of rebuild silver.b completed" in said
    assert house.effects("silver.b") == 2
    assert house.effects("gold.c") == 2
    assert house.effects("silver.a") == 1


def test_a_table_that_cannot_be_rebuilt_is_refused(house: House) -> None:
    with pytest.raises(CommandError, match=r"silver\.x is not installed"):
        _say("rebuild", "silver.x", "--here")


def test_a_terminal_shows_a_bar_and_what_a_running_load_said(house: House, run: PipelineRun) -> None:
    step = run.steps.get(target="silver.a")
    claim_step(step.pk, "here:1")
    Lease.objects.filter(step=step).update(progress={"message": "half of it"})
    run.refresh_from_db()
    out = StringIO()
    console = Console(file=out, force_terminal=True, width=100)
    console.print(following._view(run, following.steps_of(run.pk)))
    assert "0 of 3 steps" in out.getvalue()
    assert "half of it" in out.getvalue()
    assert "━" in out.getvalue()


def test_a_step_is_skipped_and_one_run_again_by_command(house: House, run: PipelineRun) -> None:
    assert "is running" in _say("run", "--skip", str(run.pk), "silver.b", "--by", "ada", "--reason", "not today")
    _say("run", "--resume", str(run.pk), "--here")
    said = _say("run", "--again", str(run.pk), "silver.b", "--rebuild", "--here")
    assert "silver.b" in said
    assert house.effects("silver.b") == 1
    assert [(act.verb, act.reason) for act in run.interventions.order_by("id")] == [
        ("skip", "not today"),
        ("rerun", ""),
    ]
    for words in (["--skip", "x", "silver.a"], ["--resume", str(run.pk), "--rebuild"]):
        with pytest.raises(CommandError):
            _say("run", *words)
