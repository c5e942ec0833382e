"""Two beats, and a time without any: every slot of a schedule is started once."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from lineage.models import PipelineRun
from medallion.models import Schedule, ScheduleSlot
from medallion.schedules.change import change, pause
from tests.faults.conftest import Measure
from tests.faults.site import Site, wait_until
from tests.faults.works import Works

PIPELINE = "retail_daily"  # workers know it; its tables are empty
MINUTES_DOWN, MINUTES_UP = 8, 2


def test_two_beats_after_minutes_without_any_start_every_slot_once(site: Site, works: Works, measure: Measure) -> None:
    """The clock is moved in the database; one of the beats is killed and comes back."""
    change(PIPELINE, "faults", cron="* * * * *", catch_up="all")
    Schedule.objects.filter(pipeline=PIPELINE).update(next_at=Now() - timedelta(minutes=MINUTES_DOWN), paused=False)
    try:
        site.worker("worker", 2)
        beats = [site.beat(name) for name in ("one", "two")]
        started = ScheduleSlot.objects.filter(schedule__pipeline=PIPELINE, state="started")
        wait_until(lambda: started.count() > 2, 120)
        beats[0].kill()
        site.beat("one")
        wait_until(lambda: started.count() >= MINUTES_DOWN + MINUTES_UP, 300)
    finally:
        pause(PIPELINE, "faults")
    wait_until(lambda: not PipelineRun.objects.exclude(status="completed").exists(), 60)
    times = list(started.order_by("logical_time").values_list("logical_time", flat=True))
    runs = set(started.values_list("run_id", flat=True))
    assert times == [times[0] + timedelta(minutes=number) for number in range(len(times))]
    assert runs == set(PipelineRun.objects.filter(pipeline_name=PIPELINE).values_list("pk", flat=True))
    assert len(runs) == len(times)
    measure("two beats, 8 minutes without any before", f"{len(times)} slots, {len(runs)} runs: each once")
