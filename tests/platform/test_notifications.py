"""What is sent to real servers of e-mail and HTTP, which fail at first."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_string, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction

from assay import email_url
from assay.notifications import deliver
from lineage.models import Delivery, Notification, PipelineRun
from tests import seeds
from tests.clock import Clock


@dataclass
class Inbox:
    """A server, what came to it, and whether it is in the mood for more."""

    server: socketserver.BaseServer
    came: list[str] = field(default_factory=list)
    refuses: bool = False

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])


class _Smtp(socketserver.StreamRequestHandler):
    """As much of SMTP as smtplib needs."""

    inbox: Inbox

    def handle(self) -> None:
        self._say("220 ready")
        while command := self.rfile.readline().decode().strip().upper():
            if command.startswith("DATA"):
                self._say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.inbox.came.append(b"".join(lines).decode())
            elif command.startswith("QUIT"):
                return self._say("221 bye")
            self._say("451 try later" if self.inbox.refuses and command.startswith("MAIL") else "250 well")
        return None

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class _Hook(BaseHTTPRequestHandler):
    inbox: Inbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if not self.inbox.refuses:
            self.inbox.came.append(body)
        self.send_response(503 if self.inbox.refuses else 200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def serve(server: type[socketserver.TCPServer], handler: type[Any]) -> Iterator[Inbox]:
    with server(("127.0.0.1", 0), handler) as running:
        handler.inbox = inbox = Inbox(running)
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield inbox
        running.shutdown()


@pytest.fixture
def mail(settings: Any) -> Iterator[Inbox]:
    for inbox in serve(socketserver.TCPServer, _Smtp):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", inbox.port
        settings.ASSAY_NOTIFY_EMAIL = ["team@example.com"]
        yield inbox


@pytest.fixture
def hook(settings: Any) -> Iterator[Inbox]:
    for inbox in serve(HTTPServer, _Hook):
        settings.ASSAY_NOTIFY_WEBHOOK = f"http://127.0.0.1:{inbox.port}/services/T0/secret"
        yield inbox


@pytest.fixture
def clock(db: None, settings: Any) -> Clock:
    settings.ASSAY_URL = "https://assay.example"
    return Clock(datetime(2026, 3, 2, 12, tzinfo=UTC))


def fail(pipeline: str = "daily", error: str = "gold.c: <boom> & more") -> PipelineRun:
    run = PipelineRun.objects.create(pipeline_name=pipeline, status="running")
    PipelineRun.objects.filter(pk=run.pk).update(status="failed", error_message=error)
    return run


def test_a_run_that_fails_is_said_once_by_e_mail_and_webhook(clock: Clock, mail: Inbox, hook: Inbox) -> None:
    run = fail()
    assert [deliver(), deliver()] == [2, 0]
    (raw,) = mail.came
    message = message_from_string(raw, policy=policy.default)
    assert message["Subject"] == f"[Assay] The pipeline daily failed (run {run.pk})"
    assert (message["To"], message["From"]) == ("team@example.com", "assay@localhost")
    assert f"https://assay.example/admin/runs/{run.pk}/" in message.get_content()
    (body,) = hook.came
    assert json.loads(body) == {
        "text": f"<https://assay.example/admin/runs/{run.pk}/|The pipeline daily failed (run {run.pk})>\n"
        "gold.c: &lt;boom&gt; &amp; more"
    }


def test_a_name_of_several_lines_makes_a_subject_of_one(clock: Clock, mail: Inbox) -> None:
    fail("daily\r\nBcc: everybody@example.com")
    assert deliver() == 1
    message = message_from_string(mail.came[0], policy=policy.default)
    assert "daily Bcc: everybody@example.com failed" in str(message["Subject"])
    assert message["Bcc"] is None


def test_a_run_that_is_resumed_and_fails_again_is_said_once(clock: Clock) -> None:
    run = fail()
    for status in ("running", "failed"):
        PipelineRun.objects.filter(pk=run.pk).update(status=status)
    assert Notification.objects.count() == 1


def test_what_did_not_happen_is_not_said(clock: Clock) -> None:
    with transaction.atomic():
        fail()
        transaction.set_rollback(True)
    assert not Notification.objects.exists()


def test_a_new_issue_is_said_with_a_link_whoever_raises_it(clock: Clock, hook: Inbox) -> None:
    seeds.seed_warehouse()
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(
                "INSERT INTO dwh_lineage.quality_issues (fingerprint, target, rule, title)"
                " VALUES ('x', %s, 'id:required', 'Id is missing') ON CONFLICT DO NOTHING RETURNING id",
                [seeds.LINES],
            )
    assert deliver() == 1
    text = json.loads(hook.came[0])["text"]
    assert "|Id is missing>" in text
    assert "/admin/issues/" in text or "/admin/exceptions/" in text


def test_a_server_that_fails_is_tried_again_after_growing_pauses(clock: Clock, mail: Inbox, hook: Inbox) -> None:
    mail.refuses = hook.refuses = True
    fail()
    assert deliver() == 0
    assert deliver() == 0  # too early
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}
    for pause in (30, 60, 120):
        clock.wait(seconds=pause - 1)
        deliver()
        clock.wait(seconds=2)
        deliver()
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {4}
    mail.refuses = hook.refuses = False
    clock.wait(seconds=300)
    assert deliver() == 2
    assert (len(mail.came), len(hook.came)) == (1, 1)
    assert set(Delivery.objects.values_list("state", "error")) == {("sent", "")}


def test_one_channel_does_not_wait_for_the_other(clock: Clock, mail: Inbox, hook: Inbox) -> None:
    mail.refuses = True
    fail()
    assert deliver() == 1
    assert (len(mail.came), len(hook.came)) == (0, 1)


def test_a_dead_channel_is_given_up_in_the_end_without_its_secret_on_record(
    clock: Clock, hook: Inbox, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.notifications._GIVE_UP_AFTER", 3)
    hook.refuses = True
    fail()
    for _ in range(5):
        deliver()
        clock.wait(hours=1, minutes=1)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("failed", 3)
    assert delivery.error == "It answered 503 Service Unavailable."
    settings.ASSAY_NOTIFY_WEBHOOK = "http://127.0.0.1:9/services/T0/secret"
    fail("other")
    deliver()
    error = Delivery.objects.latest("pk").error
    assert "ConnectError" in error
    assert "secret" not in error


def test_what_comes_together_goes_out_as_one_message(clock: Clock, mail: Inbox, hook: Inbox) -> None:
    for number in range(12):
        fail(f"p{number}")
    assert deliver() == 24
    assert (len(mail.came), len(hook.came)) == (1, 1)
    assert "12 things to look at" in mail.came[0]
    assert all(f"The pipeline p{number} failed" in hook.came[0] for number in range(12))


def test_without_a_channel_nothing_piles_up(clock: Clock) -> None:
    fail()
    assert deliver() == 0
    assert Notification.objects.get().distributed
    assert not Delivery.objects.exists()


def test_a_dead_address_does_not_slow_a_run(clock: Clock, settings: Any) -> None:
    settings.ASSAY_NOTIFY_WEBHOOK = "http://10.255.255.1/"  # nobody answers there, not even with a refusal
    before = time.monotonic()
    fail()
    assert time.monotonic() - before < 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://localhost:25", ("localhost", 25, "", "", False, False)),
        ("smtp+starttls://me:p%40ss@mail.example", ("mail.example", 587, "me", "p@ss", True, False)),
        ("smtps://mail.example", ("mail.example", 465, "", "", False, True)),
    ],
)
def test_a_mail_server_by_its_url(url: str, expected: tuple[object, ...]) -> None:
    assert email_url.parse(url) == expected


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://", "smtp://h:port"])
def test_a_wrong_url_of_a_mail_server_says_so_without_its_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        email_url.parse(url)
