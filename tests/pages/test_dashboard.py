"""The dashboard."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from lineage.models import Batch, Pending, PipelineRun, Step, TableDependency
from quality.models import QualityMetric, QualityRule
from tests import seeds


def _state(response, table: str):
    return next(state for state in response.context["tables"] if state.table == table)


def test_rows_by_layer_are_sums_over_the_ledger(staff: Client, django_assert_max_num_queries) -> None:
    seeds.seed_warehouse()
    with django_assert_max_num_queries(18):
        response = staff.get(reverse("admin:index"))
    assert _state(response, seeds.BRONZE).rows == 20 * 2124
    assert _state(response, seeds.CUSTOMERS).rows == 949
    layers = {layer.name: layer for layer in response.context["layers"]}
    assert list(layers) == ["bronze", "silver", "gold"]
    assert layers["bronze"].rows == 20 * 2124


def test_the_number_of_queries_does_not_grow_with_tables_and_causes(
    staff: Client, django_assert_max_num_queries
) -> None:
    seeds.seed_warehouse()
    seeds.seed_runs(60)
    seeds.seed_exceptions(100)
    seeds.seed_accounting()
    with django_assert_max_num_queries(18):
        staff.get(reverse("admin:index"))


def test_what_waits_for_a_table_is_shown_beside_its_age(staff: Client) -> None:
    seeds.seed_warehouse()
    response = staff.get(reverse("admin:index"))
    assert _state(response, seeds.CUSTOMERS).waiting_batches == 2
    assert _state(response, seeds.CUSTOMERS).waiting_rows == 2 * 2124
    assert _state(response, seeds.PRODUCTS).last_batch_at is None
    assert "never loaded" in response.content.decode()


def test_an_accounting_line_that_was_never_measured_says_how_to_measure_it(staff: Client) -> None:
    seeds.seed_warehouse()
    response = staff.get(reverse("admin:index"))
    assert "Never measured" in response.content.decode()
    assert "manage.py doctor" in response.content.decode()


def test_the_latest_measurement_counts_and_a_gap_is_red(staff: Client) -> None:
    seeds.seed_warehouse()
    seeds.seed_accounting(gap=0)
    assert "Balanced" in staff.get(reverse("admin:index")).content.decode()
    seeds.seed_accounting(gap=3)
    response = staff.get(reverse("admin:index"))
    line = next(line for line in response.context["accounting"] if line.table == seeds.LINES)
    assert (line.bronze_rows, line.gap, line.outcomes[0]) == (42481, 3, 26154)
    page = response.content.decode()
    assert '<strong class="bad">3</strong>' in page
    assert "Balanced" not in page


def test_each_cause_is_a_sentence_with_share_column_table_and_since_when(staff: Client) -> None:
    seeds.seed_warehouse()
    seeds.seed_exceptions(100)
    page = staff.get(reverse("admin:index")).content.decode()
    for part in ("Customer is missing", "100 %", "customer_id", seeds.LINES, "since"):
        assert part in page


def test_the_last_runs_lead_to_their_pages(staff: Client) -> None:
    seeds.seed_warehouse()
    seeds.seed_runs(10)
    response = staff.get(reverse("admin:index"))
    assert len(response.context["runs"]) == 6
    assert reverse("admin:run", args=[response.context["runs"][0].run.pk]) in response.content.decode()


def seed_gates() -> None:
    """A gate that blocks, one that somebody has let pass, and a check that fails and closes nothing."""
    run = PipelineRun.objects.create(pipeline_name="night", status="failed")
    Step.objects.create(
        run=run, target=seeds.LINES, position=1, state="failed", error_sqlstate="AS082", ended_at=timezone.now(),
        error_message="Rows break rules that no row may break, so nothing was loaded.\n"
                      "Batch 20: 90 of 1,000 rows: Quantity must be above 0, where 1% are allowed.",
    )  # fmt: skip
    for batch in Batch.objects.filter(target=seeds.BRONZE).order_by("-pk")[:3]:
        Pending.objects.create(consumer_id=seeds.LINES, batch=batch)
    for table in (seeds.REVENUE, seeds.PRODUCTS):
        TableDependency.objects.create(upstream_table=seeds.LINES, downstream_table=table)
    QualityMetric.objects.create(
        batch_id=run.batch_id, table_name=seeds.CUSTOMERS, metric_name="gate_override", passed=True,
        details={"batch_no": 1, "by": "ada", "reason": "The shop has confirmed the figures"},
    )  # fmt: skip
    QualityRule.objects.create(
        target_id=seeds.REVENUE, rule="volume", position=10_001, kind="volume", is_check=True, severity="warn",
        message="As many rows as usual", version="v1",
    )  # fmt: skip
    for passed in (True, False):
        QualityMetric.objects.create(
            batch_id=run.batch_id, table_name=seeds.REVENUE, metric_name="volume", metric_value=1, passed=passed
        )


def test_gates_say_what_blocks_what_was_let_pass_what_fails_and_what_waits_behind(staff: Client) -> None:
    seeds.seed_warehouse()
    empty = staff.get(reverse("admin:index"))
    assert "All gates are open" in empty.content.decode()
    seed_gates()
    response = staff.get(reverse("admin:index"))
    gates = {gate.target: gate for gate in response.context["gates"]}
    assert [gate.state for gate in gates.values()] == ["blocking", "overridden", "failing"]
    blocking = gates[seeds.LINES]
    assert (blocking.waiting, blocking.behind) == (3, (seeds.PRODUCTS, seeds.REVENUE))
    page = response.content.decode()
    for part in (
        "90 of 1,000 rows", "The shop has confirmed", "As many rows as usual",
        *(f'href="{reverse("admin:gate", args=[table])}"' for table in gates),
        *(f'href="{reverse("admin:table", args=[table])}"' for table in blocking.behind),
    ):  # fmt: skip
        assert part in page, part
    # Let pass, it blocks no more.
    for batch in Batch.objects.filter(pk__in=Pending.objects.filter(consumer=seeds.LINES).values("batch")):
        QualityMetric.objects.create(
            batch_id=PipelineRun.objects.latest("pk").batch_id, table_name=seeds.LINES, metric_name="gate_override",
            passed=True, details={"batch_no": batch.pk, "reason": "x"},
        )  # fmt: skip
    assert staff.get(reverse("admin:index")).context["gates"][0].state == "overridden"
