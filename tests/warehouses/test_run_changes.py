"""What a run changed: rows before and after, from the images of its loads, as SQL and by command."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from medallion.run_changes import all_rows_of, loads_of, rows_of

pytestmark = pytest.mark.django_db

DAILY = "gold.retail_daily_revenue"


def execute(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def load(batch_id: str, counts: tuple[int, int, int], *statements: str) -> None:
    """Writes into the table as a load of a run does; how many rows it inserted, updated, deleted."""
    execute("SELECT dwh_lineage.open_batch(%s, 'load', %s)", DAILY, batch_id)
    for statement in statements:
        execute(statement)
    execute(
        "SELECT dwh_lineage.finish_load(max(batch_no), 'aggregate', '{\"silver.invoice_lines\": 3}', %s, %s, %s,"
        " in_notes => 'computed the 3 keys that changes touch.') FROM dwh_lineage.batches WHERE target = %s",
        *counts, DAILY,
    )  # fmt: skip


def begin() -> tuple[int, str]:
    """A run: its number and its id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO dwh_lineage.pipeline_runs (batch_id, pipeline_name, status) "
            "VALUES (gen_random_uuid(), 'retail', 'completed') RETURNING run_id, batch_id"
        )
        run_id, batch_id = cursor.fetchone()
    return int(run_id), str(batch_id)


@pytest.fixture
def run(db: None) -> int:
    """A run in which Norway's day gets other figures, Peru's comes and Chile's goes."""
    row = f"INSERT INTO {DAILY} VALUES ('2026-01-05', '{{}}', {{}}, 1, 1, gen_random_uuid())"
    load(begin()[1], (2, 0, 0), row.format("Norway", "11.00"), row.format("Chile", 5))
    run_id, batch_id = begin()
    load(
        batch_id, (1, 1, 1), f"DELETE FROM {DAILY} WHERE country = 'Chile'",
        f"UPDATE {DAILY} SET revenue = 14.50, _batch_id = gen_random_uuid() WHERE country = 'Norway'",
        row.format("Peru", 5),
    )  # fmt: skip
    return run_id


def test_rows_are_shown_before_and_after(run: int) -> None:
    (found,) = loads_of(run)
    assert (found.target, found.inserted, found.updated, found.deleted, found.kept) == (DAILY, 1, 1, 1, "yes")
    assert found.notes == "computed the 3 keys that changes touch."
    rows = {row.key["country"]: row for row in rows_of(run, DAILY)}
    assert {country: row.what for country, row in rows.items()} == {
        "Chile": "deleted", "Norway": "changed", "Peru": "inserted",
    }  # fmt: skip
    norway = rows["Norway"]
    assert norway.differs == ("revenue",)
    assert norway.was is not None
    assert norway.becomes is not None
    assert (norway.was["revenue"], norway.becomes["revenue"]) == (Decimal("11.00"), Decimal("14.50"))
    assert list(norway.becomes) == ["day", "country", "revenue", "line_count", "invoice_count"]
    assert rows["Chile"].becomes is None
    assert rows["Peru"].was is None


def test_pages_are_by_key(run: int) -> None:
    (first,) = rows_of(run, DAILY, 1)
    rest = rows_of(run, DAILY, None, first.place)
    assert [row.key["country"] for row in [first, *rest]] == ["Chile", "Norway", "Peru"]
    assert list(all_rows_of(run, DAILY)) == [first, *rest]


def test_a_row_that_got_back_its_values_is_no_change(run: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT batch_id FROM dwh_lineage.pipeline_runs WHERE run_id = %s", [run])
        (batch_id,) = cursor.fetchone()
    load(str(batch_id), (0, 1, 0), f"UPDATE {DAILY} SET revenue = 11 WHERE country = 'Norway'")
    assert [one.updated for one in loads_of(run)] == [1, 1]
    assert [row.key["country"] for row in rows_of(run, DAILY)] == ["Chile", "Peru"]


def test_what_is_not_kept_is_said(run: int, capsys: pytest.CaptureFixture[str]) -> None:
    execute("UPDATE dwh_staging.images SET everything = true")
    assert loads_of(run)[0].kept == "no"
    assert rows_of(run, DAILY) == []
    execute("DELETE FROM dwh_staging.images")
    assert loads_of(run)[0].kept == "gone"
    call_command("changes", run, DAILY)
    assert "kept for a week" in capsys.readouterr().err


def test_the_command_shows_tables_and_rows(run: int, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("changes", run)
    assert f"{DAILY}: 1 inserted, 1 updated, 1 deleted" in capsys.readouterr().out
    call_command("changes", run, DAILY, no_color=True)
    assert "changed  day=2026-01-05, country=Norway: revenue 11.00 → 14.50" in capsys.readouterr().out
    call_command("changes", run, DAILY, json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["what"] for line in lines] == ["deleted", "changed", "inserted"]
    call_command("changes", run, DAILY, csv=True)
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["what"], row["as"], row["revenue"]) for row in rows if row["country"] == "Norway"] == [
        ("changed", "was", "11.00"), ("changed", "becomes", "14.50"),
    ]  # fmt: skip


def test_the_command_says_what_it_does_not_find(run: int) -> None:
    with pytest.raises(CommandError, match="There is no run 999999"):
        call_command("changes", 999_999)
    with pytest.raises(CommandError, match=r"changed nothing in gold\.retail_products"):
        call_command("changes", run, "gold.retail_products")
