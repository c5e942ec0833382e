"""A small warehouse, its pipeline `daily`, and a clock that stands at Monday, 2 March 2026, 12:00 UTC.

No models are imported up here: pytest reads this file before Django is set up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from medallion.models import Schedule
    from tests.clock import Clock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def clock(db: None) -> Clock:
    """In the test's transaction."""
    from tests.clock import Clock

    return Clock(NOON)


@pytest.fixture
def standing_clock(transactional_db: None) -> Iterator[Clock]:
    """For tests with real commits."""
    from tests.clock import Clock

    clock = Clock(NOON)
    yield clock
    clock.go_on()


@pytest.fixture
def schedule(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Schedule]]:
    """schedule("0 * * * *"): the schedule of `daily`, the only one there is. Takes more fields by name."""
    request.getfixturevalue("db")
    from medallion.models import Schedule
    from medallion.registry import warehouse
    from medallion.schedules.change import add
    from tests.medallion.execution.small_house import Daily, House

    Schedule.objects.all().delete()  # those that the examples declare
    monkeypatch.setitem(warehouse().pipelines, "daily", Daily)
    monkeypatch.setattr("medallion.execution.doorbell.ring", lambda step_ids: None)
    house = House()
    house.table("bronze.feed")
    house.table("gold.c", "bronze.feed")

    def make(cron: str, **fields: Any) -> Schedule:
        return add("daily", "ada", cron=cron, **fields)

    yield make
    house.clear()
