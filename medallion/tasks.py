"""What workers do. A task is a doorbell: it carries an id, and losing it loses nothing."""

from __future__ import annotations

from typing import Any

from celery import current_app, shared_task
from celery.signals import worker_process_init, worker_process_shutdown

from medallion import maintenance
from medallion.backfills import fill as filling
from medallion.execution import presence
from medallion.execution import sweep as sweeping
from medallion.execution.doorbell import ring
from medallion.execution.perform import perform_step, step_ahead
from medallion.ingestion import pickup as picking
from medallion.pulling import due as pulling
from medallion.schedules import tick as ticking


@shared_task(name="medallion.tasks.run_step", ignore_result=True, acks_late=False)  # type: ignore[untyped-decorator]
def run_step(step_id: int) -> None:
    """Works at a step, if it is still to be had, or at a live one that goes before it; rings for what follows."""
    ahead = step_ahead(step_id)
    if ahead is not None and (performed := perform_step(ahead)):
        ring([*performed[1], step_id])
    elif performed := perform_step(step_id):
        ring(performed[1])


@shared_task(name="medallion.tasks.sweep", ignore_result=True, acks_late=False, expires=30)  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Takes up what was left behind, and starts what waited for another run to end; beat sends it every 5 seconds."""
    sweeping.sweep()
    ticking.start_waiting()
    filling.fill_backfills()


@shared_task(name="medallion.tasks.tick", ignore_result=True, acks_late=False, expires=25)  # type: ignore[untyped-decorator]
def tick() -> None:
    """Starts what the schedules say; beat sends it every 30 seconds."""
    ticking.tick()


@shared_task(name="medallion.tasks.pick_up", ignore_result=True, acks_late=False, expires=55)  # type: ignore[untyped-decorator]
def pick_up() -> None:
    """Ingests what is new in folders and APIs that are to be looked at by themselves; beat sends it every minute."""
    picking.pick_up()
    pulling.pull_due()


@shared_task(name="medallion.tasks.maintain", ignore_result=True, acks_late=False, expires=3600)  # type: ignore[untyped-decorator]
def maintain() -> None:
    """Partitions ahead, indexes summarised, old months dropped; beat sends it every hour."""
    maintenance.maintain(by="beat")


@worker_process_init.connect  # type: ignore[untyped-decorator]
def _began(**about_it: Any) -> None:
    presence.announce(sorted(current_app.amqp.queues.consume_from))


@worker_process_shutdown.connect  # type: ignore[untyped-decorator]
def _ends(**about_it: Any) -> None:
    presence.withdraw()
