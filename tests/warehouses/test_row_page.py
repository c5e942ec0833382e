"""The page of one exception: what is near it, what its table holds, and texts of several lines."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from quality.models import QualityDecision, QualityException
from quality.replay import replay
from tests.warehouses import bench_database as bench
from tests.warehouses.lab.warehouse import Latest, RawMembers, RawReadings, Readings
from tests.warehouses.shop import Shop
from tests.warehouses.test_deciding import client
from tests.warehouses.test_overlay import GOOD

LINES = "two\r\nor\nthree lines"


@pytest.fixture
def bad(shop: Shop) -> QualityException:
    """A reading with a wrong state and a wrong order, the second of three."""
    User.objects.create_superuser("ada", password="engine")  # noqa: S106
    wrong = GOOD | {"state": "onn", "order": "0", "note": LINES}
    with bench.repeatable_read(shop.sql):
        bench.ingest(shop.sql, RawReadings, [GOOD | {"state": "of"}, wrong, GOOD | {"state": "of"}])
        bench.call(shop.sql, Readings.target)
    return QualityException.objects.get(source_data__state="onn")


def at(bad: QualityException) -> str:
    return reverse("admin:exception", args=[bad.pk])


def test_a_text_of_several_lines_is_sent_back_as_it_was(bad: QualityException) -> None:
    page = client("ada").get(at(bad)).content.decode()
    assert f"\n{LINES}</textarea>" in page
    sent = {"cell.state": "on", "cell.order": "7", "cell.note": "two\r\nor\r\nthree lines"}  # as browsers end lines
    client("ada").post(reverse("admin:correct_row", args=[bad.pk]), sent)
    made = QualityDecision.objects.get()
    assert made.patch == {"state": "on", "order": "7"}
    replay(made.pk)
    seen = client("ada").get(at(bad))
    assert seen.context["held"]["note"] == LINES
    assert seen.context["may_decide"] is False


def test_the_neighbours_are_those_of_the_cause_that_one_comes_from(bad: QualityException) -> None:
    first, _, third = QualityException.objects.order_by("pk").values_list("pk", flat=True)
    shown = client("ada").get(at(bad)).context["exception"]
    assert (shown.newer, shown.older, shown.same_key) == (third, first, [])
    alone = bad.breaches.get(message__startswith="order is not").issue_id
    response = client("ada").get(at(bad), {"cause": alone})
    assert (response.context["exception"].newer, response.context["exception"].older) == (None, None)
    assert client("ada").get(at(bad), {"cause": "x"}).context["place"] == ""
    assert response.context["record"] == 2


def test_what_the_table_holds_of_the_key_and_who_else_waits_with_it_is_shown(shop: Shop) -> None:
    User.objects.create_superuser("ada", password="engine")  # noqa: S106
    good = {"region": "n", "id": "1", "name": "Ann", "score": "1", "updated": "2024-01-01"}
    with bench.repeatable_read(shop.sql):
        bench.ingest(
            shop.sql, RawMembers, [good, *(good | {"score": "-1", "updated": f"2024-02-0{n}"} for n in (1, 2))]
        )
        bench.call(shop.sql, Latest.target)
    one, other = QualityException.objects.filter(target_table=Latest.target).order_by("pk")
    context = client("ada").get(at(one)).context
    assert context["exception"].same_key == [other.pk]
    assert str(context["held"]["id"]) == "1"


def test_who_may_only_propose_sees_what_the_proposal_would_do(bad: QualityException) -> None:
    pia = User.objects.create_user("pia", is_staff=True)
    pia.user_permissions.set(Permission.objects.filter(codename__in=["view_qualityexception", "propose"]))
    address = reverse("admin:decide_rows") + f"?chosen={bad.pk}"
    said = {"verb": "correct", "column": "state", "text": "on"}
    seen = client("pia").post(address, said)
    assert (seen.context["preview"].selected, seen.context["preview"].failing) == (1, 1)
    client("pia").post(address, said | {"confirm": "1", "seen": seen.context["form"].seen})
    assert QualityDecision.objects.get().state == "proposed"


def test_one_of_the_broken_rules_alone_can_be_waived(bad: QualityException) -> None:
    address = reverse("admin:decide_rows") + f"?chosen={bad.pk}"
    asked = client("ada").get(address).context["form"]
    rule = next(name for name, _ in asked.fields["rule"].choices if name.startswith("order:"))
    assert "state:one_of" not in dict(asked.fields["rule"].choices)  # an enum: the table could not hold it
    said = {"verb": "waive", "rule": rule}
    seen = client("ada").post(address, said)
    assert [message for message, _ in seen.context["preview"].broken] == ["state is none of on, off"]
    response = client("ada").post(address, {"verb": "waive", "confirm": "1", "seen": seen.context["form"].seen})
    assert "This has not been shown yet" in response.content.decode()
    client("ada").post(address, said | {"confirm": "1", "seen": seen.context["form"].seen})
    assert QualityDecision.objects.get().rule == rule


def test_who_may_only_propose_corrects_the_values_of_a_cause_by_a_proposal(bad: QualityException) -> None:
    pia = User.objects.create_user("pia", is_staff=True)
    pia.user_permissions.set(Permission.objects.filter(codename__in=["view_qualityexception", "propose"]))
    issue = bad.breaches.get(rule="state:one_of").issue_id
    address = reverse("admin:fix", args=[issue])
    assert address in client("pia").get(reverse("admin:issue", args=[issue])).content.decode()
    said = {"from": "onn", "to": "on", "column": "state"}
    seen = client("pia").post(address, said)
    client("pia").post(address, said | {"confirm": "1", "seen": seen.context["form"].seen})
    assert QualityDecision.objects.get().state == "proposed"
