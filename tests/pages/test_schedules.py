"""The pages of schedules, and the command that says the same."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from lineage.models import PipelineRun
from medallion.forms import LengthField
from medallion.models import Schedule, ScheduleChange
from medallion.schedules.change import add
from medallion.schedules.declared import follow_declarations
from tests.clock import Clock

DAILY = {"cron": "0 5 * * *", "time_zone": "Europe/Paris", "catch_up": "all", "parameters": "{}"}
MayView = Callable[..., Client]


@pytest.fixture
def retail(db: None) -> Schedule:
    """The schedule that the example declares."""
    Clock(datetime(2026, 3, 2, 12, tzinfo=UTC))
    Schedule.objects.all().delete()
    follow_declarations()
    return Schedule.objects.get(pipeline="retail_daily")


@pytest.fixture
def steward(person: MayView) -> Client:
    return person("view_schedule", "change_schedule", "add_schedule", "view_pipelinerun")


def test_the_list_says_when_in_words_and_what_became_of_the_last_time(steward: Client, retail: Schedule) -> None:
    run = PipelineRun.objects.create(pipeline_name="retail_daily", status="failed")
    retail.slots.create(logical_time=datetime(2026, 3, 2, 2, tzinfo=UTC), state="started", run=run)
    page = steward.get(reverse("admin:schedules")).content.decode()
    assert "At 02:00 every day" in page
    assert "Tue 3 Mar, 02:00" in page
    assert "Sat 7 Mar, 02:00" in page  # the fifth
    assert reverse("admin:run", args=[run.pk]) in page


def test_the_list_costs_the_same_however_long_it_is(
    steward: Client, retail: Schedule, django_assert_max_num_queries: Callable[..., object]
) -> None:
    for number in range(30):
        one = Schedule.objects.create(pipeline=f"p{number}", cron="0 * * * *")
        one.slots.create(logical_time=datetime(2026, 3, 2, 12, tzinfo=UTC))
    with django_assert_max_num_queries(8):
        page = steward.get(reverse("admin:schedules"))
    assert len(page.context["table"].data) == Schedule.objects.count()
    assert len(steward.get(reverse("admin:schedules"), {"pipeline": "p1"}).context["table"].data) == 11


def test_without_schedules_the_page_says_how_to_make_one(steward: Client) -> None:
    Schedule.objects.all().delete()
    assert "manage.py migrate" in steward.get(reverse("admin:schedules")).content.decode()


def test_checking_shows_the_next_times_and_saves_nothing(steward: Client, retail: Schedule) -> None:
    address = reverse("admin:schedule_edit", args=[retail.pk])
    page = steward.post(address, {**DAILY, "check": "1"}).content.decode()
    assert "Tue 2026-03-03 05:00 CET" in page
    assert "Tue 2026-03-03 04:00 UTC" in page
    retail.refresh_from_db()
    assert retail.cron == "0 2 * * *"


def test_a_change_is_saved_with_who_made_it_and_shown_beside_the_declaration(steward: Client, retail: Schedule) -> None:
    address = reverse("admin:schedule_edit", args=[retail.pk])
    response = steward.post(address, {**DAILY, "fresh_within": "1 d 12 h"}, follow=True)
    retail.refresh_from_db()
    assert (retail.cron, retail.time_zone, retail.fresh_within) == ("0 5 * * *", "Europe/Paris", timedelta(hours=36))
    page = response.content.decode()
    assert "Not as declared" in page
    assert "0 2 * * * → 0 5 * * *" in page
    assert ScheduleChange.objects.latest("id").changed_by.startswith("staff-")
    page = steward.post(reverse("admin:schedule_follow", args=[retail.pk]), follow=True).content.decode()
    assert "Not as declared" not in page


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"cron": "61 5 * * *"}, "is no cron expression"),
        ({"time_zone": "Paris"}, "is no time zone"),
        ({"parameters": "[1]"}, "Parameters have names"),
        ({"fresh_within": "soon"}, "is no length of time"),
    ],
)
def test_what_means_nothing_is_refused_with_the_reason(
    steward: Client, retail: Schedule, wrong: dict[str, str], reason: str
) -> None:
    address = reverse("admin:schedule_edit", args=[retail.pk])
    response = steward.post(address, {**DAILY, **wrong})
    assert response.status_code == 400
    assert reason in response.content.decode()
    # While one types htmx asks, and shows no page that is refused.
    assert steward.post(address, {**DAILY, **wrong, "check": "1"}).status_code == 200
    retail.refresh_from_db()
    assert retail.cron == "0 2 * * *"


def test_a_schedule_is_paused_with_a_reason_and_resumed(steward: Client, retail: Schedule) -> None:
    page = steward.post(
        reverse("admin:schedule_pause", args=[retail.pk]), {"reason": "The source moves."}, follow=True
    ).content.decode()
    assert "The source moves." in page
    assert "None while it is paused" in page
    steward.post(reverse("admin:schedule_resume", args=[retail.pk]))
    retail.refresh_from_db()
    assert not retail.paused


def test_a_pipeline_without_a_schedule_gets_one(steward: Client, retail: Schedule) -> None:
    retail.delete()
    response = steward.post(reverse("admin:schedule_add"), {**DAILY, "pipeline": "retail_daily"})
    assert response.status_code == 302
    assert Schedule.objects.get(pipeline="retail_daily").catch_up == "all"


def test_who_may_only_look_changes_nothing(person: MayView, retail: Schedule) -> None:
    viewer = person("view_schedule")
    page = viewer.get(reverse("admin:schedule", args=[retail.pk])).content.decode()
    assert "Pause" not in page
    for name in ("edit", "pause", "resume", "follow"):
        assert viewer.post(reverse(f"admin:schedule_{name}", args=[retail.pk])).status_code == 403


def test_a_schedule_that_means_nothing_says_so_on_its_pages(steward: Client, retail: Schedule) -> None:
    Schedule.objects.update(cron="often")
    for name, arguments in (("schedules", []), ("schedule", [retail.pk]), ("schedule_edit", [retail.pk])):
        page = steward.get(reverse(f"admin:{name}", args=arguments))
        assert page.status_code == 200
        assert "“often” has not five fields" in page.content.decode() or name == "schedule_edit"


@pytest.mark.parametrize(
    ("text", "length"), [("7 d", {"days": 7}), ("1d 12 h", {"hours": 36}), ("90 min", {"minutes": 90})]
)
def test_lengths_of_time_as_people_write_them(text: str, length: dict[str, int]) -> None:
    assert LengthField().clean(text) == timedelta(**length)


def test_the_command_lists_shows_pauses_and_resumes(retail: Schedule) -> None:
    def said(*words: str) -> str:
        out = io.StringIO()
        call_command("schedules", *words, "--by", "ada", stdout=out)
        return out.getvalue()

    assert "retail_daily" in said()
    assert "2026-03-03 02:00  next" in said("retail_daily")
    assert "Paused. The source moves." in said("retail_daily", "--pause", "--reason", "The source moves.")
    assert "At 02:00 every day in UTC, active." in said("retail_daily", "--resume")
    with pytest.raises(CommandError, match="has no schedule"):
        said("nightly", "--pause")
    with pytest.raises(CommandError, match="Say which"):
        said("--pause")


def test_a_schedule_made_by_a_person_is_no_difference(steward: Client, retail: Schedule) -> None:
    retail.delete()
    made = add("retail_daily", "ada", cron="0 6 * * *")
    assert "made by a person" in steward.get(reverse("admin:schedule", args=[made.pk])).content.decode()
