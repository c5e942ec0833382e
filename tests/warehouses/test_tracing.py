"""Each row's trace is its provenance, whatever people decided in between: compared with joins in plain Python over
rows, and with the model of histories. Each aggregate's row is what the rows add up to that explain it."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from psycopg import sql

from lineage.explaining import Explanation, explain
from tests.warehouses import bench_database as bench
from tests.warehouses import histories
from tests.warehouses.lab import warehouse
from tests.warehouses.test_histories import live
from tests.warehouses.world import World

pytestmark = pytest.mark.django_db

EXAMPLES = int(os.environ.get("ASSAY_EXAMPLES", "3"))
SILVER = ["silver.members", "silver.presences", "silver.latest"]
GOLD = ["gold.dim_member", "gold.dim_version", "gold.fact_events", "gold.events_by_label", "gold.events_now",
        "gold.members_by_region", "gold.names"]  # fmt: skip
SAID = {"region": "n", "id": "1", "name": "A", "score": "5", "state": "a", "updated": "2024-01-02"}
#: One row is corrected and lands, another is rejected; then both keys go on.
DECIDED = [
    histories.Batch(
        "a.csv", 0, 1, (SAID, SAID | {"id": "2", "score": "ten"}, SAID | {"state": "z", "updated": "2024-01-03"}),
        loaded=True,
        acts=(
            histories.Act("replay", 0, 0, 1, {}, settled=False),
            histories.Act("reject", 0, 0, 0, {}, settled=False),
        ),
    ),
    histories.Batch("b.csv", 1, 2, (SAID | {"id": "2", "name": "B", "updated": "2024-01-04"},), loaded=True),
]  # fmt: skip
Row = dict[str, Any]
Node = tuple[str, str]


def rows(connection: bench.Connection, target: str) -> list[Row]:
    """The rows of a table as JSON has them."""
    query = sql.SQL("SELECT to_jsonb(t) FROM {} AS t").format(sql.Identifier(*target.split(".")))
    return [row for (row,) in connection.execute(query)]


def identity(target: str, row: Row) -> Node:
    """A row's name, as text that two JSON values of one row share."""
    names = IDENTITY[target]
    values = ((name, row[name]) for name in sorted(names))
    return target, repr(tuple((n, float(v) if isinstance(v, int | Decimal) else v) for n, v in values))


IDENTITY = {
    "bronze.raw_members": ["_bronze_id"],
    "silver.members": ["region", "id", "valid_from"],
    "silver.presences": ["id", "valid_from"],
    "silver.latest": ["region", "id"],
    "gold.dim_member": ["member_key"],
    "gold.dim_version": ["version_key"],
    "gold.fact_events": ["event_key"],
    "gold.events_by_label": ["label"],
    "gold.events_now": ["region", "id"],
    "gold.members_by_region": ["region"],
    "gold.names": ["name"],
    "gold.lab_days": ["date_key"],
}


class Oracle:
    """Which rows each row is made of, by joins in Python."""

    def __init__(self, connection: bench.Connection) -> None:
        self.tables = {target: rows(connection, target) for target in IDENTITY if target != "bronze.raw_members"}
        self.made: dict[Node, set[Node]] = defaultdict(set)
        for target in SILVER:
            for row in self.tables[target]:
                self.add(target, row, "bronze.raw_members", {"_bronze_id": row["_source_bronze_id"]})
        for target, row, source, of in self.joins():
            self.add(target, row, source, of)

    def add(self, target: str, row: Row, source: str, of: Row) -> None:
        self.made[identity(target, row)].add(identity(source, of))

    def joins(self) -> Iterator[tuple[str, Row, str, Row]]:
        t = self.tables
        standing = {
            "gold.dim_member": [m for m in t["gold.dim_member"] if m["member_key"] > 0 and not m["_retired_at"]],
            "gold.dim_version": [v for v in t["gold.dim_version"] if v["version_key"] > 0 and not v["_retired_at"]],
        }
        for dim in standing["gold.dim_member"]:
            for m in t["silver.members"]:
                if m["is_current"] and (m["region"], m["id"]) == (dim["region"], dim["id"]):
                    yield "gold.dim_member", dim, "silver.members", m
        for dim in standing["gold.dim_version"]:
            for m in t["silver.members"]:
                if (m["region"], m["id"], m["valid_from"]) == (dim["region"], dim["id"], dim["valid_from"]):
                    yield "gold.dim_version", dim, "silver.members", m
        for event in t["gold.fact_events"]:
            for latest in t["silver.latest"]:
                if (latest["region"], latest["id"]) == (event["region"], event["id"]):
                    yield "gold.fact_events", event, "silver.latest", latest
            for column, target in (("version_key", "gold.dim_version"), ("member_key", "gold.dim_member")):
                for dim in standing[target]:
                    if dim[column] == event[column]:
                        yield "gold.fact_events", event, target, dim
            for day in t["gold.lab_days"]:
                if day["date_key"] == event["date_key"] > 0:
                    yield "gold.fact_events", event, "gold.lab_days", day
            for version in t["gold.dim_version"]:
                if version["version_key"] != event["version_key"]:
                    continue
                for label in t["gold.events_by_label"]:
                    if label["label"] == version["label"]:
                        yield "gold.events_by_label", label, "gold.fact_events", event
                        yield "gold.events_by_label", label, "gold.dim_version", version
                for now in t["gold.events_now"]:
                    if (now["region"], now["id"]) == (event["region"], event["id"]):
                        yield "gold.events_now", now, "gold.fact_events", event
                        yield "gold.events_now", now, "gold.dim_version", version
        for region in t["gold.members_by_region"]:
            for m in t["silver.members"]:
                if m["is_current"] and m["region"] == region["region"]:
                    yield "gold.members_by_region", region, "silver.members", m
        for name in t["gold.names"]:
            for dim in standing["gold.dim_member"]:
                if (dim["name"] if dim["name"] is not None else "?") == name["name"]:
                    yield "gold.names", name, "gold.dim_member", dim
                    for p in t["silver.presences"]:
                        if p["is_current"] and p["id"] == dim["id"]:
                            yield "gold.names", name, "silver.presences", p

    def above(self, node: Node) -> set[tuple[Node, Node]]:
        """All ways from a row back."""
        found: set[tuple[Node, Node]] = set()
        waiting, seen = [node], {node}
        while waiting:
            made = waiting.pop()
            for source in self.made.get(made, ()):
                found.add((source, made))
                if source not in seen:
                    seen.add(source)
                    waiting.append(source)
        return found


def key_text(target: str, row: Row) -> str:
    return json.dumps({name: row[name] for name in IDENTITY[target]})


def trace(connection: bench.Connection, target: str, row: Row) -> list[Any]:
    query = (
        "SELECT table_name, key, made_table, made_key, source_file, record_no FROM dwh_lineage.trace_row(%s, %s, 1000)"
    )
    return connection.execute(query, (target, key_text(target, row))).fetchall()


def ways(traced: list[Any]) -> set[tuple[Node, Node]]:
    return {(identity(t, k), identity(mt, mk)) for t, k, mt, mk, *_ in traced if mt}


@example(batches=DECIDED)
@given(batches=histories.batches(histories.MEMBER, most=4, decided=2))
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize="ASSAY_EXAMPLES" not in os.environ,
    phases=[Phase.explicit, Phase.generate],  # to shrink costs minutes: each try is a warehouse
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
def test_every_trace_is_the_provenance_back_and_forth(lab: bench.Connection, batches: list[Any]) -> None:
    world = live(lab, warehouse.RawMembers, SILVER, GOLD)
    for batch in batches:
        world.take(batch)
    world.settle()
    world.load()
    if batches is DECIDED:
        assert len(world.decided["silver.members"].corrections) == len(world.decided["silver.members"].rejected) == 1
    oracle = Oracle(lab)
    pairs: set[tuple[Node, Node]] = set()
    for target in [*SILVER, *GOLD]:
        for row in oracle.tables[target]:
            if row.get("_retired_at") or any(row[name] == -1 for name in IDENTITY[target]):
                continue  # retired, or the unknown member
            found = trace(lab, target, row)
            assert ways(found) == oracle.above(identity(target, row)), (target, row)
            assert_arrivals(world, found)
            pairs |= {(a, b) for a, b in ways(found) if b == identity(target, row)}
    assert_forward(world, pairs)
    for target in ("gold.events_by_label", "gold.members_by_region", "gold.names"):
        for row in oracle.tables[target]:
            assert_explained(explained(lab, target, row), oracle, row)


def explained(connection: bench.Connection, target: str, row: Row) -> Explanation:
    with connection.cursor() as cursor:
        return explain(cursor, target, key_text(target, row), most=1000)


def assert_explained(found: Explanation, oracle: Oracle, row: Row) -> None:
    """The figures are what the rows add up to; the rows are those of the provenance."""
    assert found.reason == ""
    assert found.figures
    assert found.agrees, (found.table, row, found.figures)
    assert found.rows == len(found.contributions)
    for figure in found.figures:
        if (summed := ADDED_UP.get((found.table, figure.column))) is not None:
            place = found.arguments.index(summed)
            values = [c.values[place] for c in found.contributions if c.values[place] is not None]
            assert figure.stored == (sum(values) if values else None)
    made = {identity(table, key) for c in found.contributions for table, key in c.origins}
    assert made == oracle.made[identity(found.table, row)]


#: (table, column) → what it is the sum of.
ADDED_UP = {("gold.events_by_label", "score"): "e.score", ("gold.members_by_region", "score"): "m.score"}


def assert_arrivals(world: World, traced: list[Any]) -> None:
    """Files and record numbers are those with which the rows came."""
    for table, key, _, _, file, record_no in traced:
        if table != "bronze.raw_members":
            continue
        row = next(row for row in world.rows if row.bronze_id == key["_bronze_id"])
        assert file == row.file
        of_batch = sorted(one.bronze_id for one in world.rows if one.batch_no == row.batch_no)
        assert record_no == (of_batch.index(row.bronze_id) + 1 if file else None)


def assert_forward(world: World, pairs: set[tuple[Node, Node]]) -> None:
    """What became of each bronze row is what the model says; the ways forward are the ways back."""
    outcomes = {target: world.model(target).fold(world.rows)[1] for target in SILVER}
    found: set[tuple[Node, Node]] = set()
    for bronze in world.rows:
        for table, key, source, source_key, outcome in world.lab.execute(
            "SELECT table_name, key, from_table, from_key, outcome FROM dwh_lineage.trace_forward(%s, %s, 1000)",
            ("bronze.raw_members", str(bronze.bronze_id)),
        ):
            if source == "bronze.raw_members" and table in SILVER:
                assert outcome == outcomes[table][bronze.bronze_id], (table, bronze)
            if key is not None and table in IDENTITY:
                found.add((identity(source, source_key), identity(table, key)))
    assert found == {pair for pair in pairs if pair[0][0] != "gold.lab_days" and in_reach(pair, found)}


def in_reach(pair: tuple[Node, Node], found: set[tuple[Node, Node]]) -> bool:
    """Whether the way begins at a bronze row, and not at the unknown member."""
    return pair[0][0] == "bronze.raw_members" or any(pair[0] == made for _, made in found)


def value(connection: bench.Connection, query: str, *parameters: Any) -> Any:
    row = connection.execute(query.encode(), parameters).fetchone()
    assert row is not None
    return row[0]


def load(connection: bench.Connection, *targets: str) -> None:
    for target in targets or (*SILVER, *GOLD):
        bench.call(connection, target)


def test_a_number_is_explained_by_the_rows_that_add_up_to_it(lab: bench.Connection) -> None:
    bench.ingest(lab, warehouse.RawMembers, [SAID, SAID | {"id": "2", "score": "7"}, SAID | {"id": "3", "name": "B"}])
    load(lab)
    oracle = Oracle(lab)
    for target in ("gold.events_by_label", "gold.members_by_region", "gold.names"):
        for row in oracle.tables[target]:
            assert_explained(explained(lab, target, row), oracle, row)
    found = explained(lab, "gold.events_by_label", {"label": "A/a"})
    assert [(f.column, f.formula, f.stored) for f in found.figures] == [
        ("events", "count(*)", 2),
        ("score", "sum(e.score)", 12),
    ]
    assert sorted(c.values for c in found.contributions) == [[5], [7]]


def test_what_no_aggregation_made_is_not_explained(lab: bench.Connection) -> None:
    bench.ingest(lab, warehouse.RawMembers, [SAID])
    load(lab)
    assert explained(lab, "gold.events_now", {"region": "n", "id": 1}).reason.startswith("Its query aggregates nothing")
    assert explained(lab, "gold.lab_days", {"date_key": 20240102}).reason == "It is made by no query."


def test_the_unknown_member_has_no_origin_and_says_so(lab: bench.Connection) -> None:
    bench.ingest(lab, warehouse.RawMembers, [SAID])
    load(lab, *SILVER, "gold.fact_events")
    found = {(t, note) for t, note in lab.execute(
        "SELECT table_name, note FROM dwh_lineage.trace_row('gold.dim_version', '-1')"
    )}  # fmt: skip
    assert found == {("gold.dim_version", "the unknown member: it stands for whom nobody knows")}
    made = {t for (t,) in lab.execute(
        "SELECT t.table_name FROM gold.fact_events AS e,"
        " dwh_lineage.trace_row('gold.fact_events', e.event_key::text) AS t"
    )}  # fmt: skip
    assert made == {"gold.fact_events", "gold.lab_days", "silver.latest", "bronze.raw_members"}


def test_a_record_number_counts_the_lines_that_were_no_rows(lab: bench.Connection) -> None:
    written = bench.ingest(lab, warehouse.RawMembers, [SAID | {"id": str(n)} for n in range(5)])
    for record in (1, 4, 5):
        lab.execute(
            "INSERT INTO dwh_lineage.unreadable_lines (batch_no, record_no, line_no, raw, reason)"
            " VALUES (%s, %s, 0, '', 'x')",
            (written.batch_no, record),
        )
    numbers = [
        value(lab, "SELECT record_no FROM dwh_lineage.arrival_of('bronze.raw_members', %s)", number)
        for number in written.ids
    ]
    assert numbers == [2, 3, 6, 7, 8]


def test_a_row_of_another_program_has_neither_file_nor_number(lab: bench.Connection) -> None:
    (number,) = bench.foreign(lab, warehouse.RawMembers, [SAID]).ids
    load(lab, "silver.members")
    found = lab.execute(
        "SELECT source_file, record_no, note FROM dwh_lineage.trace_row('bronze.raw_members', %s)", (str(number),)
    ).fetchall()
    user = value(lab, "SELECT session_user::text")
    assert found == [(None, None, f"inserted by {user}")]


def test_a_load_names_the_code_it_ran_also_where_it_was_replaced_by_hand(lab: bench.Connection) -> None:
    bench.ingest(lab, warehouse.RawMembers, [SAID])
    load(lab, "silver.members")
    definition = value(lab, "SELECT pg_get_functiondef('dwh_etl.load_silver_members'::regproc)")
    lab.execute(definition.replace("BEGIN\n", "BEGIN\n    -- by hand\n", 1).encode())
    bench.ingest(lab, warehouse.RawMembers, [SAID | {"id": "2"}])
    load(lab, "silver.members")
    ran = lab.execute(
        "SELECT v.definition LIKE '%by hand%' FROM dwh_lineage.table_lineage AS l JOIN dwh_lineage.code_versions AS v"
        " ON v.name = 'dwh_etl.load_silver_members' AND v.sql_hash = l.sql_hash"
        " WHERE l.target_table = 'silver.members' ORDER BY l.lineage_id"
    ).fetchall()
    assert ran == [(False,), (True,)]


@pytest.mark.parametrize(
    ("table", "key", "sqlstate"),
    [
        ("gold.nothing", "1", "AS010"),
        ("silver.members", '{"region": "nowhere"}', "AS100"),
        ("silver.members", '{"region": "n"}', "AS101"),
        ("silver.members", "1", "AS102"),
        ("gold.fact_events", "one", "AS102"),
        ("silver.members", '{"colour": "red"}', "AS103"),
    ],
)
def test_a_key_that_names_no_row_says_what_would(lab: bench.Connection, table: str, key: str, sqlstate: str) -> None:
    bench.ingest(lab, warehouse.RawMembers, [SAID, SAID | {"id": "2"}])
    load(lab, "silver.members")
    with pytest.raises(psycopg.DatabaseError) as refused:
        lab.execute("SELECT dwh_lineage.find_row(%s, %s)", (table, key))
    assert refused.value.sqlstate == sqlstate
