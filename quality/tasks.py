"""What workers do about decisions. A task carries a decision's number, and losing it loses nothing."""

from __future__ import annotations

from celery import shared_task

from quality import replay as replaying


@shared_task(name="quality.tasks.replay", ignore_result=True, acks_late=False)  # type: ignore[untyped-decorator]
def replay(decision: int) -> None:
    """Carries a decision out."""
    replaying.replay(decision)


@shared_task(name="quality.tasks.resume_replays", ignore_result=True, acks_late=False, expires=25)  # type: ignore[untyped-decorator]
def resume_replays() -> None:
    """Rings for decisions that stand still; beat sends it every 30 seconds."""
    replaying.resume_replays()
