"""The times of a cron expression in a time zone. All moments go in and come out in UTC.

On the nights when clocks change they are those of Debian's cron: a fixed time that does not exist comes when the clocks
have jumped, one that exists twice comes the first time; times by `*` keep their distance.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError


class MeansNothing(ValueError):
    """A cron expression or a time zone that names no time; `str()` says why, `field` which of the two."""

    def __init__(self, message: str, field: str = "cron") -> None:
        super().__init__(message)
        self.field = field


def next_after(cron: str, time_zone: str, moment: datetime) -> datetime:
    """The first time after `moment`. Raises MeansNothing."""
    return next(_times(cron, time_zone, moment))


def next_times(cron: str, time_zone: str, moment: datetime, count: int = 5) -> list[datetime]:
    """The first times after `moment`. Raises MeansNothing."""
    return list(islice(_times(cron, time_zone, moment), count))


def times_between(cron: str, time_zone: str, first: datetime, last: datetime) -> Iterator[datetime]:
    """The times from `first` to `last`, both included, in order. Raises MeansNothing."""
    for time in _times(cron, time_zone, first - timedelta(seconds=1)):
        if time > last:
            return
        if time >= first:
            yield time


def last_before(cron: str, time_zone: str, moment: datetime) -> datetime:
    """The last time before `moment`. Raises MeansNothing."""
    check(cron, time_zone)
    for time in CronSim(cron, moment.astimezone(_zone(time_zone)), reverse=True):
        if time < moment:
            return time.astimezone(UTC)
    raise MeansNothing(f"“{cron}” names a day that does not exist.")


def in_words(cron: str) -> str:
    """`0 2 * * 1-5` → At 02:00 on Monday through Friday."""
    return _parsed(cron, datetime.now(UTC)).explain()


def check(cron: str, time_zone: str) -> None:
    """Raises MeansNothing unless there is a time."""
    next_after(cron, time_zone, datetime.now(UTC))


def _times(cron: str, time_zone: str, moment: datetime) -> Iterator[datetime]:
    for time in _parsed(cron, moment.astimezone(_zone(time_zone))):
        # In the hour that comes twice cronsim forgets which of the two `moment` was in.
        if time > moment:
            yield time.astimezone(UTC)
    raise MeansNothing(f"“{cron}” names a day that does not exist.")


def _parsed(cron: str, moment: datetime) -> CronSim:
    if len(cron.split()) != 5:  # cronsim knows a sixth, for seconds; beat ticks more seldom than that
        raise MeansNothing(f"“{cron}” has not five fields: minute, hour, day of month, month, day of week.")
    try:
        return CronSim(cron, moment)
    except CronSimError as error:
        raise MeansNothing(f"“{cron}” is no cron expression: {error}.") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # the latter two: a path, a folder of zones
        raise MeansNothing(f"“{name}” is no time zone. Names look like Europe/Paris.", "time_zone") from None
