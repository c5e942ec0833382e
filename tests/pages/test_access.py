"""Who may see which page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.core.management.sql import emit_post_migrate_signal
from django.test import Client
from django.urls import reverse

from assay.roles import GROUPS, make_groups
from lineage.pages import Page, register, registered, trail
from tests import seeds

MayView = Callable[..., Client]

LISTS = ("runs", "exceptions", "exception_rows", "unreadable_lines")


def test_every_page_answers_for_staff_with_its_permission(staff: Client) -> None:
    seeds.seed_warehouse()
    for name in ("index", "administration", *LISTS):
        assert staff.get(reverse(f"admin:{name}")).status_code == 200, name


@pytest.mark.django_db
def test_an_anonymous_visitor_is_sent_to_the_login_and_back_to_the_page() -> None:
    for name in ("index", "administration", *LISTS):
        url = reverse(f"admin:{name}")
        response = Client().get(url)
        assert response.status_code == 302
        assert response["Location"] == f"{reverse('admin:login')}?next={url}"


def test_a_user_who_is_no_staff_is_sent_to_the_login(db: None) -> None:
    client = Client()
    client.force_login(User.objects.create_user("visitor"))
    assert client.get(reverse("admin:runs")).status_code == 302


def test_staff_without_the_permission_are_refused_and_told_which_one_is_missing(person: MayView) -> None:
    nobody = person()
    for page in registered():
        if "<" not in page.path:
            response = nobody.get(reverse(f"admin:{page.name}"))
            assert response.status_code == 403, page.name
            assert page.permission in response.content.decode()


def test_the_navigation_names_only_pages_that_the_person_may_see(person: MayView) -> None:
    page = person("view_pipelinerun").get(reverse("admin:index")).content.decode()
    assert reverse("admin:runs") in page
    assert f'href="{reverse("admin:exceptions")}"' not in page


def test_the_dashboard_of_staff_without_permissions_says_why_it_is_empty(person: MayView) -> None:
    assert "no permission to view" in person().get(reverse("admin:index")).content.decode()


def test_the_page_above_is_marked_in_the_navigation_and_leads_back(staff: Client) -> None:
    seeds.seed_warehouse()
    seeds.seed_runs(1)
    page = staff.get(reverse("admin:run", args=[_latest_run()])).content.decode()
    assert f'<a href="{reverse("admin:runs")}" aria-current="page">Runs</a>' in page
    assert page.count(f'href="{reverse("admin:runs")}"') == 2  # navigation and breadcrumbs


def test_two_pages_of_one_name_are_refused() -> None:
    page = trail("runs")[0]
    register(page)  # the same page again is none
    with pytest.raises(ValueError, match="Two pages are named runs"):
        register(Page("elsewhere/", page.view, "runs", "Runs", page.permission))


def test_an_address_without_a_record_is_not_found(staff: Client) -> None:
    for name in ("run", "issue", "exception"):
        assert staff.get(reverse(f"admin:{name}", args=[987654321])).status_code == 404


@pytest.mark.parametrize("role", ["anonymous", "nobody", "Viewer", "Steward", "Approver", "Engineer", "superuser"])
def test_each_role_sees_the_pages_of_its_permissions_and_no_others(role: str, db: None) -> None:
    seeds.seed_warehouse()
    client, user = Client(), None
    if role != "anonymous":
        user = User.objects.create_user(role, is_staff=True, is_superuser=role == "superuser")
        if role in GROUPS:
            make_groups()
            user.groups.set([Group.objects.get(name=role)])
        client.force_login(user)
    for page in registered():
        if any(converter not in ("<int", "<str") for converter in re.findall("<[a-z]+", page.path)):
            continue
        pieces = {name: "1" if kind == "int" else "none" for kind, name in re.findall(r"<(int|str):(\w+)>", page.path)}
        response = client.get(reverse(f"admin:{page.name}", kwargs=pieces))
        if user is None:
            assert response.status_code == 302, page.name
            assert reverse("admin:login") in response["Location"], page.name
            continue
        needed = {page.permission, page.or_permission} - {""}
        may = role == "superuser" or bool(needed & set(GROUPS.get(role, ())))
        assert (response.status_code != 403) == may, (page.name, response.status_code)


def test_what_the_groups_may_do_about_exceptions() -> None:
    acts = {"quality.propose", "quality.decide", "quality.approve"}
    assert {name: len(acts & set(held)) for name, held in GROUPS.items()} == {
        "Viewer": 0, "Steward": 2, "Approver": 3, "Engineer": 1,
    }  # fmt: skip


def test_a_group_that_somebody_changed_stays_and_one_that_is_missing_comes_again(db: None) -> None:
    make_groups()
    Group.objects.get(name="Viewer").permissions.clear()
    Group.objects.get(name="Steward").delete()
    emit_post_migrate_signal(0, False, "default")
    assert Group.objects.get(name="Viewer").permissions.count() == 0
    assert Group.objects.get(name="Steward").permissions.count() == len(GROUPS["Steward"])


def _latest_run() -> int:
    from lineage.models import PipelineRun

    return PipelineRun.objects.latest("run_id").pk
