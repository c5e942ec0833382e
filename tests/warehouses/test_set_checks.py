"""Checks of silver tables: measured in the load, before readers see it; recorded also where they refuse it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from medallion import compile
from quality import checks
from tests.warehouses import bench_database as bench
from tests.warehouses.lab import warehouse

pytestmark = pytest.mark.django_db

MEMBER: dict[str, str | None] = {"region": "n", "id": "1", "name": "A", "state": "a", "updated": "2024-01-01"}
TARGET = "silver.members"


def declare(lab: bench.Connection, *wanted: checks.Check) -> None:
    old = warehouse.Members.contract()
    new = {**old, "checks": [check.definition() for check in wanted]}
    lab.execute(compile.replace(TARGET, old, new, "lab").forward)
    assert value(lab, "SELECT needs_rebuild FROM dwh_lineage.targets WHERE target = %s", TARGET) is False


def say(lab: bench.Connection, *changes: dict[str, str | None]) -> None:
    bench.ingest(lab, warehouse.RawMembers, [MEMBER | change for change in changes])


def load(lab: bench.Connection) -> None:
    bench.call(lab, TARGET)


def refused(lab: bench.Connection) -> psycopg.Error:
    """A load that its checks refuse, rolled back; what it measured is recorded as the executor does."""
    with pytest.raises(psycopg.Error) as caught, lab.transaction():
        load(lab)
    assert caught.value.sqlstate == "AS070", caught.value
    judged = caught.value.diag.constraint_name
    lab.execute("SELECT dwh_etl.record_checks(%s, gen_random_uuid(), %s::jsonb)", (TARGET, judged))
    return caught.value


def value(lab: bench.Connection, statement: str, *values: Any) -> Any:
    row = lab.execute(statement.encode(), values).fetchone()
    assert row is not None
    return row[0]


def measured(lab: bench.Connection, name: str) -> list[tuple[Any, ...]]:
    return [
        (float(found) if found is not None else None, passed)
        for found, passed in lab.execute(
            "SELECT metric_value, passed FROM dwh_lineage.quality_metrics WHERE metric_name = %s ORDER BY id", (name,)
        )
    ]


def issues(lab: bench.Connection) -> list[str]:
    return [
        title
        for (title,) in lab.execute(
            "SELECT i.title FROM dwh_lineage.quality_issues AS i "
            "JOIN dwh_lineage.issue_deltas AS d ON d.issue_id = i.id GROUP BY i.id HAVING sum(d.delta) > 0 ORDER BY 1"
        )
    ]


@pytest.mark.parametrize(
    ("check", "bad", "said"),
    [
        (checks.NotNull("name"), [{"name": None}], "1 rows lack a value of name"),
        (checks.NotNull("name", limit="50%"), [{"name": None}, {"name": None, "id": "2"}, {"id": "3"}],
         "66.6667 percent of the rows lack a value of name, where 50 are allowed"),
        (checks.Unique("name", where="is_current"), [{}, {"id": "2"}],
         "1 combinations of name are there more than once where is_current"),
        (checks.Between("score", 0, 10), [{"score": "11"}], "1 rows have a value of score outside of 0 to 10"),
        (checks.References("name", warehouse.Presences, key="name"), [{}], "1 rows have a name that leads nowhere"),
        (checks.RowCount(2), [{}], "it has 1 rows, where 2 is the least"),
        (checks.RowCount(0, 1), [{}, {"id": "2"}], "it has 2 rows, where 1 are allowed"),
        (checks.Freshness("valid_from", "1 day", severity="fail"), [{}], "the newest valid_from is"),
        (checks.Reconciles("heads", "count(*)", "SELECT 5"), [{}], "heads: count(*) is 4 away from SELECT 5"),
        (checks.Sql("strange", "SELECT count(*) FROM silver.members WHERE name = 'A'"), [{}], "strange gives 1"),
    ],
)  # fmt: skip
def test_a_check_that_fails_refuses_the_load_and_leaves_its_evidence(
    lab: bench.Connection, check: checks.Check, bad: Sequence[dict[str, str | None]], said: str
) -> None:
    declare(lab, check)
    say(lab, *bad)
    assert said in str(refused(lab).diag.message_detail)
    assert bench.rows(lab, TARGET) == []
    name = value(lab, "SELECT rule FROM dwh_lineage.quality_rules WHERE target = %s AND active AND is_check", TARGET)
    ((found, passed),) = measured(lab, name)
    assert found is not None
    assert not passed
    assert any(said.split(", where ")[0] in title for title in issues(lab))
    batch = value(lab, "SELECT max(batch_no) FROM dwh_lineage.pendings WHERE consumer = %s", TARGET)
    lab.execute("SELECT dwh_etl.override_gate(%s, %s, 'it is so')", (TARGET, batch))
    load(lab)
    assert bench.rows(lab, TARGET)
    bench.call(lab, TARGET, "rebuild")


def test_a_check_that_holds_again_closes_its_issue_and_has_a_history(lab: bench.Connection) -> None:
    declare(lab, checks.NotNull("name", where="is_current", severity="warn"))
    say(lab, {"name": None})
    load(lab)
    assert issues(lab) == ["silver.members: 1 rows where is_current lack a value of name"]
    say(lab, {"updated": "2024-01-02", "name": "A"})
    load(lab)
    assert issues(lab) == []
    assert measured(lab, "not_null_name") == [(1, False), (0, True)]


def test_checks_that_hold_let_a_load_pass(lab: bench.Connection) -> None:
    declare(
        lab, checks.NotNull("id", "region"), checks.Unique("region", "id", where="is_current"), checks.RowCount(),
        checks.Between("score", 0, 10), checks.Accounting(), checks.Volume(), checks.Drift("name"),
        checks.SchemaDrift(),
        checks.References("name", warehouse.Members, key="name"), checks.Freshness("valid_from", "99 years"),
        checks.Reconciles("heads", "count(*)", "SELECT 2"), checks.Sql("none", "SELECT 0"),
    )  # fmt: skip
    say(lab, {}, {"id": "2", "score": "3"})
    load(lab)
    assert len(bench.rows(lab, TARGET)) == 2
    passed = "SELECT bool_and(passed), count(*) FROM dwh_lineage.quality_metrics WHERE table_name = %s " \
             "AND metric_name NOT LIKE '%%:%%'"  # fmt: skip
    assert lab.execute(passed.encode(), (TARGET,)).fetchone() == (True, 12)


def remember(lab: bench.Connection, values: Sequence[float], name: str = "volume", days: float = 1) -> None:
    """Metrics of earlier loads, the newest last."""
    for number, one in enumerate(reversed(values), 1):
        at = datetime.now(UTC) - timedelta(days=days * number)
        lab.execute(
            "INSERT INTO dwh_lineage.quality_metrics (batch_id, table_name, metric_name, metric_value, passed, "
            "details, measured_at) VALUES (gen_random_uuid(), %s, %s, %s, true, '{}', %s)", (TARGET, name, one, at),
        )  # fmt: skip


def usual(lab: bench.Connection) -> tuple[float, float] | None:
    low, high, _ = lab.execute("SELECT * FROM dwh_etl.usual_range(%s, 'volume', 20, 4)", (TARGET,)).fetchone() or ()
    return None if low is None else (float(low), float(high))


def test_volume_is_held_against_the_median_of_the_last_loads_one_outlier_or_not(lab: bench.Connection) -> None:
    remember(lab, [100, 101, 99, 100])
    assert usual(lab) is None
    remember(lab, [90_000, 102, 98, 100, 101], days=0.1)
    low, high = usual(lab) or (0, 0)
    assert 75 < low < 95 < 105 < high < 125


def test_volume_is_that_of_the_weekday_where_there_are_enough_of_it(lab: bench.Connection) -> None:
    remember(lab, [10, 10, 10, 10, 10, 10, 1000] * 6)
    _, high = usual(lab) or (0, 0)
    assert high < 20  # seven days ago there were 10 rows
    remember(lab, [1000] * 6, days=7)
    assert (usual(lab) or (0, 0))[1] > 20


def test_a_load_of_an_unusual_volume_is_said_and_lands_where_it_only_warns(lab: bench.Connection) -> None:
    declare(lab, checks.Volume())
    remember(lab, [100, 101, 99, 100, 100], days=1)
    say(lab, {})
    load(lab)
    assert issues(lab) == ["silver.members: the load read 1 rows"]


def drift(lab: bench.Connection, values: str, last: int = 10) -> float | None:
    """The drift of some values, recorded as a load records it."""
    psi, _, details = lab.execute(
        "SELECT * FROM dwh_etl.measure_drift(%s, 'drift_x', %s, %s)", (TARGET, values, last)
    ).fetchone() or (None, None, None)  # fmt: skip
    lab.execute(
        "INSERT INTO dwh_lineage.quality_metrics (batch_id, table_name, metric_name, metric_value, details) "
        "VALUES (gen_random_uuid(), %s, 'drift_x', %s, %s)", (TARGET, psi, psycopg.types.json.Jsonb(details)),
    )  # fmt: skip
    return None if psi is None else float(psi)


def test_drift_of_numbers_is_a_stability_index_over_deciles(lab: bench.Connection) -> None:
    series = "SELECT (i * {})::numeric + {} AS value FROM generate_series(1, 1000) AS i"
    assert drift(lab, series.format(1, 0)) == 0
    assert (drift(lab, series.format(1, 20)) or 0) < 0.1
    assert (drift(lab, series.format(2, 500)) or 0) > 0.25


def test_drift_of_texts_is_one_over_frequent_values_and_none(lab: bench.Connection) -> None:
    values = "SELECT CASE WHEN i %% 10 < {} THEN 'a' WHEN i %% 10 = 9 THEN NULL ELSE 'b' END AS value " \
             "FROM generate_series(1, 100) AS i"  # fmt: skip
    values = values.replace("%%", "%")
    assert drift(lab, values.format(4)) == 0
    assert drift(lab, values.format(4)) == 0
    assert (drift(lab, values.format(8)) or 0) > 0.25
    assert (drift(lab, "SELECT 'new'::text AS value") or 0) > 1


@pytest.mark.parametrize("values", ["SELECT 1 AS value WHERE false", "SELECT NULL::integer AS value",
                                    "SELECT 7 AS value",
                                    "SELECT date '2024-01-01' AS value", "SELECT NULL::text AS value"])  # fmt: skip
def test_drift_of_nothing_of_one_value_and_of_absent_ones_is_none(lab: bench.Connection, values: str) -> None:
    assert not drift(lab, values)
    assert not drift(lab, values)


def test_a_column_of_the_source_that_is_new_or_gone_is_said(lab: bench.Connection) -> None:
    declare(lab, checks.SchemaDrift())
    say(lab, {"score": "1"})
    load(lab)
    say(lab, {"updated": "2024-01-02", "name": "B"})
    lab.execute("INSERT INTO bronze.raw_members (region, id, updated, _extra) VALUES ('n', '9', '2024-01-01', "
                "'{\"colour\": \"red\"}')")  # fmt: skip
    load(lab)
    details = "SELECT details FROM dwh_lineage.quality_metrics WHERE metric_name = 'schema_drift' ORDER BY id DESC"
    found = value(lab, details)
    assert (found["new"], found["gone"]) == (["colour"], ["score"])
    assert issues(lab) == ["silver.members: 2 columns of the source are new or gone"]
