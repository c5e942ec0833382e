"""Rows that a steward clears from the list: chosen one by one, or all that the list is narrowed to."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from quality.models import QualityDecision, QualityException, QualityIssue
from quality.replay import replay
from quality.resolution import Decision, DecisionRefused, Selection, decide, try_patch
from quality.states import DecisionVerb
from tests.warehouses import bench_database as bench
from tests.warehouses.lab.warehouse import RawReadings, Readings
from tests.warehouses.shop import Shop
from tests.warehouses.test_deciding import client
from tests.warehouses.test_overlay import GOOD

TARGET = Readings.target
CORRECTION = {"verb": "correct", "column": "state", "text": "on"}


def arrive(shop: Shop, *rows: dict[str, str | None]) -> list[int]:
    """Rows come and are judged; returns their exceptions."""
    known = set(QualityException.objects.values_list("pk", flat=True))
    with bench.repeatable_read(shop.sql):
        bench.ingest(shop.sql, RawReadings, rows)
        bench.call(shop.sql, TARGET)
    return sorted(set(QualityException.objects.values_list("pk", flat=True)) - known)


@pytest.fixture
def rows(shop: Shop) -> list[int]:
    """Exceptions of four readings: two onn, one of, one out of range; ada and bob may do all."""
    for name in ("ada", "bob"):
        User.objects.create_superuser(name, password="engine")  # noqa: S106
    bad = [GOOD | {"state": "onn"}] * 2 + [GOOD | {"state": "of"}, GOOD | {"order": "101"}]
    return arrive(shop, *bad)


def narrowed(**parts: Any) -> str:
    """The address to which the list leads for all that fit."""
    listed = reverse("admin:exception_rows"), {"target": TARGET} | parts
    assert reverse("admin:decide_rows") in client("ada").get(*listed).content.decode() or "rule" in parts
    response = client("ada").get(reverse("admin:decide_rows"), listed[1])
    assert "up_to=" in response["Location"]
    return str(response["Location"])


def confirmed(address: str, who: str = "ada", **said: str) -> QualityDecision:
    said = CORRECTION | said
    seen = client(who).post(address, said).context["form"].seen
    assert client(who).post(address, said | {"confirm": "1", "seen": seen}).status_code == 302
    return QualityDecision.objects.latest("pk")


def states() -> list[str]:
    return list(QualityException.objects.order_by("pk").values_list("state", flat=True))


def test_the_chosen_rows_are_corrected_and_no_others(rows: list[int]) -> None:
    address = f"{reverse('admin:decide_rows')}?chosen={rows[0]}&chosen={rows[2]}"
    assert replay(confirmed(address).pk).landed == 2
    assert states() == ["landed", "open", "landed", "open"]


def test_all_of_a_filter_is_what_was_there_when_it_was_shown(rows: list[int], shop: Shop) -> None:
    issue = QualityIssue.objects.get(rule="state:one_of")
    address = narrowed(rule=issue.pk)
    arrive(shop, GOOD | {"state": "onn"})
    made = confirmed(address)
    assert made.selected == 3
    assert replay(made.pk).landed == 3
    assert states() == ["landed"] * 3 + ["open"] * 2


def test_all_of_a_file_or_a_batch_or_an_assignee(rows: list[int], shop: Shop) -> None:
    first = QualityException.objects.get(pk=rows[0]).batch_id
    later = arrive(shop, GOOD | {"state": "onn"})
    assert confirmed(narrowed(batch=first)).selected == 4
    assert confirmed(narrowed(found_before="2999-01-01"), verb="reject", reason="late").selected == 1
    assert QualityException.objects.get(pk=later[0]).state == "queued"
    with pytest.raises(DecisionRefused, match="Nothing"):
        decide(Decision(DecisionVerb.REJECT, Selection(TARGET, narrowed={"assignee": "ada"}), "ada", reason="x"))


def test_a_part_of_a_selection_that_nobody_knows_widens_nothing(rows: list[int]) -> None:
    for narrow, issue in (({"keys": "x"}, None), ({"value": "onn"}, None)):
        with pytest.raises(DecisionRefused, match="cannot have"):
            decide(Decision(DecisionVerb.REJECT, Selection(TARGET, issue, narrowed=narrow), "ada", reason="x"))
    assert states() == ["open"] * 4


def test_without_a_table_or_a_limit_nothing_is_asked(rows: list[int]) -> None:
    for query in ("?up_to=1", f"?target={TARGET}&up_to=x", "?chosen=0", f"?target={TARGET}&up_to=1&state=landed"):
        assert client("ada").get(reverse("admin:decide_rows") + query).status_code == 302


def test_who_may_only_propose_makes_proposals_and_takes_back_their_own(rows: list[int]) -> None:
    eve = User.objects.create_user("eve", is_staff=True)
    eve.user_permissions.set(Permission.objects.filter(codename__in=("view_qualityexception", "propose")))
    made = confirmed(f"{reverse('admin:decide_rows')}?chosen={rows[0]}", "eve")
    assert (made.state, made.author) == ("proposed", eve)
    others = confirmed(f"{reverse('admin:decide_rows')}?chosen={rows[1]}", propose="on")
    assert client("eve").post(reverse("admin:decision-stop", args=[others.pk])).status_code == 403
    assert client("eve").post(reverse("admin:decision-stop", args=[made.pk])).status_code == 302
    assert client("eve").post(reverse("admin:decision-undo", args=[made.pk])).status_code == 403
    assert states() == ["open", "proposed", "open", "open"]


def test_what_waits_for_the_approval_of_others_is_a_list_of_its_own(rows: list[int]) -> None:
    made = confirmed(f"{reverse('admin:decide_rows')}?chosen={rows[0]}", propose="on")
    listed = {
        who: [row.pk for row in client(who).get(reverse("admin:decisions"), {"waiting": "1"}).context["table"].data]
        for who in ("ada", "bob")
    }
    assert listed == {"ada": [], "bob": [made.pk]}


def test_a_view_is_kept_under_a_name_and_taken_away(rows: list[int]) -> None:
    address = reverse("admin:exception_view")
    client("ada").post(address, {"name": "new", "query": f"target={TARGET}&evil=1&state="})
    page = client("ada").get(reverse("admin:exception_rows"))
    assert [(view.name, view.query) for view in page.context["views"]] == [("new", f"target={TARGET}")]
    assert list(client("bob").get(reverse("admin:exception_rows")).context["views"]) == []
    client("ada").post(address, {"name": "new", "query": ""})
    assert list(client("ada").get(reverse("admin:exception_rows")).context["views"]) == []


def test_a_patch_is_tried_as_a_load_would_judge_it_and_nothing_stays(rows: list[int]) -> None:
    tried = try_patch(rows[0], {"state": "on"}, by="ada")
    assert tried["broken"] == []
    assert (tried["row"]["state"], tried["row"]["order"]) == ("on", 1)
    tried = try_patch(rows[0], {"order": "0"}, by="ada")
    assert [one["rule"] for one in tried["broken"]] == ["order:between", "state:one_of"]
    assert not QualityDecision.objects.exists()
    with pytest.raises(DecisionRefused, match="does not have"):
        try_patch(rows[0], {"nonsense": "x"}, by="ada")
    with pytest.raises(DecisionRefused, match="no exception"):
        try_patch(0, {}, by="ada")


def test_visitors_without_the_permission_see_no_boxes(rows: list[int]) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename="view_qualityexception"))
    browser = Client()
    browser.force_login(viewer)
    assert 'name="chosen"' not in browser.get(reverse("admin:exception_rows")).content.decode()
    assert 'name="chosen"' in client("ada").get(reverse("admin:exception_rows")).content.decode()


def test_a_cell_is_checked_when_it_is_left_and_corrected_where_it_stands(rows: list[int]) -> None:
    page = client("ada").get(reverse("admin:exception", args=[rows[0]])).content.decode()
    assert 'name="cell.state" value="onn"' in page
    cells = {"cell.state": "of", "cell.order": "1", "cell.note": ""}
    tried = client("ada").post(reverse("admin:try_row", args=[rows[0]]), cells).content.decode()
    assert "Still breaks" in tried
    cells["cell.state"] = "off"
    assert "It would land" in client("ada").post(reverse("admin:try_row", args=[rows[0]]), cells).content.decode()
    assert not QualityDecision.objects.exists()
    client("ada").post(reverse("admin:correct_row", args=[rows[0]]), cells | {"reason": "typo"})
    made = QualityDecision.objects.get()
    assert (made.patch, made.reason) == ({"state": "off"}, "typo")
    assert replay(made.pk).landed == 1
    assert 'name="cell.' not in client("ada").get(reverse("admin:exception", args=[rows[0]])).content.decode()


def test_a_row_without_a_changed_cell_is_no_decision_and_a_value_can_be_taken_away(rows: list[int]) -> None:
    address = reverse("admin:correct_row", args=[rows[0]])
    client("ada").post(address, {"cell.state": "onn", "cell.note": ""})
    assert not QualityDecision.objects.exists()
    client("ada").post(address, {"cell.sensor": "s1", "none.sensor": "on"})
    assert QualityDecision.objects.get().patch == {"sensor": None}
    assert client("ada").get(reverse("admin:try_row", args=[rows[0]])).status_code == 405
