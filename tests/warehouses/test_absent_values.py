"""A row that a waiver let into silver without a value, and a gold table that cannot do without: nothing is loaded, and
the step says which row it is, who let it in, and what to do."""

from __future__ import annotations

import psycopg
import pytest
from django.contrib.auth.models import User

from lineage.models import PipelineRun, Step
from medallion.execution.create import create_run
from medallion.execution.perform import run_here
from medallion.execution.work import close_connection
from quality.models import QualityException
from quality.replay import replay
from quality.resolution import Decision, Selection, decide, undo
from quality.states import DecisionVerb
from tests.warehouses import bench_database as bench
from tests.warehouses.shop import Shop

LINES, REVENUE = "silver.invoice_lines", "gold.retail_daily_revenue"
_ROW = (
    "INSERT INTO bronze.raw_invoice_lines"
    " (invoice_no, stock_code, quantity, invoice_date, unit_price, customer_id, country)"
    " VALUES ('1', 'A', '2', %s, '3.50', '7', 'France')"
)


def ended(run: PipelineRun) -> Step:
    """The run carried out; its step of the gold table."""
    try:
        run_here(run)
    finally:
        close_connection()  # or it would keep its database in use
    return Step.objects.get(run=run, target=REVENUE)


def test_a_waived_row_without_a_value_that_gold_needs_is_named_with_its_decision(shop: Shop) -> None:
    User.objects.create_superuser("ada")
    for date in ("2026-01-05 10:00", None):
        shop.sql.execute(_ROW, (date,))
    bench.run(shop.sql, LINES)
    exception = QualityException.objects.get(target_table=LINES)
    waived = replay(decide(Decision(DecisionVerb.WAIVE, Selection(LINES), "ada")).pk)
    assert waived.landed == 1

    step = ended(create_run("retail_daily"))
    assert (step.state, step.error_sqlstate) == ("failed", "23502")
    for part in (
        f"decision {waived.pk} of ada",
        f"the row {exception.bronze_id} of {LINES}",
        "without invoiced_at",
        "Undo",
    ):
        assert part in str(step.error_hint), part
    with pytest.raises(psycopg.Error, match="failed"):
        shop.sql.execute("CALL dwh_etl.run_pipeline('retail_daily')")
    from_sql = Step.objects.filter(target=REVENUE).latest("pk")
    assert (from_sql.pk != step.pk, from_sql.error_hint) == (True, step.error_hint)
    assert shop.value(f"SELECT count(*) FROM {REVENUE}") == 0

    replay(undo(waived.pk, by="ada").pk)
    assert ended(create_run("retail_daily")).state == "succeeded"
    assert shop.value(f"SELECT sum(revenue) FROM {REVENUE}") == 7
