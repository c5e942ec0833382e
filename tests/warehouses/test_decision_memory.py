"""A decision about very many rows takes a worker no more memory than one about some: the rows stay in the database."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from quality.models import QualityDecision, QualityException, QualityIssue
from quality.replay import replay
from quality.resolution import Decision, Selection, decide
from quality.states import DecisionVerb
from tests.warehouses.shop import Shop
from tests.warehouses.test_five_seconds import crm

TARGET = "silver.clients"


def corrected(up_to: int) -> QualityDecision:
    """The misspelt rows up to an exception, decided and landed."""
    issue = QualityIssue.objects.get(target=TARGET, cause="=actve")
    selection = Selection(TARGET, issue=issue.pk, narrowed={"up_to": up_to})
    made = decide(Decision(DecisionVerb.CORRECT, selection, "ada", patch={"status": "active"}))
    return replay(made.pk)


@pytest.mark.slow
def test_a_decision_about_a_hundred_thousand_rows_takes_no_more_memory_than_one_about_ten_thousand(
    db: None, shop: Shop
) -> None:
    """Prints how long the large one takes, from the decision to the last row."""
    crm(shop, rows=1_000_000, bad=111_000)
    first = QualityException.objects.earliest("pk").pk
    peaks = []
    for up_to in (first + 100, first + 10_200, first + 111_000):
        tracemalloc.start()
        began = time.perf_counter()
        landed = corrected(up_to).landed
        print(f"{landed:,} rows landed after {time.perf_counter() - began:.1f} s")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert landed > 99_000
    assert peaks[2] < peaks[1] + 500_000  # the first one imports, and opens its connection
