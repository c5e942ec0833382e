"""What a person does to a run in the browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from lineage.models import Attempt, PipelineRun, Step
from medallion.execution.claim import claim_step
from medallion.execution.create import create_run
from medallion.execution.heartbeat import Heartbeat
from medallion.execution.perform import run_here
from medallion.execution.work import _connection
from tests.medallion.execution.small_house import House


@pytest.fixture
def browser(transactional_db: None) -> Callable[..., Client]:
    """A browser of staff who may see runs, and with `may_operate` act on them."""

    def make(may_operate: bool = True, **options: bool) -> Client:
        user = User.objects.create_user(f"grace-{may_operate}", is_staff=True)
        names = ["view_pipelinerun", "change_pipelinerun"] if may_operate else ["view_pipelinerun"]
        user.user_permissions.set(Permission.objects.filter(codename__in=names))
        client = Client(**options)
        client.force_login(user)
        return client

    return make


@pytest.fixture
def operator(browser: Callable[..., Client]) -> Client:
    return browser()


def _offers(client: Client, run: PipelineRun) -> list[str]:
    """The actions that a run's page offers, without the run's address."""
    address = reverse("admin:run", args=[run.pk])
    page = client.get(address).content.decode()
    return sorted(re.findall(rf'href="{address}([^"#]+)"', page))


def test_a_page_offers_what_the_state_allows(house: House, run: PipelineRun, operator: Client) -> None:
    waits = ["cancel/", "gold.c/skip/", "silver.a/skip/", "silver.b/skip/"]
    assert _offers(operator, run) == waits
    house.load("silver.b", "PERFORM 1/0;")
    run_here(run)
    assert _offers(operator, run) == [
        "gold.c/skip/", "resume/", "silver.a/again/", "silver.b/again/", "silver.b/skip/",
    ]  # fmt: skip
    house.load("silver.b")
    operator.post(reverse("admin:run-resume", args=[run.pk]))
    run_here(run)
    assert _offers(operator, run) == ["gold.c/again/", "silver.a/again/", "silver.b/again/"]


def test_who_may_only_look_is_offered_nothing_and_refused(
    house: House, run: PipelineRun, browser: Callable[..., Client]
) -> None:
    looker = browser(may_operate=False)
    assert _offers(looker, run) == []
    for name, place in (("run-cancel", [run.pk]), ("step-skip", [run.pk, "silver.a"])):
        answer = looker.post(reverse(f"admin:{name}", args=place))
        assert answer.status_code == 403
        assert "lineage.change_pipelinerun" in answer.content.decode()
    run.refresh_from_db()
    assert run.status == "pending"


def test_asking_changes_nothing_and_doing_is_on_record(house: House, run: PipelineRun, operator: Client) -> None:
    address = reverse("admin:run-cancel", args=[run.pk])
    page = operator.get(address).content.decode()
    assert "3 steps waiting: not begun." in page
    assert "at work" not in page
    run.refresh_from_db()
    assert run.status == "pending"
    answer = operator.post(address, {"reason": " the files are <wrong> "}, follow=True)
    assert answer.redirect_chain == [(reverse("admin:run", args=[run.pk]), 302)]
    page = answer.content.decode()
    assert "is being cancelled" in page
    assert "the files are &lt;wrong&gt;" in page
    act = run.interventions.get()
    assert (act.verb, act.by, act.reason) == ("cancel", "grace-True", "the files are <wrong>")


def test_what_is_no_longer_possible_is_refused_with_what_to_do(
    house: House, run: PipelineRun, operator: Client
) -> None:
    run_here(run)
    answer = operator.post(reverse("admin:run-cancel", args=[run.pk]))
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "has ended: completed" in page
    assert "There is nothing to cancel." in page
    newer = create_run("daily")
    answer = operator.post(reverse("admin:step-rerun", args=[run.pk, "silver.a"]))
    assert answer.status_code == 409
    assert f"run {newer.pk} has not ended" in answer.content.decode()


def test_a_step_is_run_again_and_its_table_written_anew(house: House, run: PipelineRun, operator: Client) -> None:
    run_here(run)
    address = reverse("admin:step-rerun", args=[run.pk, "silver.b"])
    page = operator.get(address).content.decode()
    assert "what follows it: gold.c." in page
    assert operator.post(address, {"rebuild": "on"}).status_code == 302
    assert run_here(PipelineRun.objects.get()) == "completed"
    assert house.effects("silver.b") == 2


def test_what_is_not_there_is_not_found(house: House, run: PipelineRun, operator: Client) -> None:
    for name, place in (
        ("run-resume", [987654]),
        ("step-skip", [run.pk, "silver.x"]),
        ("step-rerun", [987654, "silver.a"]),
    ):
        assert operator.post(reverse(f"admin:{name}", args=place)).status_code == 404


def test_another_site_cannot_act_in_ones_name(house: House, run: PipelineRun, browser: Callable[..., Client]) -> None:
    client = browser(enforce_csrf_checks=True)
    assert client.post(reverse("admin:run-cancel", args=[run.pk])).status_code == 403
    run.refresh_from_db()
    assert run.status == "pending"


def test_the_log_of_a_step_is_what_the_database_said(house: House, run: PipelineRun, operator: Client) -> None:
    house.load("silver.a", "RAISE WARNING 'look <here>' USING DETAIL = 'row 7', HINT = 'mend it';")
    house.load("silver.b", "RAISE EXCEPTION 'too bad' USING ERRCODE = '22000', HINT = 'mend that';")
    run_here(run)
    page = operator.get(reverse("admin:run", args=[run.pk])).content.decode()
    for said in (
        "silver.a takes 1 batch with 3 rows.",
        "look &lt;here&gt;",
        "row 7",
        "mend it",
        "too bad",
        "mend that",
    ):
        assert said in page
    attempt = Attempt.objects.get(step__target="silver.a")
    assert [notice["severity"] for notice in attempt.notices] == ["NOTICE", "WARNING"]
    assert Attempt.objects.get(step__target="silver.b").hint == "mend that"


def test_a_running_step_shows_what_its_load_said_last(
    house: House, run: PipelineRun, first_step: Step, operator: Client
) -> None:
    claim = claim_step(first_step.pk, worker="there:7")
    assert claim is not None
    address = reverse("admin:run", args=[run.pk])
    assert "there:7 works at it." in operator.get(address).content.decode()
    work = _connection()
    with Heartbeat(claim, work, beat_seconds=0.1) as heart:
        work.add_notice_handler(heart.notices.hear)
        work.execute("DO $$ BEGIN RAISE NOTICE 'half of it'; PERFORM pg_sleep(1); END $$")
        assert "half of it" in operator.get(address).content.decode()
        work.remove_notice_handler(heart.notices.hear)


def test_a_page_that_looks_again_gets_what_changes_until_the_run_has_ended(
    house: House, run: PipelineRun, operator: Client
) -> None:
    address = reverse("admin:run", args=[run.pk])
    assert 'hx-trigger="every 2s"' in operator.get(address).content.decode()
    part = operator.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert 'id="run-poll"' not in part
    assert part.count('hx-swap-oob="true"') == 8
    run_here(run)
    part = operator.get(address, headers={"HX-Request": "true"}).content.decode()
    assert '<div id="run-poll" hx-swap-oob="true"></div>' in part
    assert "hx-trigger" not in operator.get(address).content.decode()
