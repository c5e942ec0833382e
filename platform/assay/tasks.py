"""What workers do beside running pipelines."""

from __future__ import annotations

from celery import shared_task

from assay import notifications


@shared_task(name="assay.tasks.deliver", ignore_result=True, acks_late=False, expires=14)  # type: ignore[untyped-decorator]
def deliver() -> None:
    """Sends e-mails and webhooks; beat sends it every 15 seconds."""
    notifications.deliver()
