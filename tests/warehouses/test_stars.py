"""Stars hold together whatever is loaded when: foreign keys always, and a load equals a rebuild from nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from tests.warehouses import bench_database as bench
from tests.warehouses import histories
from tests.warehouses.conftest import Connect, Renewed
from tests.warehouses.examples import examples
from tests.warehouses.lab import warehouse
from tests.warehouses.test_histories import live
from tests.warehouses.world import World, multiset

pytestmark = pytest.mark.django_db

SILVER = ["silver.members", "silver.presences", "silver.latest"]
GOLD = ["gold.dim_member", "gold.dim_version", "gold.fact_events", "gold.events_by_label", "gold.events_now",
        "gold.members_by_region", "gold.names"]  # fmt: skip
#: The star without its surrogate keys: what the fact's keys lead to.
STAR = """
    SELECT e.region, e.id, e.score, e.doubled, v.region, v.id, v.valid_from, v.label, m.region, m.id, m.name,
        d.full_date, v.version_key > 0, m.member_key > 0, v._retired_at IS NULL, m._retired_at IS NULL
    FROM gold.fact_events AS e
    JOIN gold.dim_version AS v USING (version_key)
    JOIN gold.dim_member AS m USING (member_key)
    JOIN gold.lab_days AS d USING (date_key)
"""
SAID = {"region": "n", "id": "1", "name": "A", "score": "5", "state": "a", "updated": "2024-01-02"}


def star(connection: bench.Connection) -> dict[str, Counter[Any]]:
    """All of gold without surrogate keys and times of loads."""
    found = {"star": multiset(connection.execute(STAR).fetchall())}
    for target in GOLD:
        rows = [
            {k: v for k, v in row.items() if not k.endswith("_key") and k != "_retired_at"}
            for row in bench.rows(connection, target)
        ]
        found[target] = multiset(rows)
    return found


def load(connection: bench.Connection, *targets: str) -> None:
    for target in targets or (*SILVER, *GOLD):
        bench.call(connection, target)


def say(connection: bench.Connection, *rows: dict[str, str | None]) -> None:
    bench.ingest(connection, warehouse.RawMembers, rows)


def value(connection: bench.Connection, query: str, *parameters: Any) -> Any:
    row = connection.execute(query, parameters).fetchone()
    return row and (row[0] if len(row) == 1 else row)


def assert_rebuilt_is_the_same(world: World) -> None:
    """Gold emptied and computed from nothing, in the order of its inputs."""
    stood = star(world.lab)
    for target in reversed(GOLD):
        if target != "gold.events_now":
            world.lab.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(*target.split("."))))
    for target in GOLD:
        bench.call(world.lab, target, "rebuild")
    assert star(world.lab) == stood


@examples(0.06, of_many=1)
@given(
    history=st.lists(
        st.tuples(histories.batches(histories.MEMBER, most=4), st.lists(st.sampled_from([*SILVER, *GOLD]))),
        min_size=1, max_size=4,
    )
)  # fmt: skip
def test_a_star_loaded_in_any_order_equals_one_built_from_nothing(
    renewed: Renewed, part: int, history: list[Any]
) -> None:
    lab = renewed()
    world = live(lab, warehouse.RawMembers, SILVER, GOLD)
    block = 0
    for batches, targets in history:
        for batch in batches:
            block += 1
            world.take(histories.Batch(batch.file, batch.second, block, batch.rows, loaded=False))
        load(lab, *(targets or [SILVER[0]]))
    load(lab)
    assert value(lab, "SELECT count(*) FROM gold.dim_version WHERE _retired_at IS NOT NULL") == 0
    assert_rebuilt_is_the_same(world)


def test_a_fact_before_its_dimension_is_of_the_unknown_member_until_that_comes(lab: bench.Connection) -> None:
    say(lab, SAID)
    load(lab, *SILVER, "gold.fact_events")
    keys = "SELECT version_key, member_key, date_key FROM gold.fact_events"
    assert value(lab, keys) == (-1, -1, 20240102)
    load(lab)
    version, member, _ = value(lab, keys)
    assert version > 0
    assert member > 0


def test_a_day_outside_of_the_calendar_is_the_unknown_day(lab: bench.Connection) -> None:
    say(lab, SAID | {"updated": "2024-01-01"})
    load(lab)
    assert value(lab, "SELECT date_key, tableoid::regclass::text FROM gold.fact_events") == (
        -1, "gold.fact_events_unknown",
    )  # fmt: skip


def test_a_version_that_is_folded_away_is_retired_while_a_fact_refers_to_it(lab: bench.Connection) -> None:
    say(lab, SAID | {"updated": "2024-01-03"})
    load(lab)
    (before,) = value(lab, "SELECT array_agg(version_key) FROM gold.fact_events")
    # The same, but since earlier: the version of the 3rd is none any more.
    say(lab, SAID)
    load(lab, *SILVER, "gold.dim_version")
    retired = "SELECT version_key FROM gold.dim_version WHERE _retired_at IS NOT NULL AND NOT is_current"
    assert value(lab, retired) == before
    assert value(lab, "SELECT version_key FROM gold.fact_events") == before
    load(lab, "gold.fact_events")
    assert value(lab, "SELECT version_key FROM gold.fact_events") > before
    assert value(lab, "SELECT count(*) FROM gold.dim_version WHERE version_key = %s", before) == 0


def test_a_member_that_comes_back_before_it_is_deleted_has_its_key_again(lab: bench.Connection) -> None:
    say(lab, SAID)
    load(lab)
    before = value(lab, "SELECT member_key FROM gold.fact_events")
    say(lab, SAID | {"op": "D", "updated": "2024-01-03"})
    load(lab, *SILVER, "gold.dim_member")
    assert value(lab, "SELECT _retired_at IS NULL FROM gold.dim_member WHERE member_key > 0") is False
    say(lab, SAID | {"updated": "2024-01-04"})
    load(lab)
    assert value(lab, "SELECT member_key FROM gold.fact_events") == before
    assert value(lab, "SELECT count(*) FROM gold.dim_member WHERE _retired_at IS NOT NULL") == 0


def test_the_unknown_member_is_there_from_the_beginning_and_none_of_the_members(lab: bench.Connection) -> None:
    unknown = (
        "SELECT version_key, region, id, name, label, valid_from::text, valid_to, is_current FROM gold.dim_version"
    )
    assert value(lab, unknown)[:5] == (-1, "Unknown", 0, "nobody", "nobody/Unknown")
    say(lab, SAID | {"region": "Unknown", "id": "0"})
    load(lab)
    assert value(lab, "SELECT count(*) FROM gold.dim_version") == 2
    assert value(lab, "SELECT version_key > 0 FROM gold.fact_events") is True
    assert value(lab, "SELECT sum(members) FROM gold.names") == 1


def test_foreign_keys_hold_from_the_first_load_on(lab: bench.Connection) -> None:
    say(lab, SAID)
    load(lab)
    found = lab.execute(
        "SELECT confrelid::regclass::text FROM pg_constraint "
        "WHERE conrelid = 'gold.fact_events'::regclass AND contype = 'f' AND conparentid = 0 ORDER BY 1"
    ).fetchall()
    assert found == [("gold.dim_member",), ("gold.dim_version",), ("gold.lab_days",)]
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        lab.execute("DELETE FROM gold.dim_version WHERE version_key > 0")


def test_two_rows_of_one_grain_are_refused_also_where_their_dates_differ(lab: bench.Connection) -> None:
    lab.execute("CREATE TEMP TABLE computed AS VALUES ('n', 1, 20240102), ('n', 1, 20240103)")
    with pytest.raises(psycopg.DatabaseError, match="two rows for one column1, column2") as refused:
        lab.execute("SELECT dwh_etl.refuse_doubles('gold.fact_events', '{column1,column2}')")
    assert refused.value.sqlstate == "AS071"


def test_a_failed_check_leaves_the_old_state_and_can_be_recorded_and_overridden(connect: Any) -> None:
    lab = connect()
    lab.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    say(lab, SAID)
    load(lab)
    say(lab, SAID | {"updated": "2024-01-03", "score": "1001"})
    load(lab, *SILVER, "gold.dim_member", "gold.dim_version")
    lab.execute("SAVEPOINT before")
    with pytest.raises(psycopg.DatabaseError, match="do not hold") as refused:
        load(lab, "gold.fact_events")
    assert refused.value.sqlstate == "AS070"
    assert "1 rows have a value of score outside of 0 to 1000" in str(refused.value.diag.message_detail)
    lab.execute("ROLLBACK TO before")
    assert value(lab, "SELECT score FROM gold.fact_events") == 5
    judged = refused.value.diag.constraint_name
    lab.execute("SELECT dwh_etl.record_checks('gold.fact_events', gen_random_uuid(), %s::jsonb)", (judged,))
    measured = lab.execute(
        "SELECT metric_value, passed FROM dwh_lineage.quality_metrics "
        "WHERE table_name = 'gold.fact_events' AND metric_name = 'between_score' ORDER BY id"
    ).fetchall()
    assert measured == [(0, True), (1, False)]
    newest = value(lab, "SELECT max(batch_no) FROM dwh_lineage.pendings WHERE consumer = 'gold.fact_events'")
    lab.execute("SELECT dwh_etl.override_gate('gold.fact_events', %s, 'a record')", (newest,))
    load(lab, "gold.fact_events")
    assert value(lab, "SELECT score FROM gold.fact_events") == 1001


def test_a_materialized_view_is_refreshed_and_its_changes_are_counted(lab: bench.Connection) -> None:
    say(lab, SAID, SAID | {"id": "2"})
    load(lab)
    counts = (
        "SELECT rows_inserted, rows_deleted, rows_unchanged FROM dwh_lineage.table_lineage "
        "WHERE target_table = 'gold.events_now' ORDER BY lineage_id DESC LIMIT 1"
    )
    assert value(lab, counts) == (2, 0, 0)
    say(lab, SAID | {"score": "7", "updated": "2024-01-03"})
    load(lab)
    assert value(lab, counts) == (1, 1, 1)
    assert value(lab, "SELECT doubled FROM gold.events_now WHERE id = 1") == 14


def test_people_read_the_state_before_or_after_a_load_and_wait_for_neither(connect_crowd: Connect) -> None:
    writer, reader = connect_crowd(), connect_crowd()
    reader.execute("SET lock_timeout = '2s'")
    figures = "SELECT (SELECT count(*) FROM gold.fact_events), (SELECT count(*) FROM gold.events_now)"
    for target in SILVER:  # what other tests have left waiting
        bench.run(writer, target)
    with bench.repeatable_read(writer):
        load(writer, *GOLD)
    before = value(reader, figures)
    with writer.transaction():
        say(writer, SAID | {"region": "before", "updated": "2024-07-01"})
    for target in SILVER:
        bench.run(writer, target)
    with bench.repeatable_read(writer):
        load(writer, *GOLD)
        assert value(reader, figures) == before
        assert value(reader, "SELECT count(*) FROM gold.dim_version WHERE region = 'before'") == 0
    assert value(reader, figures) == (before[0] + 1, before[1] + 1)


def test_a_fact_that_is_loaded_while_its_dimension_is_comes_to_the_same_end(connect_crowd: Connect) -> None:
    """The fact's snapshot still has a version that the dimension's load takes away."""
    dimension, fact = connect_crowd(), connect_crowd()
    said = SAID | {"region": "race", "updated": "2024-03-03"}
    with dimension.transaction():
        say(dimension, said)
    for target in ("silver.members", "silver.latest", "gold.dim_version"):
        bench.run(dimension, target)
    with dimension.transaction():
        say(dimension, said | {"updated": "2024-03-02"})
    bench.run(dimension, "silver.members")
    fact.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    load(fact, "gold.fact_events")
    bench.run(dimension, "gold.dim_version")
    fact.execute("COMMIT")
    keys = (
        "SELECT d._retired_at IS NULL, d.valid_from::date::text FROM gold.fact_events AS e "
        "JOIN gold.dim_version AS d USING (version_key) WHERE e.region = 'race'"
    )
    assert value(dimension, keys) == (False, "2024-03-03")
    for target in ("silver.latest", "gold.fact_events"):
        bench.run(dimension, target)
    assert value(dimension, keys) == (True, "2024-03-02")
    assert value(dimension, "SELECT count(*) FROM gold.dim_version WHERE region = 'race'") == 1


def test_analysts_read_gold_and_nothing_else(lab: bench.Connection) -> None:
    say(lab, SAID)
    load(lab)
    lab.execute("GRANT analyst_role TO current_user")
    lab.execute("SET LOCAL ROLE analyst_role")
    for table in (*GOLD, "gold.lab_days", "gold.fact_events_2024"):
        if table.startswith("gold."):
            lab.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(*table.split("."))))
    refused = (
        "SELECT * FROM silver.members", "SELECT * FROM bronze.raw_members", "SELECT * FROM dwh_lineage.targets",
        "DELETE FROM gold.names", "INSERT INTO gold.names (name, _batch_id) VALUES ('x', gen_random_uuid())",
        "TRUNCATE gold.names", "CALL dwh_etl.load_gold_names()", "SELECT dwh_etl.refresh_view('gold.events_now')",
        "CREATE TABLE gold.mine (n integer)",
    )  # fmt: skip
    for statement in refused:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), lab.transaction():
            lab.execute(statement)
