"""The times of cron expressions, on the nights when clocks change too. Expected moments are in UTC."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from medallion.schedules.times import MeansNothing, check, in_words, next_after, next_times, times_between
from tests.medallion.schedules.days import at

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


# In Berlin 02:00 becomes 03:00 at 01:00 UTC; in New York 02:00 becomes 03:00 at 07:00 UTC.
@pytest.mark.parametrize(
    ("cron", "zone", "since", "expected"),
    [
        ("30 2 * * *", BERLIN, "2026-03-28 00:00", ["03-28 01:30", "03-29 01:00", "03-30 00:30"]),
        ("30 * * * *", BERLIN, "2026-03-28 23:00", ["03-28 23:30", "03-29 00:30", "03-29 01:30"]),
        ("*/30 * * * *", BERLIN, "2026-03-29 00:15", ["03-29 00:30", "03-29 01:00", "03-29 01:30"]),
        ("0 2-4 * * *", BERLIN, "2026-03-28 22:00", ["03-29 01:00", "03-29 02:00", "03-30 00:00"]),
        ("30 2 * * *", NEW_YORK, "2026-03-07 00:00", ["03-07 07:30", "03-08 07:00", "03-09 06:30"]),
        ("30 * * * *", NEW_YORK, "2026-03-08 06:00", ["03-08 06:30", "03-08 07:30", "03-08 08:30"]),
    ],
)
def test_the_night_in_spring(cron: str, zone: str, since: str, expected: list[str]) -> None:
    assert shown(cron, zone, since) == expected


# In Berlin 03:00 becomes 02:00 at 01:00 UTC; in New York 02:00 becomes 01:00 at 06:00 UTC.
@pytest.mark.parametrize(
    ("cron", "zone", "since", "expected"),
    [
        ("30 2 * * *", BERLIN, "2026-10-24 00:00", ["10-24 00:30", "10-25 00:30", "10-26 01:30"]),
        ("30 * * * *", BERLIN, "2026-10-25 00:00", ["10-25 00:30", "10-25 01:30", "10-25 02:30"]),
        ("*/30 * * * *", BERLIN, "2026-10-25 00:15", ["10-25 00:30", "10-25 01:00", "10-25 01:30"]),
        ("0 3 * * *", BERLIN, "2026-10-24 02:00", ["10-25 02:00", "10-26 02:00", "10-27 02:00"]),
        ("30 1 * * *", NEW_YORK, "2026-10-31 00:00", ["10-31 05:30", "11-01 05:30", "11-02 06:30"]),
        ("30 * * * *", NEW_YORK, "2026-11-01 05:00", ["11-01 05:30", "11-01 06:30", "11-01 07:30"]),
    ],
)
def test_the_night_in_autumn(cron: str, zone: str, since: str, expected: list[str]) -> None:
    assert shown(cron, zone, since) == expected


@pytest.mark.parametrize("cron", ["30 2 * * *", "15,45 1-3 * * *", "*/20 1-2 * * *", "0 */2 * * *", "0 1,2,3 * * *"])
@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, "Australia/Lord_Howe", "UTC"])
def test_times_are_the_same_whether_taken_at_once_or_from_time_to_time(cron: str, zone: str) -> None:
    for first in ("2026-03-07 00:00", "2026-10-03 00:00"):
        last = at(first) + timedelta(days=30)
        at_once = list(times_between(cron, zone, at(first), last))
        assert all(earlier < later for earlier, later in pairwise(at_once))
        step_by_step, moment = [], at(first) - timedelta(seconds=1)
        while (moment := next_after(cron, zone, moment)) <= last:
            step_by_step.append(moment)
        assert step_by_step == at_once


def test_the_next_time_is_never_in_the_past_in_the_hour_that_comes_twice() -> None:
    # 02:31 in winter time; 02:45 of that night was before it, in summer time.
    moment = at("2026-10-25 01:31")
    assert next_after("45 2 * * *", BERLIN, moment) == at("2026-10-26 01:45")


def test_both_ends_of_a_range_belong_to_it() -> None:
    found = list(times_between("0 * * * *", "UTC", at("2026-03-02 12:00"), at("2026-03-02 14:00")))
    assert found == [at("2026-03-02 12:00"), at("2026-03-02 13:00"), at("2026-03-02 14:00")]


@pytest.mark.parametrize(
    ("cron", "zone", "reason"),
    [
        ("61 5 * * *", "UTC", "is no cron expression: Bad minute"),
        ("0 5 * *", "UTC", "has not five fields"),
        ("0 0 5 * * *", "UTC", "has not five fields"),
        ("0 0 30 2 *", "UTC", "Bad day-of-month"),
        ("0 0 31 2,4 MON#5", "Mars/Olympus", "is no time zone"),
        ("0 5 * * *", "../etc/passwd", "is no time zone"),
        ("0 5 * * *", "Europe", "is no time zone"),
        ("0 5 * * *", "", "is no time zone"),
    ],
)
def test_what_means_nothing_is_refused_with_the_reason(cron: str, zone: str, reason: str) -> None:
    with pytest.raises(MeansNothing, match=reason):
        check(cron, zone)


def test_a_cron_expression_in_words() -> None:
    assert in_words("0 2 * * 1-5") == "At 02:00 on Monday through Friday"


def shown(cron: str, zone: str, since: str) -> list[str]:
    return [f"{time:%m-%d %H:%M}" for time in next_times(cron, zone, at(since), 3)]
