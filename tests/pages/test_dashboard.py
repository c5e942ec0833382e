"""The dashboard."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

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
