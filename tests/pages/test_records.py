"""The records behind the pages, in the admin's own lists."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from lineage.admin import CappedPaginator
from lineage.models import Batch
from tests import seeds


@pytest.fixture
def admin(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.mark.parametrize("name", ["lineage_batch", "quality_qualityrule", "quality_qualitymetric"])
def test_records_are_read_and_never_edited(admin: Client, name: str) -> None:
    seeds.seed_warehouse()
    assert admin.get(reverse(f"admin:{name}_changelist")).status_code == 200
    assert admin.get(reverse(f"admin:{name}_add")).status_code == 403


def test_a_batch_is_found_by_the_id_of_its_run(admin: Client) -> None:
    seeds.seed_warehouse()
    query = {"q": "00000000-0000-0000-0000-000000000001"}
    assert admin.get(reverse("admin:lineage_batch_changelist"), query).context["cl"].result_count == 3


def test_lists_are_counted_no_further_than_one_pages(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds.seed_warehouse()
    monkeypatch.setattr(CappedPaginator, "most", 7)
    assert CappedPaginator(Batch.objects.order_by("pk"), 5).count == 7
