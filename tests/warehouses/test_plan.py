"""What `plan` says is what migrating and running then do; and saying it leaves nothing behind."""

from __future__ import annotations

import io
import json
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from medallion.planning.changes import plan_changes
from medallion.planning.dry_run import LoadOutcome, Refused, dry_run
from tests.warehouses import bench_database as bench
from tests.warehouses.evolution import arrive, declared, run
from tests.warehouses.shop import Shop
from tests.warehouses.test_evolution import ALL, FIRST, QUERIES, SECOND

pytestmark = pytest.mark.django_db

PIPELINE = """
class ShopDaily(Pipeline):
    targets = ["gold.shop_counts", "gold.shop_dim", "gold.shop_view"]
"""


@pytest.fixture
def loaded(shop: Shop) -> Shop:
    """A shop whose first file is loaded, and whose second waits."""
    shop.sql.prepare_threshold = None
    shop.step(ALL + PIPELINE, **QUERIES)
    arrive(shop.sql, FIRST)
    run(shop.sql, shop.label)
    arrive(shop.sql, SECOND)
    return shop


def plan(*arguments: str) -> str:
    out = io.StringIO()
    call_command("plan", *arguments, stdout=out)
    return out.getvalue()


def plan_json(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(plan("--json", *arguments))
    return found


def everything(shop: Shop) -> dict[str, Any]:
    """All rows of all tables that a load writes."""
    tables = [*(name for name in declared(shop.label) if "bronze" not in name), *(f"dwh_lineage.{name}" for name in (
        "targets", "batches", "pendings", "batch_inputs", "table_lineage", "quality_exceptions", "exception_breaches",
        "exception_events", "quality_issues", "issue_deltas", "quality_metrics", "notifications",
    ))]  # fmt: skip
    return {
        name: sorted(str(row) for row in shop.sql.execute(f"SELECT t::text FROM {name} AS t".encode()))
        for name in tables
    }


def counts(shop: Shop, target: str) -> tuple[int, ...]:
    """What the newest load of a table wrote into the ledger."""
    found = shop.value(
        "SELECT rows_read, rows_inserted, rows_updated, rows_deleted, rows_unchanged, rows_rejected "
        "FROM dwh_lineage.batches WHERE target = %s ORDER BY batch_no DESC LIMIT 1", target
    )  # fmt: skip
    return tuple(found)


def shown(outcome: LoadOutcome) -> tuple[int, ...]:
    return (outcome.read, outcome.inserted, outcome.changed, outcome.deleted, outcome.unchanged, outcome.rejected)


def test_a_dry_run_says_what_the_run_then_does_and_leaves_nothing(loaded: Shop) -> None:
    targets = [name for name in declared(loaded.label) if not name.startswith("bronze.")]
    before = everything(loaded)
    found = {outcome.target: outcome for outcome in dry_run(targets)}
    assert [outcome.error for outcome in found.values() if outcome.error] == []
    assert everything(loaded) == before
    run(loaded.sql, loaded.label)
    assert {target: shown(outcome) for target, outcome in found.items()} == {
        target: counts(loaded, target) for target in targets
    }
    people = found["silver.shop_people"]
    assert people.verb == "load"
    assert people.closed == 1, "Ben is deleted"
    assert people.samples.rejected
    row, why = people.samples.rejected[0]
    assert (row["id"], why) == ("5", ["score is less than 1"])
    counted = found["gold.shop_counts"]
    assert [(was["name"], was["n"], becomes["n"]) for was, becomes in counted.samples.changed] == [("Ada", 2, 3)]
    assert [row["id"] for row in found["gold.shop_view"].samples.inserted] == [3]
    assert {outcome.verb for outcome in dry_run(targets)} == {"nothing"}


def test_the_command_shows_it_to_people_and_to_programs(loaded: Shop) -> None:
    said = plan("shop_daily")
    assert "Nothing is to be migrated" in said
    assert "silver.shop_people" in said
    assert "silver.shop_latest" not in said, "no table of the pipeline reads it"
    found = plan_json("silver.shop_people", "--dry-run", "--samples", "1")
    assert [(load["target"], load["batches"], load["rows"]) for load in found["waiting"]] == [
        ("silver.shop_people", 4, None)
    ]
    (load,) = found["loads"]
    assert load["target"] == "silver.shop_people"
    assert len(load["samples"]["inserted"]) == 1
    assert "taken back" in plan("--dry-run")
    with pytest.raises(CommandError, match="called nonsense"):
        plan("nonsense")


def test_changes_are_told_in_words_with_what_they_cost_and_their_rows_before_they_are_migrated(loaded: Shop) -> None:
    run(loaded.sql, loaded.label)
    changed = (
        ALL.replace("AtLeast(1)", "AtLeast(0.5)", 1)
        .replace('at = Timestamp("at")', 'at = Timestamp("at")\n    action = Text("op")', 1)
        .replace('name = Text("name")\n    op', 'who = Text("name", renamed_from="name")\n    op')
    )
    loaded.declare(changed + PIPELINE, **QUERIES)
    found = {change.target: change for change in plan_changes().changes}
    assert found["silver.shop_lines"].words == ["rule of score: score >= 0.5, not score >= 1"]
    assert found["silver.shop_people"].words == ["column action is new (text)"]
    assert found["silver.shop_latest"].words == ["column name is called who"]
    assert [found[name].consequence for name in sorted(found)] == ["", "rebuild", "rebuild"]
    assert plan_changes().fed == ["gold.shop_counts", "gold.shop_dim", "gold.shop_view"]
    before = everything(loaded)
    said = plan("--sql", "--dry-run")
    assert everything(loaded) == before
    assert "rule of score: score >= 0.5, not score >= 1" in said
    assert "ADD COLUMN action" in said
    assert "makemigrations, then migrate" in said
    lines = next(load for load in plan_json("shop_lines", "--dry-run")["loads"])
    assert (lines["verb"], lines["inserted"], lines["landed"]) == ("rebuild", 2, 2)
    loaded.make()
    assert "Next: manage.py migrate" in plan()
    loaded.migrate()
    assert "Nothing is to be migrated" in plan()
    run(loaded.sql, loaded.label)
    assert counts(loaded, "silver.shop_lines")[1] == 2


def test_a_load_that_would_fail_says_why_and_what_reads_it_is_not_tried(loaded: Shop) -> None:
    loaded.step(ALL.replace("history = Append()", 'max_rejected = "1%"') + PIPELINE, **QUERIES)
    found = {outcome.target: outcome for outcome in dry_run(["gold.shop_counts", "gold.shop_dim"])}
    assert found["silver.shop_lines"].verb == "failed"
    assert str(found["silver.shop_lines"].error).startswith("AS050")
    assert found["gold.shop_counts"].verb == "not tried"
    assert found["gold.shop_dim"].verb == "load"


def test_a_change_that_would_fail_is_told_before_it_is_migrated(loaded: Shop) -> None:
    loaded.declare("", **QUERIES)
    with pytest.raises(Refused, match="holds rows"):
        dry_run([], plan_changes().statements)


def test_a_dry_run_does_not_wait_for_a_load_that_runs_nor_others_for_long(
    loaded: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medallion.planning.dry_run.LOCK_SECONDS", 0.3)
    with psycopg.connect(loaded.sql.info.dsn, password=loaded.sql.info.password) as other:
        other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        bench.call(other, "silver.shop_lines")
        with pytest.raises(Refused, match="is running"):
            dry_run(["silver.shop_lines"])
        other.rollback()
    monkeypatch.setattr(
        "medallion.planning.dry_run._change", lambda connection, _: connection.execute("SELECT pg_sleep(9)")
    )
    with pytest.raises(Refused, match=r"0\.2 seconds"):
        dry_run(["silver.shop_lines"], time_limit=0.2)
