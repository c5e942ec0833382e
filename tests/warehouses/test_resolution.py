"""Stewards' acts from Python: seen beforehand, carried out by a worker, refused kindly."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User

from quality import replay as replaying
from quality.models import QualityDecision, QualityException
from quality.preview import preview
from quality.replay import replay, resume_replays
from quality.resolution import Decision, DecisionRefused, Selection, approve, decide, stop, undo
from quality.states import DecisionVerb
from tests.warehouses import bench_database as bench
from tests.warehouses.lab.warehouse import RawReadings, Readings
from tests.warehouses.shop import Shop
from tests.warehouses.test_overlay import GOOD

TARGET = Readings.target


@pytest.fixture
def readings(shop: Shop, settings: Any) -> Shop:
    """Three readings with a wrong state and two stewards; nobody hears the doorbell."""
    for name in ("ada", "bob"):
        User.objects.create_superuser(name)
    with bench.repeatable_read(shop.sql):
        bench.ingest(shop.sql, RawReadings, [GOOD | {"state": "onn"}] * 2 + [GOOD | {"state": "of"}])
        bench.call(shop.sql, TARGET)
    return shop


def correction(**more: Any) -> Decision:
    return Decision(DecisionVerb.CORRECT, Selection(TARGET), **{"by": "ada", "patch": {"state": "on"}, **more})


def states() -> list[str]:
    return sorted(QualityException.objects.values_list("state", flat=True))


def test_a_preview_counts_and_shows_what_would_happen_and_changes_nothing(readings: Shop) -> None:
    one = QualityException.objects.order_by("pk")[0].pk
    seen = preview(correction(patch=None, patches={one: {"state": "off"}, one + 1: {"state": "on", "order": "0"}}))
    assert (seen.selected, seen.landed, seen.failing) == (2, 1, 1)
    assert seen.broken == [("order is not between 1 and 100", 1)]
    (sample,) = seen.samples
    assert (sample.arrived["state"], sample.landed["state"], sample.landed["order"]) == ("onn", "off", 1)
    assert states() == ["open"] * 3
    assert not QualityDecision.objects.exists()
    assert readings.value("SELECT count(*) FROM silver.readings") == 0


def test_a_decision_is_carried_out_chunk_by_chunk(readings: Shop) -> None:
    decision = replay(decide(correction()).pk, chunk=2)
    assert (decision.state, decision.landed, decision.selected) == ("done", 3, 3)
    assert states() == ["landed"] * 3
    assert readings.value("SELECT count(*) FROM dwh_lineage.batches WHERE kind = 'replay'") == 2


def test_carrying_out_twice_changes_nothing(readings: Shop) -> None:
    decision = decide(correction()).pk
    assert replay(decision) == replay(decision)
    assert readings.value("SELECT count(*) FROM silver.readings") == 3


def test_a_worker_that_dies_in_a_chunk_leaves_it_undone_and_another_does_it(readings: Shop) -> None:
    decision = decide(correction()).pk
    readings.sql.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    readings.sql.execute("SELECT dwh_lineage.replay_chunk(%s, 2)", (decision,))
    with pytest.raises(psycopg.errors.AdminShutdown):
        readings.sql.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert states() == ["queued"] * 3
    assert replay(decision).landed == 3


def test_a_decision_that_stands_still_is_rung_for_again(readings: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    decision = decide(correction()).pk
    rung: list[int] = []
    monkeypatch.setattr(replaying, "ring", rung.append)
    assert resume_replays() == []
    QualityDecision.objects.filter(pk=decision).update(progressed_at="2026-01-01T00:00:00Z")
    resume_replays()
    assert rung == [decision]


def test_more_rows_than_one_may_decide_about_alone_wait_for_another(readings: Shop, settings: Any) -> None:
    settings.FOUR_EYES_ABOVE = 2
    decision = decide(correction())
    assert (decision.state, states()) == ("proposed", ["proposed"] * 3)
    with pytest.raises(DecisionRefused, match="your own"):
        approve(decision.pk, by="ada")
    approve(decision.pk, by="bob")
    assert replay(decision.pk).landed == 3


def test_a_proposal_can_be_withdrawn_and_what_landed_undone(readings: Shop) -> None:
    proposed = decide(correction(propose=True))
    assert stop(proposed.pk, by="ada").state == "withdrawn"
    assert states() == ["open"] * 3
    landed = replay(decide(correction()).pk)
    assert replay(undo(landed.pk, by="bob").pk).failing == 3
    assert states() == ["open"] * 3
    with pytest.raises(DecisionRefused, match="cannot be undone"):
        undo(landed.pk, by="bob")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"patch": {"stat": "on"}}, "no column stat"),
        ({"patch": None}, "needs a patch"),
        ({"by": "nobody"}, "no active user nobody"),
        ({"verb": DecisionVerb.REJECT}, "needs a reason"),
        ({"selection": Selection(TARGET, exceptions=())}, "Nothing of silver.readings that is open"),
        ({"selection": Selection("silver.nothing")}, "no rows that can be decided"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_with_advice(readings: Shop, change: Any, words: str) -> None:
    decision = Decision(**{"verb": DecisionVerb.CORRECT, "selection": Selection(TARGET), "by": "ada",
                           "patch": {"state": "on"}, **change})  # fmt: skip
    for act in (decide, preview):
        with pytest.raises(DecisionRefused, match=words) as refused:
            act(decision)
        assert refused.value.hint
    assert states() == ["open"] * 3
