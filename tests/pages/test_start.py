"""A pipeline is started on a page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from lineage.models import PipelineRun

URL = "/admin/runs/start/"


@pytest.fixture
def operator(person: Callable[..., Client]) -> Client:
    return person("view_pipelinerun", "change_pipelinerun")


def test_a_pipeline_is_started_and_its_run_shown(operator: Client) -> None:
    assert reverse("admin:run-start") == URL
    assert URL in operator.get(reverse("admin:runs")).content.decode()
    page = operator.get(URL).content.decode()
    assert "What was sold" not in page
    assert "Everything that the shop&#x27;s people look at." in page
    answer = operator.post(URL, {"pipeline": "retail_daily"})
    run = PipelineRun.objects.get()
    assert (run.pipeline_name, run.status, run.trigger) == ("retail_daily", "pending", "manual")
    assert answer["Location"] == reverse("admin:run", args=[run.pk])


def test_a_second_run_and_an_unknown_pipeline_are_refused_with_what_to_do(operator: Client) -> None:
    operator.post(URL, {"pipeline": "retail_daily"})
    again = operator.post(URL, {"pipeline": "retail_daily"})
    assert again.status_code == 409
    assert "is running already" in again.content.decode()
    assert operator.post(URL, {"pipeline": "x; DROP TABLE y"}).status_code == 409
    assert PipelineRun.objects.count() == 1


def test_who_may_only_look_cannot_start_one(staff: Client) -> None:
    assert URL not in staff.get(reverse("admin:runs")).content.decode()
    assert staff.post(URL, {"pipeline": "retail_daily"}).status_code == 403
