"""Celery as it has to be for doorbells that may be lost."""

from __future__ import annotations

import pytest

from assay.celery import app, broker_url


@pytest.mark.parametrize(
    ("redis", "broker"),
    [
        ("unix:///run/a%20b/redis.sock?db=3", "redis+socket:///run/a%20b/redis.sock?virtual_host=3"),
        ("unix:///run/redis.sock", "redis+socket:///run/redis.sock?virtual_host=0"),
        ("redis://user:secret@host:6379/1", "redis://user:secret@host:6379/1"),
        ("rediss://host/1", "rediss://host/1"),
    ],
)
def test_a_redis_url_in_celerys_spelling(redis: str, broker: str) -> None:
    assert broker_url(redis) == broker


def test_the_settings_that_keep_steps_from_being_lost_or_doubled() -> None:
    conf = app.conf
    assert (conf.task_serializer, conf.accept_content) == ("json", ["json"])
    assert (conf.task_acks_late, conf.task_ignore_result, conf.result_backend) == (False, True, None)
    assert conf.worker_prefetch_multiplier == 1
    assert conf.worker_cancel_long_running_tasks_on_connection_loss is False
    assert conf.worker_soft_shutdown_timeout == 20


def test_a_message_reaches_the_broker() -> None:
    with app.connection_for_write() as connection:
        queue = connection.SimpleQueue("probe")
        queue.put({"step": 1}, serializer="json")
        message = queue.get(timeout=5)
        message.ack()
        queue.clear()
        queue.close()
    assert message.payload == {"step": 1}


def test_everything_that_beat_sends_is_a_task_that_workers_know() -> None:
    app.loader.import_default_modules()
    sent = {entry["task"] for entry in app.conf.beat_schedule.values()}
    ours = {f"medallion.tasks.{name}" for name in ("sweep", "tick", "pick_up", "maintain")}
    assert sent == ours | {"assay.tasks.deliver", "quality.tasks.resume_replays"}
    assert sent <= set(app.tasks)
