"""A warehouse in small, for the tests of runs.

No models are imported up here: pytest reads this file before Django is set up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lineage.models import PipelineRun, Step
    from tests.medallion.execution.small_house import House


@pytest.fixture
def house(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """bronze.feed → silver.a → silver.b → gold.c, one batch waiting, and the pipeline `daily` that ends in gold.c.

    Nothing rings: tests say themselves who works at what.
    """
    from medallion.execution import work
    from medallion.registry import warehouse
    from tests.medallion.execution.small_house import Daily, House

    made = House()
    made.execute("CREATE TABLE IF NOT EXISTS dwh_staging.effects (target text, run uuid, rebuild boolean)")
    made.table("bronze.feed")
    made.table("silver.a", "bronze.feed")
    made.table("silver.b", "silver.a")
    made.table("gold.c", "silver.b")
    made.arrive()

    monkeypatch.setitem(warehouse().pipelines, "daily", Daily)
    monkeypatch.setattr("medallion.execution.doorbell.ring", lambda step_ids: None)
    yield made
    work.close_connection()
    made.clear()
    made.execute("DROP TABLE dwh_staging.effects")


@pytest.fixture
def run(house: House) -> PipelineRun:
    """A fresh run of `daily`."""
    from medallion.execution.create import create_run

    return create_run("daily", requested_by="ada")


@pytest.fixture
def first_step(run: PipelineRun) -> Step:
    from lineage.models import Step

    return Step.objects.get(run=run, target="silver.a")
