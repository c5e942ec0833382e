"""Every address of the site, ours and those of Django's admin: who gets an answer, and that none has inline code.

`access.txt` lists them all. An address that is not listed fails the test, so that a new page says who may see it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django_otp.plugins.otp_totp.models import TOTPDevice

from assay.roles import GROUPS, make_groups
from lineage.models import PipelineRun
from quality.models import QualityException, QualityIssue
from tests import seeds

ACCESS = Path(__file__).with_name("access.txt")
WHO = ("anonymous", *GROUPS)
_PART = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Something to see on the pages."""
    seeds.seed_warehouse()
    seeds.seed_runs(2)
    seeds.seed_exceptions(20)
    TOTPDevice.objects.create(user=User.objects.create_user("bob"), name="phone")


def routes(resolver: URLResolver | None = None, above: str = "") -> Iterator[str]:
    """The route of each address, with its parts as Django writes them; those of files in static/ are not among them."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = above + str(pattern.pattern).removeprefix("^").removesuffix("$").removesuffix(r"\Z")
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, route)
        elif isinstance(pattern, URLPattern):
            yield route


def addresses() -> dict[str, str]:
    """Route → an address of that route; where the seeds have such a thing, of one that is there, else of none."""
    parts = {
        "run_id": PipelineRun.objects.latest("pk").pk, "issue_id": QualityIssue.objects.latest("pk").pk,
        "exception_id": QualityException.objects.latest("pk").pk, "table": "bronze.raw_invoice_lines",
        "name": seeds.LINES, "target": seeds.LINES, "app_label": "auth", "url": "nowhere",
        "pk": TOTPDevice.objects.latest("pk").pk,
    }  # fmt: skip
    return {route: "/" + _PART.sub(lambda part: str(parts.get(part[1] or part[2], 0)), route) for route in routes()}


def answer(client: Client, address: str) -> str:
    """yes, no, login (asked to log in), away (sent to another page), or what the status says (405: only by POST)."""
    response = client.get(address)
    status = response.status_code
    if status == 302:
        return "login" if response["Location"].startswith("/admin/login/") else "away"
    return {200: "yes", 503: "yes", 403: "no"}.get(status, str(status))  # 503: /healthz says that nobody works


def client_of(group: str) -> Client:
    client = Client()
    if group in GROUPS:
        make_groups()
        user = User.objects.create_user(group, is_staff=True)
        user.groups.set([Group.objects.get(name=group)])
        client.force_login(user)
    return client


def test_every_address_is_listed_and_answers_whom_it_should() -> None:
    clients = [client_of(group) for group in WHO]
    found = {
        route: [answer(client, address) for client in clients]
        for route, address in addresses().items()
        if route != "admin/logout/"
    }
    table = [("address", WHO), *sorted(found.items())]
    text = "".join(f"/{route:<70} {' '.join(f'{one:<9}' for one in said)}".rstrip() + "\n" for route, said in table)
    if os.environ.get("WRITE_DOCS"):
        ACCESS.write_text(text, encoding="utf-8")
    assert text == ACCESS.read_text(encoding="utf-8"), "Look at each change. To write it anew: WRITE_DOCS=1"


def test_nothing_but_logging_in_and_signs_of_life_is_for_everybody() -> None:
    said = [line.split() for line in ACCESS.read_text(encoding="utf-8").splitlines()[1:]]
    answered = {address for address, anonymous, *_ in said if anonymous != "login"}
    # The first leads to the dashboard; metrics are for a token, and for staff who may see runs; feeds for their tokens.
    assert answered == {"/", "/healthz", "/healthz/web", "/metrics", "/admin/login/", "/feeds/<str:name>"}


def test_no_page_has_inline_code_and_each_has_its_policy() -> None:
    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    for route, address in addresses().items():
        response = root.get(address)
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            continue
        assert "script-src 'self'" in response.headers["Content-Security-Policy"], route
        page = response.content.decode()
        assert not re.search(r"<script(?![^>]*\ssrc=)(?![^>]*type=\"application/json\")", page), route
        assert not re.search(r"<[^>]+\s(style|on\w+)=", page), route
        # The one style that the admin's lists bring along is in the policy by its hash.
        assert page.count("<style") <= ("changelist" in page), route
