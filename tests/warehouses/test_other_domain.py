"""A steward of another domain: refused on every way to a decision, by the pages, by CSV, by commands and in Python."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from assay.roles import make_groups
from lineage.models import GroupScope
from quality.models import QualityDecision, QualityException, QualityIssue
from quality.preview import preview
from quality.replay import replay
from quality.resolution import Decision, DecisionRefused, Selection, approve, decide, try_patch, undo
from quality.states import DecisionVerb
from tests.warehouses.shop import Shop
from tests.warehouses.test_clearing import CORRECTION, TARGET, arrive, client, rows  # noqa: F401 - a fixture

REFUSED = "may not do this"


@pytest.fixture
def sue(rows: list[int]) -> GroupScope:  # noqa: F811
    """Where the group of sue, a steward and approver, may act: not in the laboratory."""
    make_groups()
    group = Group.objects.get(name="Approver")
    User.objects.create_user("sue", is_staff=True).groups.add(group)
    return GroupScope.objects.create(group=group, domain="elsewhere")


def correction(by: str, **more: Any) -> Decision:
    return Decision(**{"verb": DecisionVerb.CORRECT, "selection": Selection(TARGET), "by": by,
                       "patch": {"state": "on"}, **more})  # fmt: skip


def test_nothing_can_be_decided_from_another_domain_and_all_at_home(
    sue: GroupScope, rows: list[int], shop: Shop  # noqa: F811
) -> None:  # fmt: skip
    issue = QualityIssue.objects.get(rule="state:one_of")
    done = replay(decide(correction("ada", selection=Selection(TARGET, exceptions=(rows[0],)))).pk)
    waiting = decide(correction("ada", selection=Selection(TARGET, exceptions=(rows[1],)), propose=True))
    exported = (
        client("ada").get(reverse("admin:exceptions_csv"), {"target": TARGET}).getvalue().replace(b",of,", b",on,")
    )

    def sent(name: str, *place: int, query: str = "", **said: Any) -> int:
        return client("sue").post(reverse(f"admin:{name}", args=place) + query, said).status_code

    def csv_back() -> int:
        return sent("bring_back", file=SimpleUploadedFile("back.csv", exported))

    attempts = {
        "all of a filter": lambda: sent("decide_rows", query=f"?target={TARGET}&up_to={rows[-1]}", **CORRECTION),
        "chosen rows": lambda: sent("decide_rows", query=f"?chosen={rows[2]}", **CORRECTION),
        "a cause": lambda: sent("decide", issue.pk, **CORRECTION),
        "its values": lambda: sent("fix", issue.pk, **{"from": "of", "to": "on"}),
        "a cell": lambda: sent("try_row", rows[2], **{"cell.state": "on"}),
        "a row": lambda: sent("correct_row", rows[2], **{"cell.state": "on"}),
        "a file": csv_back,
        "an undo": lambda: sent("decision-undo", done.pk),
        "an approval": lambda: sent("decision-approve", waiting.pk),
        "a stop": lambda: sent("decision-stop", waiting.pk),
        "an owner": lambda: sent("assign", issue.pk, mine="1"),
        "a comment": lambda: sent("comment", issue.pk, text="x"),
    }
    assert {name: act() for name, act in attempts.items()} == dict.fromkeys(attempts, 403)
    for act in (
        lambda: decide(correction("sue")),
        lambda: preview(correction("sue")),
        lambda: approve(waiting.pk, by="sue"),
        lambda: undo(done.pk, by="sue"),
        lambda: try_patch(rows[2], {"state": "on"}, by="sue"),
    ):
        with pytest.raises(DecisionRefused, match=REFUSED) as refused:
            act()
        assert "administrator" in refused.value.hint
    for said in (
        ("decide", "correct", TARGET, "--set", "state=on", "--yes"),
        ("decide", "correct", TARGET, "--set", "state=on"),
        ("decide", "approve", str(waiting.pk), "--yes"),
        ("decide", "undo", str(done.pk), "--yes"),
    ):
        with pytest.raises(CommandError, match=REFUSED):
            call_command(*said, "--by", "sue", stdout=io.StringIO())
    assert QualityDecision.objects.count() == 2
    assert list(QualityException.objects.order_by("pk").values_list("state", flat=True)) == [
        "landed", "proposed", "open", "open",
    ]  # fmt: skip

    sue.domain, sue.layer = "lab", "silver"
    sue.save()
    at_home = {name: act() for name, act in attempts.items()}
    assert 403 not in at_home.values(), at_home
    assert QualityDecision.objects.filter(author__username="sue").exists()
