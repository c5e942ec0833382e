"""Sends what stands in the outbox, by e-mail and to a webhook. What happened is committed by then: no run waits for it.

A channel that does not answer is left alone for a while, and costs one attempt each time, however much waits for it.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import httpx
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.db.models import F
from django.urls import reverse

from lineage.models import Delivery, Notification
from lineage.ticks import clock

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 5
_AT_ONCE = 50
_GIVE_UP_AFTER = 24  # attempts: 18 hours
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
_LOCK = 0x4E4F5445  # "NOTE", and the channel

_PAGES = {"run_failed": "admin:run", "issue": "admin:issue", "issue_again": "admin:issue"}
_AGAIN = "Again: "

_DISTRIBUTE = """
WITH new AS (
    UPDATE dwh_lineage.notifications SET distributed = true WHERE NOT distributed RETURNING id
)
INSERT INTO dwh_lineage.deliveries (notification_id, channel, due_at)
SELECT n.id, c.channel, %(now)s FROM new AS n CROSS JOIN unnest(%(channels)s::text[]) AS c (channel)
ON CONFLICT (notification_id, channel) DO NOTHING
"""

Send = Callable[[Sequence[Notification]], None]


class NotDelivered(Exception):
    """A channel did not take a message; `str()` says why, without the secrets of its address."""


def deliver() -> int:
    """Sends what is due on every channel that is configured; returns how many notifications went out.

    What comes together goes out as one message. An entry is sent again only where this process dies between the
    channel's answer and its record.
    """
    channels = _channels()
    with connection.cursor() as cursor:
        cursor.execute(_DISTRIBUTE, {"now": clock(), "channels": list(channels)})
    return sum(_deliver(name, send) for name, send in channels.items())


def _channels() -> dict[str, Send]:
    found: dict[str, Send] = {}
    if settings.ASSAY_NOTIFY_EMAIL:
        found["email"] = _send_email
    if settings.ASSAY_NOTIFY_WEBHOOK:
        found["webhook"] = _send_webhook
    return found


def _deliver(channel: str, send: Send) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, channel])
        if cursor.fetchone() == (False,):  # another worker is sending
            return 0
        now = clock()
        # Uses index deliveries_pending_idx. Who waits longest says when the channel is tried again.
        waiting = Delivery.objects.filter(channel=channel, state=Delivery.State.PENDING).select_related("notification")
        due = list(waiting.order_by("id")[:_AT_ONCE])
        if not due or due[0].due_at > now:
            return 0
        rows = Delivery.objects.filter(pk__in=[delivery.pk for delivery in due])
        try:
            send([delivery.notification for delivery in due])
        except NotDelivered as failure:
            _postpone(due, str(failure), now)
            return 0
        return rows.update(state=Delivery.State.SENT, attempts=F("attempts") + 1, sent_at=now, error="")


def _postpone(due: Sequence[Delivery], error: str, now: datetime) -> None:
    """All of them wait, the longer the more often it was tried; those that were tried too often are given up."""
    logger.warning("%s did not take %s notifications: %s", due[0].channel, len(due), error)
    pause = min(_FIRST_PAUSE * 2 ** min(due[0].attempts, 10), _LONGEST_PAUSE)
    for delivery in due:
        delivery.attempts += 1
        delivery.due_at, delivery.error = now + pause, error
        if delivery.attempts >= _GIVE_UP_AFTER:
            delivery.state = Delivery.State.FAILED
    Delivery.objects.bulk_update(due, ["attempts", "due_at", "error", "state"])


def _send_email(notifications: Sequence[Notification]) -> None:
    subject = f"[Assay] {_headline(notifications)}"
    body = "\n\n".join(f"{_subject(each)}\n{each.text}\n{_link(each)}" for each in notifications)
    message = EmailMessage(" ".join(subject.split()), body, to=settings.ASSAY_NOTIFY_EMAIL)  # one line, or refused
    try:
        message.send()
    except (smtplib.SMTPException, OSError, ValueError) as error:  # the last: an address that is none
        raise NotDelivered(f"{type(error).__name__}: {error}") from None


def _send_webhook(notifications: Sequence[Notification]) -> None:
    lines = [f"<{_link(each)}|{_escaped(_subject(each))}>\n{_escaped(each.text)}".strip() for each in notifications]
    try:
        answer = httpx.post(settings.ASSAY_NOTIFY_WEBHOOK, json={"text": "\n\n".join(lines)}, timeout=TIMEOUT_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotDelivered(f"{type(error).__name__}: {error}") from None
    if not answer.is_success:
        raise NotDelivered(f"It answered {answer.status_code} {answer.reason_phrase}.")


def _headline(notifications: Sequence[Notification]) -> str:
    return _subject(notifications[0]) if len(notifications) == 1 else f"{len(notifications)} things to look at"


def _subject(notification: Notification) -> str:
    again = _AGAIN if notification.kind == Notification.Kind.ISSUE_AGAIN else ""
    return again + notification.subject


def _link(notification: Notification) -> str:
    return settings.ASSAY_URL + reverse(_PAGES[notification.kind], args=[notification.object_id])


def _escaped(text: str) -> str:
    """As Slack wants text: https://api.slack.com/reference/surfaces/formatting#escaping."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
