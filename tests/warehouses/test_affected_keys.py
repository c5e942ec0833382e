"""A gold table that is loaded by the keys which changes touch has the rows that its query gives."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from psycopg.pq import TransactionStatus

from medallion.affected import keys, planning
from medallion.compile import by_keys, by_sums, differences, stars, stated, text
from medallion.query import Query
from tests.warehouses import bench_database as bench
from tests.warehouses import grammar
from tests.warehouses.conftest import Connect

pytestmark = pytest.mark.django_db

EXAMPLES = int(os.environ.get("ASSAY_EXAMPLES", "60"))
_examples = itertools.count()
TARGET = "gold.asked"
Batches = list[list[tuple[str, str, tuple[Any, ...]]]]


@pytest.fixture
def tables(connect_empty: Connect) -> bench.Connection:
    """A connection to a database with four silver tables that tests write by hand."""
    connection = connect_empty()
    make_tables(connection)
    return connection


def make_tables(connection: bench.Connection) -> None:
    """Silver tables that are no more than what others read of them."""
    for name in grammar.TABLES:
        connection.execute(f"CREATE TABLE silver.{name} ({grammar.COLUMNS})".encode())
        connection.execute(
            "INSERT INTO dwh_lineage.targets (target, layer, kind, warehouse, rows_relation) "
            "VALUES (%(name)s, 'silver', 'append', 'lab', %(name)s)",
            {"name": f"silver.{name}"},
        )


def contract(asked: grammar.Asked, name: str = "asked") -> dict[str, Any]:
    columns = [{"name": name} for name in Query(asked.query).output_names()]
    return {"layer": "gold", "kind": "aggregate", "name": name, "grain": list(asked.grain), "columns": columns,
            "query": asked.query}  # fmt: skip


def installed(asked: dict[str, Any]) -> str:
    """What a migration installs of a table, without its lineage and its other routines."""
    load = {"load_routine": text.routine(asked, "load")}
    return (
        stars.create(asked)
        + by_sums.create(asked)
        + text.register(asked, "lab", text.target(asked), load)
        + stated.stated(asked)
        + text.inputs(asked, Query(asked["query"]).tables())
        + by_keys.images(asked)
        + differences.load(asked)
        + f"UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = '{text.target(asked)}';\n"
    )


def change(connection: bench.Connection, batch: list[tuple[str, str, tuple[Any, ...]]]) -> None:
    """Changes tables as loads do: under one batch for each."""
    for table in sorted({table for table, _, _ in batch}):
        target = f"silver.{table}"
        connection.execute("SELECT dwh_lineage.open_batch(%s, 'load')", (target,))
        changed = 0
        for _, statement, parameters in (c for c in batch if c[0] == table):
            changed += connection.execute(statement.encode(), parameters).rowcount
        connection.execute(
            "SELECT dwh_lineage.close_batch(max(batch_no), NULL, %s) FROM dwh_lineage.batches WHERE target = %s",
            (changed, target),
        )


def differs(
    connection: bench.Connection, asked: grammar.Asked, target: str = TARGET
) -> tuple[Counter[Any], Counter[Any]]:
    """The rows that the table lacks, and those that it has too many."""
    names = ", ".join(Query(asked.query).output_names())
    stands = Counter(connection.execute(f"SELECT {names} FROM {target}".encode()).fetchall())
    wanted = Counter(connection.execute(asked.query.encode()).fetchall())
    return wanted - stands, stands - wanted


def way(connection: bench.Connection, target: str = TARGET) -> str:
    row = connection.execute(
        "SELECT notes FROM dwh_lineage.table_lineage WHERE target_table = %s ORDER BY lineage_id DESC LIMIT 1",
        (target,),
    ).fetchone()
    return row[0] if row else ""


def hold(
    connection: bench.Connection, asked: Sequence[grammar.Asked], contents: list[Any], rounds: list[Batches],
    *, again: bool = False,
) -> None:  # fmt: skip
    """Loads tables after each round of batches, and compares them with their queries. again: takes a batch twice."""
    if connection.info.transaction_status != TransactionStatus.IDLE:
        connection.execute("ROLLBACK")
    if next(_examples) % 3 == 0:  # what is rolled back leaves catalogs that are slow to read
        connection.execute(
            "VACUUM pg_attribute, pg_class, pg_depend, pg_type, pg_index, pg_proc, pg_trigger, pg_statistic"
        )
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    for name, rows in zip(grammar.TABLES, contents, strict=True):
        values = ", ".join(["(%s, %s, %s, %s)"] * len(rows))
        parameters = [value for number, row in enumerate(rows, 1) for value in (number, *row)]
        if rows:
            connection.execute(f"INSERT INTO silver.{name} VALUES {values}".encode(), parameters)
    named = {"gold.asked" + (f"_{n}" if n else ""): one for n, one in enumerate(asked)}
    tables = {target: contract(one, target.removeprefix("gold.")) for target, one in named.items()}
    connection.execute("".join(map(installed, tables.values())).encode())
    for batches in [[], *rounds]:
        for batch in batches:
            change(connection, batch)
        for target, one in named.items():
            bench.call(connection, target)
            assert differs(connection, one, target) == (Counter(), Counter()), one.query
    for target, one in named.items() if again else ():  # a batch that is taken once more changes nothing
        connection.execute(_LATEST_AGAIN, {"target": target})
        bench.call(connection, target)
        assert differs(connection, one, target) == (Counter(), Counter()), one.query


_LATEST_AGAIN = """
    INSERT INTO dwh_lineage.pendings (consumer, batch_no)
    SELECT %(target)s, max(i.input_batch_no)
    FROM dwh_lineage.batch_inputs AS i JOIN dwh_lineage.batches AS b ON b.batch_no = i.batch_no
    WHERE b.target = %(target)s
    HAVING count(*) > 0
"""

#: Queries of the same tables, which share what an example costs besides them.
TOGETHER = 4


@given(
    asked=st.lists(grammar.queries(), min_size=TOGETHER, max_size=TOGETHER),
    contents=st.tuples(*[grammar.CONTENTS] * len(grammar.TABLES)),
    rounds=st.lists(st.lists(grammar.changes(), min_size=1, max_size=2), min_size=2, max_size=2),
)
@settings(
    max_examples=-(-EXAMPLES // TOGETHER), deadline=None, derandomize="ASSAY_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
def test_a_table_loaded_by_keys_has_the_rows_of_its_query(
    tables: bench.Connection, asked: list[grammar.Asked], contents: list[Any], rounds: list[Batches]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "covers", lambda *_: True)  # whether it pays is another question
        hold(tables, asked, contents, rounds, again=True)
    event(way(tables))


@given(
    asked=st.lists(grammar.sums(), min_size=TOGETHER, max_size=TOGETHER),
    contents=st.tuples(*[grammar.CONTENTS] * len(grammar.TABLES)),
    rounds=st.lists(st.lists(grammar.changes(), min_size=1, max_size=2), min_size=2, max_size=2),
)
@settings(
    max_examples=-(-EXAMPLES // TOGETHER // 2), deadline=None, derandomize="ASSAY_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
def test_a_table_whose_sums_are_kept_has_the_rows_of_its_query(
    tables: bench.Connection, asked: list[grammar.Asked], contents: list[Any], rounds: list[Batches]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "covers", lambda *_: True)
        kept = [one for one in asked if by_sums.of(contract(one))]
        assume(kept)
        hold(tables, kept, contents, rounds, again=True)
    event(way(tables))


#: A row of p1 has no partner in p2 any more.
LOST = grammar.Asked(
    "SELECT coalesce(t1.a, -1) AS key_0, max(t0.id) AS last FROM silver.p1 AS t0 "
    "LEFT JOIN silver.p2 AS t1 ON t1.k = t0.k GROUP BY 1", ("key_0",),
)  # fmt: skip
#: The key of a row stands in the other table.
BOTH = grammar.Asked(
    "SELECT t1.a AS key_0, max(t0.id) AS last FROM silver.p1 AS t0 JOIN silver.p2 AS t1 ON t1.k = t0.k "
    "WHERE t1.a IS NOT NULL GROUP BY 1", ("key_0",),
)  # fmt: skip
CONTENTS: list[Any] = [[(0, 1, "x"), (1, 1, "x")], [(0, 1, "x"), (1, 2, "x")], [], []]
GONE_FROM_P2: Batches = [[("p2", "DELETE FROM silver.p2 WHERE k = 1", ())]]
GONE_FROM_BOTH: Batches = [
    [("p1", "DELETE FROM silver.p1 WHERE k = 1", ()), ("p2", "DELETE FROM silver.p2 WHERE k = 1", ())]
]


def test_a_row_that_lost_its_partner_is_computed(tables: bench.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "covers", lambda *_: True)
    hold(tables, [LOST], CONTENTS, [GONE_FROM_P2])
    assert "keys" in way(tables)
    monkeypatch.setattr(keys._Join, "_lost", lambda *_: iter(()))  # as if only rows with partners counted
    by_keys._of.cache_clear()
    with pytest.raises(AssertionError):
        hold(tables, [LOST], CONTENTS, [GONE_FROM_P2])
    by_keys._of.cache_clear()


def test_a_row_both_of_whose_tables_changed_is_computed(
    tables: bench.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(tables, [BOTH], CONTENTS, [GONE_FROM_BOTH])
    assert "key" in way(tables)
    now = planning._names

    def without_what_was(deltas: Any) -> keys.Names:
        names = now(deltas)
        return keys.Names(names.changed, lambda leaf, columns: leaf.table, names.none)

    monkeypatch.setattr(planning, "_names", without_what_was)
    by_keys._of.cache_clear()
    with pytest.raises(AssertionError):
        hold(tables, [BOTH], CONTENTS, [GONE_FROM_BOTH])
    by_keys._of.cache_clear()


#: What rows with and without a partner add up to.
SUMS = grammar.Asked(
    "SELECT t0.k AS key_0, sum(t0.a) AS total, sum(t0.a + t1.a) AS summed, count(*) AS rows FROM silver.p1 AS t0 "
    "JOIN silver.p2 AS t1 ON t1.k = t0.k GROUP BY 1", ("key_0",),
)  # fmt: skip
ADDENDS: list[Any] = [
    [(0, 1, "x"), (0, None, "x"), (1, 5, "x"), (1, 7, "x")], [(0, 2, "x"), (1, 3, "x"), (1, 4, "x")], [], [],
]  # fmt: skip
LOST_ITS_VALUE: Batches = [[("p1", "DELETE FROM silver.p1 WHERE k = 0 AND a = 1", ())]]
BOTH_CHANGED: Batches = [
    [("p1", "UPDATE silver.p1 SET a = a + 1 WHERE a = 5", ()), ("p2", "DELETE FROM silver.p2 WHERE a = 4", ())]
]
#: What is left out of the arithmetic → a change by which that shows.
WRONG = {
    "that a sum of nothing is NULL": ("CASE WHEN s._filled_1 > 0 THEN s._sum_1 END", "s._sum_1", LOST_ITS_VALUE),
    "that what went is taken away": ("_change::numeric", "abs(_change)::numeric", LOST_ITS_VALUE),
    "that others changed as well": (", -_change FROM", ", 0 FROM", BOTH_CHANGED),
}


@pytest.mark.parametrize("left_out", WRONG)
def test_arithmetic_needs(left_out: str, tables: bench.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    right, wrong, batches = WRONG[left_out]
    asked = SUMS if batches is LOST_ITS_VALUE else grammar.Asked(SUMS.query.replace("t0.a + t1.a", "t1.a"), SUMS.grain)
    hold(tables, [asked], ADDENDS, [batches])
    assert way(tables).startswith("added the changes to the")
    load = differences.load
    assert right in load(contract(asked))
    monkeypatch.setattr(differences, "load", lambda asked: load(asked).replace(right, wrong))
    with pytest.raises(AssertionError):
        hold(tables, [asked], ADDENDS, [batches])


def test_what_is_no_exact_number_is_computed(tables: bench.Connection) -> None:
    floats = grammar.Asked(
        "SELECT t0.k AS key_0, sum(t0.a::double precision) AS total FROM silver.p1 AS t0 GROUP BY 1", ("key_0",)
    )
    hold(tables, [floats], ADDENDS, [LOST_ITS_VALUE])
    assert way(tables) == "computed the 1 key that changes touch."
    numbers = grammar.Asked(
        "SELECT t0.k AS key_0, nullif(sum(t0.b::numeric), 'NaN') AS total FROM silver.p1 AS t0 GROUP BY 1", ("key_0",)
    )
    contents: list[Any] = [[(0, 1, "NaN"), (0, 2, "3"), (1, 1, "4"), (1, 2, "6")], [], [], []]
    nan_goes: Batches = [[("p1", "DELETE FROM silver.p1 WHERE b = 'NaN'", ())]]
    hold(tables, [numbers], contents, [nan_goes])
    assert way(tables) == "computed the 1 key that changes touch."


def test_sums_that_are_not_those_of_the_inputs_are_refused(tables: bench.Connection) -> None:
    hold(tables, [SUMS], ADDENDS, [LOST_ITS_VALUE])
    tables.execute("UPDATE dwh_staging.sums_gold_asked SET _rows = 1")
    change(tables, [("p1", "DELETE FROM silver.p1 WHERE k = 1", ())])
    with pytest.raises(psycopg.Error) as refused:
        bench.call(tables, TARGET)
    assert refused.value.sqlstate == "AS093"
