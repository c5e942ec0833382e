"""The Celery app. Messages are doorbells: they carry ids, and losing one loses nothing (PostgreSQL knows what is due).

Run as `celery -A assay worker` and `celery -A assay beat`; `manage.py up` runs both.
"""

from __future__ import annotations

import os
import warnings
from typing import Any
from urllib.parse import urlsplit

from celery import Celery
from celery.platforms import SecurityWarning
from django.conf import settings

from assay import servers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assay.settings")
# A warm shutdown waits for ever for a long load. With SIGQUIT in SIGTERM's place the worker gives its tasks
# worker_soft_shutdown_timeout seconds, and then goes; their leases expire and another worker takes the steps over.
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")
if not settings.configured:  # run by the celery command; under Django whoever loaded the settings saw to the servers
    servers.ensure()


def broker_url(redis_url: str) -> str:
    """Celery's spelling of a Redis URL: a Unix socket is `redis+socket://` there."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = parts.query.removeprefix("db=") or "0"
    return f"redis+socket://{parts.path}?virtual_host={database}"


# What beat sends, and when. It only ticks: schedules are rows of the database.
BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep": {"task": "medallion.tasks.sweep", "schedule": 5.0},
    "tick": {"task": "medallion.tasks.tick", "schedule": 30.0},
    "resume replays": {"task": "quality.tasks.resume_replays", "schedule": 30.0},
    "deliver": {"task": "assay.tasks.deliver", "schedule": 15.0},
    "pick up": {"task": "medallion.tasks.pick_up", "schedule": 60.0},
    # Every hour, not every day: a beat that is restarted each day would never come to it.
    "maintain": {"task": "medallion.tasks.maintain", "schedule": 3600.0},
}

# Celery warns root because messages could carry code (pickle); ours are JSON with ids.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("assay")
app.conf.update(
    broker_url=broker_url(servers.redis_url()),
    broker_connection_retry_on_startup=True,
    # Who rings waits for Redis no longer than a moment: the sweeper rings again.
    broker_transport_options={
        "visibility_timeout": 3600,
        "max_retries": 1,
        "interval_start": 0,
        "interval_max": 0.2,
        # A Redis that hangs, or whose machine is gone, would hold up a page or a worker without end.
        "socket_timeout": 5.0,
        "socket_connect_timeout": 5.0,
    },
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=False,
    task_store_errors_even_if_ignored=False,
    worker_prefetch_multiplier=1,
    # Early acknowledged, a message would wait in a worker that is busy with a long load, while others have time.
    worker_disable_prefetch=True,
    worker_soft_shutdown_timeout=20.0,
    worker_enable_soft_shutdown_on_idle=False,
    # On, it lost tasks in three trials of three.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,  # LOGGING in the settings holds for workers too
    worker_send_task_events=False,
    timezone="UTC",
    enable_utc=True,
    beat_schedule=BEAT_SCHEDULE,
)
app.autodiscover_tasks()
