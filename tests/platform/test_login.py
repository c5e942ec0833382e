"""Logging in: what is refused, how often one may try, and the second factor of whoever has one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

NAME, PASSWORD = "ada", "engine"
ON_PAPER, WRONG = "abc123", "12345x"

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return User.objects.create_superuser(NAME, password=PASSWORD)


def log_in(client: Client, password: str = PASSWORD, to: str = "/admin/runs/", **more: str) -> Any:
    address = f"{reverse('admin:login')}?next={to}"
    return client.post(address, {"username": NAME, "password": password, "next": to, **more})


def is_in(client: Client) -> bool:
    return client.get(reverse("admin:runs")).status_code == 200


def test_a_password_is_enough_for_whoever_has_no_device(ada: User) -> None:
    client = Client()
    assert log_in(client)["Location"] == "/admin/runs/"
    assert is_in(client)


def test_ten_wrong_passwords_are_too_many_even_for_the_right_one(ada: User) -> None:
    client = Client()
    answers = [log_in(client, "wrong").status_code for _ in range(10)]
    assert answers == [200] * 9 + [429]
    assert log_in(client).status_code == 429
    assert not is_in(client)
    # Elsewhere the same name may still log in: nobody locks somebody else out from afar.
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert log_in(elsewhere).status_code == 302


def test_who_has_a_device_needs_its_code_and_each_code_counts_once(ada: User) -> None:
    device = TOTPDevice.objects.create(user=ada, name="phone")
    client = Client()
    page = log_in(client).content.decode()
    assert "Type the code that your device shows" in page
    assert PASSWORD not in page
    assert log_in(client, otp_token=WRONG).status_code == 200
    device.throttle_reset()  # else the next try would come too soon after a wrong one
    code = f"{totp(device.bin_key):06}"
    assert log_in(client, otp_token=code).status_code == 302
    assert is_in(client)
    again = Client()
    assert log_in(again, otp_token=code).status_code == 200
    assert not is_in(again)


def test_wrong_codes_make_the_next_try_wait(ada: User) -> None:
    device = TOTPDevice.objects.create(user=ada, name="phone")
    client = Client()
    log_in(client, otp_token=WRONG)
    device.refresh_from_db()
    assert device.throttling_failure_count == 1
    device.throttling_failure_count = 10  # each makes the pause twice as long; the first is a second
    device.save()
    refused = log_in(client, otp_token=f"{totp(device.bin_key):06}")
    assert "temporarily disabled" in refused.content.decode()


def test_of_several_devices_one_is_chosen(ada: User) -> None:
    TOTPDevice.objects.create(user=ada, name="phone")
    paper = StaticDevice.objects.create(user=ada, name="paper")
    paper.token_set.create(token=ON_PAPER)
    client = Client()
    page = log_in(client, otp_token=ON_PAPER).content.decode()
    assert re.search(rf'<option value="{re.escape(paper.persistent_id)}">paper</option>', page)
    assert log_in(client, otp_token=ON_PAPER, otp_device=paper.persistent_id).status_code == 302


def test_a_device_of_somebody_else_is_none(ada: User) -> None:
    bob = StaticDevice.objects.create(user=User.objects.create_user("bob"), name="his")
    bob.token_set.create(token=ON_PAPER)
    TOTPDevice.objects.create(user=ada, name="phone")
    StaticDevice.objects.create(user=ada, name="paper")
    assert log_in(Client(), otp_token=ON_PAPER, otp_device=bob.persistent_id).status_code == 200


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", r"\\\\evil.example"])
def test_the_way_after_the_login_leads_to_our_own_pages_alone(ada: User, to: str) -> None:
    assert log_in(Client(), to=to)["Location"] == reverse("admin:index")


def test_a_login_needs_its_token_and_makes_a_new_session(ada: User) -> None:
    assert Client(enforce_csrf_checks=True).post(reverse("admin:login"), {}).status_code == 403
    client = Client()
    client.get(reverse("admin:login"))
    client.session["planted"] = True
    before = client.session.session_key
    log_in(client)
    assert client.session.session_key != before


def test_another_host_is_refused(ada: User, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["assay.example"]
    assert Client(headers={"host": "evil.example"}).get(reverse("admin:login")).status_code == 400
    assert Client(headers={"host": "assay.example"}).get(reverse("admin:login")).status_code == 200
