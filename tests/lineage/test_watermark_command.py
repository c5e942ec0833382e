"""`manage.py watermark` and what the page shows of it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command

from lineage.models import Pending, Skip
from tests.seeds import CUSTOMERS, REVENUE, seed_warehouse

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db


def watermark(*arguments: str) -> str:
    out = io.StringIO()
    call_command("watermark", *arguments, stdout=out)
    return out.getvalue()


def test_it_says_how_far_a_table_has_come() -> None:
    seed_warehouse()
    said = watermark(CUSTOMERS)
    assert f"{CUSTOMERS} has taken everything up to 20" in said
    assert "2 batches wait (4,248 rows), 0 are skipped." in said


def test_it_skips_and_takes_back_and_keeps_who_and_why(admin_client: Client) -> None:
    seed_warehouse()
    assert "Moved: 2 batches are skipped." in watermark(
        CUSTOMERS, "--set", "end", "--by", "ada", "--reason", "a <test>"
    )
    assert (Pending.objects.filter(consumer=CUSTOMERS).count(), Skip.objects.count()) == (0, 2)
    page = admin_client.get("/admin/watermarks/").content.decode()
    assert "2 batches skipped" in page
    assert "a &lt;test&gt;" in page
    assert "Moved: 20 batches wait again." in watermark(CUSTOMERS, "--set", "2010-12-01", "--by", "ada")
    assert (Pending.objects.filter(consumer=CUSTOMERS).count(), Skip.objects.count()) == (20, 0)
    page = admin_client.get("/admin/watermarks/").content.decode()
    assert "2 batches skipped, 2 of them taken back since" in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("silver.nothing",), "takes no batches"),
        (("silver.nothing", "--set", "end"), "lists those that have one"),
        ((REVENUE, "--set", "end"), "no batch of them can be left out"),
        ((CUSTOMERS, "--set", "yesterday"), "“yesterday” is no time"),
        ((CUSTOMERS, "--set", "2010-02-30"), "is no time"),
    ],
)
def test_what_cannot_be_moved_is_explained(arguments: tuple[str, ...], said: str) -> None:
    seed_warehouse()
    with pytest.raises(CommandError, match=said):
        watermark(*arguments)
