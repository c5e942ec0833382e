"""Who may see which page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

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


def _latest_run() -> int:
    from lineage.models import PipelineRun

    return PipelineRun.objects.latest("run_id").pk
