"""Images of changed rows: kept for who reads them, by every path; what is computed where they are missing."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.warehouses import bench_database as bench
from tests.warehouses import grammar
from tests.warehouses.test_affected_keys import TARGET, change, contract, differs, installed, make_tables, way
from tests.warehouses.test_stars import GOLD, SAID, SILVER, load, say, value

pytestmark = pytest.mark.django_db

BY_K = grammar.Asked("SELECT t.k AS key_0, count(*) AS rows FROM silver.p1 AS t GROUP BY 1", ("key_0",))
ADDED = [("p1", "INSERT INTO silver.p1 SELECT max(id) + 1, 1, 1, 'x' FROM silver.p1", ())]
NAMED = [("p1", "UPDATE silver.p1 SET b = 'z'", ())]


@pytest.fixture
def tables(lab: bench.Connection) -> bench.Connection:
    """A connection in a transaction with four silver tables that tests write by hand."""
    make_tables(lab)
    return lab


def begin(connection: bench.Connection, asked: dict[str, Any], rows: int = 3) -> None:
    """A gold table over p1, loaded once."""
    connection.execute("INSERT INTO silver.p1 SELECT n, n %% 3, n, 'x' FROM generate_series(1, %s) AS n", (rows,))
    connection.execute(installed(asked).encode())
    bench.call(connection, TARGET)


def changed(connection: bench.Connection, batch: Any) -> str:
    """Changes the inputs, loads, compares with the query and returns how the load went."""
    change(connection, batch)
    bench.call(connection, TARGET)
    assert differs(connection, BY_K) == ({}, {})
    return way(connection)


def test_images_are_kept_for_readers_and_go_a_week_after_all_have_taken_them(tables: bench.Connection) -> None:
    begin(tables, contract(BY_K))
    change(tables, ADDED)
    kept = "SELECT array_agg((_change, id) ORDER BY id)::text FROM dwh_staging.images_silver_p1"
    assert value(tables, kept) == '{"(1,4)"}'
    tables.execute("UPDATE dwh_lineage.batches SET ingested_at = now() - interval '8 days'")
    change(tables, ADDED)
    assert value(tables, kept) == '{"(1,4)","(1,5)"}'
    bench.call(tables, TARGET)
    change(tables, ADDED)
    assert value(tables, kept) == '{"(1,5)","(1,6)"}'  # what is younger than a week says what a run changed
    assert value(tables, "SELECT to_regclass('dwh_staging.images_silver_p2') IS NULL")


def test_what_the_query_does_not_read_touches_nothing(tables: bench.Connection) -> None:
    begin(tables, contract(BY_K))
    assert changed(tables, ADDED) == "added the changes to the 1 key that they touch."
    assert changed(tables, NAMED) == "added the changes to the 0 keys that they touch."


def test_a_change_outside_of_a_load_reaches_the_readers(tables: bench.Connection) -> None:
    begin(tables, contract(BY_K))
    tables.execute("DELETE FROM silver.p1 WHERE k = 1")
    assert value(tables, "SELECT kind, rows_deleted FROM dwh_lineage.batches ORDER BY batch_no DESC LIMIT 1") == (
        "foreign", 1,
    )  # fmt: skip
    bench.call(tables, TARGET)
    assert differs(tables, BY_K) == ({}, {})
    assert way(tables) == "added the changes to the 1 key that they touch."


def test_a_table_that_is_emptied_is_computed_in_full(tables: bench.Connection) -> None:
    begin(tables, contract(BY_K))
    tables.execute("TRUNCATE silver.p1; INSERT INTO silver.p1 VALUES (1, 7, 7, 'x')")
    bench.call(tables, TARGET)
    assert differs(tables, BY_K) == ({}, {})
    assert "changed much of silver.p1" in way(tables)


def test_rows_that_move_to_another_partition_have_both_images(tables: bench.Connection) -> None:
    tables.execute(
        "CREATE TABLE silver.parts (id integer, k integer) PARTITION BY LIST (k); "
        "CREATE TABLE silver.parts_1 PARTITION OF silver.parts FOR VALUES IN (1); "
        "CREATE TABLE silver.parts_2 PARTITION OF silver.parts FOR VALUES IN (2); "
        "INSERT INTO silver.parts VALUES (1, 1), (2, 1), (3, 2); "
        "INSERT INTO dwh_lineage.targets (target, layer, kind, warehouse, rows_relation) "
        "VALUES ('silver.parts', 'silver', 'append', 'lab', 'silver.parts')"
    )
    asked = grammar.Asked("SELECT t.k AS key_0, count(*) AS rows FROM silver.parts AS t GROUP BY 1", ("key_0",))
    tables.execute(installed(contract(asked)).encode())
    bench.call(tables, TARGET)
    change(tables, [("parts", "UPDATE silver.parts SET k = 2 WHERE id = 1", ())])
    bench.call(tables, TARGET)
    assert differs(tables, asked) == ({}, {})
    assert way(tables) == "added the changes to the 2 keys that they touch."


def test_without_images_everything_is_computed(tables: bench.Connection) -> None:
    begin(tables, contract(BY_K))
    change(tables, ADDED)
    tables.execute("DELETE FROM dwh_staging.images; DELETE FROM dwh_staging.images_silver_p1")  # as a crash does
    assert changed(tables, ADDED).startswith("computed in full, because no images are kept of batch")
    assert changed(tables, ADDED) == "added the changes to the 1 key that they touch."


def test_a_batch_that_changes_much_keeps_no_images(tables: bench.Connection) -> None:
    begin(tables, contract(BY_K), rows=3000)
    tables.execute("ANALYZE silver.p1")
    assert "changed much of silver.p1" in changed(
        tables, [("p1", "UPDATE silver.p1 SET k = k + 1 WHERE id > 1500", ())]
    )
    assert value(tables, "SELECT count(*) FROM dwh_staging.images_silver_p1") == 0
    assert changed(tables, [("p1", "UPDATE silver.p1 SET k = 9 WHERE id < 3", ())]).startswith("added the changes")


def test_after_a_skip_everything_is_computed_until_a_rebuild(tables: bench.Connection) -> None:
    begin(tables, contract(BY_K))
    tables.execute("DELETE FROM silver.p1 WHERE k = 1")
    move = value(  # as dwh_etl.set_watermark does
        tables,
        "INSERT INTO dwh_lineage.watermark_moves (target, moved_by, forward, batches) "
        "VALUES (%s, 'me', true, 0) RETURNING id", TARGET,
    )  # fmt: skip
    tables.execute("CALL dwh_lineage.skip_batches(%s, 'infinity', %s)", (TARGET, move))
    assert value(tables, "SELECT count(*) FROM dwh_lineage.skips WHERE consumer = %s", TARGET) == 1
    assert "were skipped" in changed(tables, ADDED)


def test_a_new_column_of_an_input_begins_its_images_anew(tables: bench.Connection) -> None:
    begin(tables, contract(BY_K))
    tables.execute("ALTER TABLE silver.p1 ADD COLUMN c integer; SELECT dwh_etl.ensure_images('silver.p1')")
    assert "its declaration changed" in changed(tables, NAMED)
    assert changed(tables, NAMED) == "added the changes to the 0 keys that they touch."


def test_images_end_with_their_last_reader(tables: bench.Connection) -> None:
    begin(tables, contract(BY_K))
    tables.execute("SELECT dwh_etl.read_images(%s, '{}')", (TARGET,))
    assert value(tables, "SELECT to_regclass('dwh_staging.images_silver_p1') IS NULL")
    assert value(tables, "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'silver.p1'::regclass") == 0


def test_a_key_that_leads_nowhere_is_computed_as_the_unknown_member(tables: bench.Connection) -> None:
    asked = grammar.Asked("SELECT t.a AS key_0, count(*) AS rows FROM silver.p1 AS t GROUP BY 1", ("key_0",))
    days = {"dimensions": {"key_0": {"table": "gold.lab_days", "key": "date_key"}}}
    tables.execute("INSERT INTO silver.p1 VALUES (1, 1, 20240102, 'x'), (2, 1, NULL, 'x')")
    tables.execute(installed(contract(asked) | days).encode())
    bench.call(tables, TARGET)
    rows = f"SELECT array_agg((key_0, rows) ORDER BY key_0)::text FROM {TARGET}"
    assert value(tables, rows) == '{"(-1,1)","(20240102,1)"}'
    change(tables, [("p1", "UPDATE silver.p1 SET a = NULL", ())])
    bench.call(tables, TARGET)
    assert value(tables, rows) == '{"(-1,2)"}'
    change(tables, [("p1", "UPDATE silver.p1 SET a = 20240103", ())])
    bench.call(tables, TARGET)
    assert value(tables, rows) == '{"(20240103,2)"}'
    assert way(tables) == "added the changes to the 2 keys that they touch."


def test_checks_of_sums_and_doubles_look_at_the_whole_table(tables: bench.Connection) -> None:
    checks = [
        {"kind": "reconciles", "name": "all", "own": "sum(rows)", "other": "SELECT count(*) FROM silver.p1"},
        {"kind": "unique", "columns": ["name"]},
        {"kind": "between", "column": "rows", "low": 0, "high": 9},
    ]
    asked = grammar.Asked(
        "SELECT t.k AS key_0, min(t.b) || t.k / 10 AS name, count(*) AS rows FROM silver.p1 AS t GROUP BY 1", ("key_0",)
    )
    tables.execute("INSERT INTO silver.p1 VALUES (1, 1, 1, 'x'), (2, 11, 1, 'y'), (3, 21, 1, 'z')")
    tables.execute(installed(contract(asked) | {"checks": checks}).encode())
    bench.call(tables, TARGET)
    change(tables, [("p1", "INSERT INTO silver.p1 VALUES (4, 1, 1, 'x')", ())])
    bench.call(tables, TARGET)
    assert way(tables) == "computed the 1 key that changes touch."
    change(tables, [("p1", "INSERT INTO silver.p1 VALUES (5, 2, 1, 'x')", ())])  # x0, as of key 1, which is not touched
    with pytest.raises(psycopg.DatabaseError, match="do not hold") as refused:
        bench.call(tables, TARGET)
    assert "name are there more than once" in str(refused.value.diag.message_detail)


def test_every_gold_table_of_the_laboratory_follows_its_inputs(lab: bench.Connection) -> None:
    say(lab, SAID)
    load(lab)
    say(lab, SAID | {"updated": "2024-01-03", "name": "B"})
    load(lab)
    ways = dict(lab.execute(
        "SELECT target_table, notes FROM dwh_lineage.table_lineage WHERE target_table = ANY (%s) ORDER BY lineage_id",
        (GOLD,),
    ).fetchall())  # fmt: skip
    assert ways.pop("gold.events_now") is None  # a view
    assert all(said.startswith(("computed the ", "added the changes ")) for said in ways.values())


def test_a_retired_member_that_goes_is_known_to_who_reads_all_members(lab: bench.Connection) -> None:
    say(lab, SAID | {"updated": "2024-01-03"})
    load(lab)
    say(lab, SAID)  # since earlier: the version of the 3rd is none any more
    load(lab, *SILVER, "gold.dim_version", "gold.dim_member", "gold.fact_events")
    purged = (
        "SELECT b.batch_no FROM dwh_lineage.batches AS b WHERE b.target = 'gold.dim_version' AND b.kind = 'foreign'"
    )
    (batch,) = lab.execute(purged).fetchall()
    waiting = "SELECT array_agg(consumer) FROM dwh_lineage.pendings WHERE batch_no = %s"
    assert set(value(lab, waiting, *batch)) == {"gold.events_by_label", "gold.events_now"}
    load(lab)
    assert value(lab, "SELECT label, events FROM gold.events_by_label") == ("A/a", 1)


def test_keys_that_have_most_of_the_rows_are_computed_in_full(tables: bench.Connection) -> None:
    asked = grammar.Asked("SELECT t.k AS key_0, max(t.a) AS most FROM silver.p1 AS t GROUP BY 1", ("key_0",))
    begin(tables, contract(asked), rows=12_000)
    tables.execute("ANALYZE silver.p1; ANALYZE gold.asked")
    ways = {}
    for keys in (1, 3):
        change(tables, [("p1", "UPDATE silver.p1 SET a = a + 1 WHERE id <= %s", (keys,))])
        bench.call(tables, TARGET)
        assert differs(tables, asked) == ({}, {})
        ways[keys] = way(tables)
    assert ways[1] == "computed the 1 key that changes touch."
    assert "the 3 keys that changes touch have more than half of the about 12000 rows of silver.p1" in ways[3]
