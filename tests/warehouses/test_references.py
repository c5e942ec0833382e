"""A rule that refers to another table: its rows wait for their parents, land when these come, and leave with them."""

from __future__ import annotations

import psycopg
import pytest

from medallion import compile, silver
from medallion.warehouse import Integer, Numeric, References
from tests.medallion.test_checks import RawThings, findings
from tests.warehouses import bench_database as bench
from tests.warehouses import decisions
from tests.warehouses.lab import warehouse

pytestmark = pytest.mark.django_db

CHILDREN = ["silver.visitors", "silver.visitors_now", "silver.visits"]
GUEST: dict[str, str | None] = {"region": "s", "id": "9", "name": "guest", "score": "5", "updated": "2024-01-02"}
HOST: dict[str, str | None] = {"region": "n", "id": "1", "name": "host", "updated": "2024-01-01"}


def say(lab: bench.Connection, *rows: dict[str, str | None]) -> int:
    return bench.ingest(lab, warehouse.RawMembers, rows).batch_no


def load(lab: bench.Connection, target: str, parent: bool = True) -> None:
    for name in (["silver.latest"] if parent else []) + [target]:
        bench.call(lab, name)


def there(lab: bench.Connection, target: str) -> set[str]:
    return {row["name"] for row in bench.rows(lab, target)}


def line(lab: bench.Connection, target: str) -> dict[str, int]:
    found = decisions.outcomes(lab, target)
    assert found.pop("gap") == 0
    return found


@pytest.mark.parametrize("target", CHILDREN)
def test_a_row_lands_by_itself_when_its_parent_comes_and_leaves_with_it(lab: bench.Connection, target: str) -> None:
    say(lab, GUEST)
    load(lab, target)
    assert there(lab, target) == set()
    assert line(lab, target) == {"quarantined": 1}
    say(lab, HOST)
    load(lab, target)
    assert there(lab, target) == {"guest", "host"}
    assert line(lab, target) == {"current": 2}
    closed = "SELECT resolution FROM dwh_lineage.quality_exceptions WHERE target_table = %s AND state = 'landed'"
    assert decisions.value(lab, closed, target) == "its parent has come"
    say(lab, HOST | {"op": "D", "updated": "2024-01-05"})
    load(lab, target)
    assert "guest" not in there(lab, target)
    assert line(lab, target)["quarantined"] == 1
    say(lab, HOST | {"updated": "2024-01-06"})
    load(lab, target)
    assert "guest" in there(lab, target)
    bench.call(lab, target, "rebuild")
    assert "guest" in there(lab, target)


@pytest.mark.parametrize("target", CHILDREN)
def test_nothing_is_a_gap_while_a_parent_s_batch_waits(lab: bench.Connection, target: str) -> None:
    say(lab, GUEST, HOST)
    load(lab, target)
    say(lab, HOST | {"op": "D", "updated": "2024-01-05"})
    bench.call(lab, "silver.latest")
    assert set(line(lab, target)) <= {"current", "waiting"}
    load(lab, target, parent=False)
    assert line(lab, target)["quarantined"] == 1


@pytest.mark.parametrize("target", ["silver.visitors", "silver.visitors_now"])
def test_a_replay_before_the_load_that_is_told_of_the_parent_agrees_with_it(lab: bench.Connection, target: str) -> None:
    say(lab, GUEST, GUEST | {"updated": "2024-01-04", "id": "9", "name": "later", "score": "-1"})
    load(lab, target)
    say(lab, HOST)
    bench.call(lab, "silver.latest")
    second = decisions.value(
        lab, "SELECT max(bronze_id) FROM dwh_lineage.quality_exceptions WHERE target_table = %s", target
    )
    decision = decisions.queue(lab, target, "correct", second, {"score": None})
    assert decisions.value(lab, "SELECT dwh_lineage.replay_chunk(%s)", decision) == 0
    assert "later" in there(lab, target)
    assert not {"quarantined"} & {*line(lab, target)}
    load(lab, target, parent=False)
    now = there(lab, target)
    bench.call(lab, target, "rebuild")
    assert there(lab, target) == now
    assert line(lab, target).get("quarantined", 0) == 0


def test_the_gates_of_a_load_hold_also_where_a_parent_is_gone(lab: bench.Connection) -> None:
    old = warehouse.Visits.contract()
    lab.execute(compile.replace("silver.visits", old, {**old, "max_rejected": "1"}, "lab").forward)
    say(lab, GUEST, HOST)
    load(lab, "silver.visits")
    say(lab, HOST | {"op": "D", "updated": "2024-01-05"}, GUEST, GUEST)
    bench.call(lab, "silver.latest")
    with pytest.raises(psycopg.Error, match="More than 1 of the rows") as refused, lab.transaction():
        bench.call(lab, "silver.visits")
    assert refused.value.sqlstate == "AS050"
    assert there(lab, "silver.visits") == {"guest", "host"}


def test_a_parent_that_others_refer_to_is_an_input(lab: bench.Connection) -> None:
    assert warehouse.Visits.inputs() == ["bronze.raw_members", "silver.latest"]
    with pytest.raises(psycopg.Error, match=r"silver\.latest is still read by"):
        lab.execute("SELECT dwh_lineage.forget_target('silver.latest')")


def test_what_is_no_key_of_the_parent_or_of_another_type_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(silver.Table):
        a = Numeric("id", rules=[References(warehouse.Latest, "name")])
        b = Integer("id", rules=[References(warehouse.Latest, "id")])

        class Meta:
            source = RawThings

    found = findings(monkeypatch, RawThings, Wrong)
    assert "integer with numeric" in found["assay.E084"]
