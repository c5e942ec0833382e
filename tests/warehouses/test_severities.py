"""What follows from a broken rule: warn, quarantine, fail; within thresholds; and what a person says about that."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from medallion import compile
from medallion.warehouse import AtLeast, Enum, Integer, Matches, OneOf, Required
from quality.rules import Rule, fingerprint
from tests.warehouses import bench_database as bench
from tests.warehouses.conftest import Connect
from tests.warehouses.decisions import override, value
from tests.warehouses.lab import warehouse

pytestmark = pytest.mark.django_db

TARGET = "silver.members"
MEMBER: dict[str, str | None] = {"region": "n", "id": "1", "name": "A", "state": "a", "updated": "2024-01-01"}
BAD = MEMBER | {"id": "2", "score": "-1"}


def declare(lab: bench.Connection, rule: Rule) -> None:
    """Another rule for members' score."""
    old = warehouse.Members.contract()
    score = Integer("score", rules=[rule]).contract("score")
    columns = [score if column["name"] == "score" else column for column in old["columns"]]
    lab.execute(compile.replace(TARGET, old, {**old, "columns": columns}, "lab").forward)


def say(lab: bench.Connection, *rows: dict[str, str | None]) -> int:
    return bench.ingest(lab, warehouse.RawMembers, rows).batch_no


def refused(lab: bench.Connection, call: str = "load") -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught, lab.transaction():
        bench.call(lab, TARGET, call)
    assert caught.value.sqlstate == "AS082"
    return caught.value


def ids(lab: bench.Connection) -> list[int]:
    return sorted(int(row["id"]) for row in bench.rows(lab, TARGET))


def outcomes(lab: bench.Connection) -> dict[str, int]:
    found: dict[str, int] = value(lab, "SELECT dwh_etl.measure_accounting(%s)", TARGET)
    assert found.pop("gap") == 0
    return {name: n for name, n in found.items() if not name.endswith(" rows")}


def metrics(lab: bench.Connection, rule: str = "score:at_least") -> list[tuple[Any, ...]]:
    return lab.execute(
        "SELECT (details ->> 'broken')::int, (details ->> 'rows')::int, passed, details ->> 'severity' "
        "FROM dwh_lineage.quality_metrics WHERE table_name = %s AND metric_name = %s ORDER BY id", (TARGET, rule)
    ).fetchall()  # fmt: skip


def open_issues(lab: bench.Connection) -> list[str]:
    return [
        title
        for (title,) in lab.execute(
            "SELECT i.title FROM dwh_lineage.quality_issues AS i "
            "JOIN dwh_lineage.issue_deltas AS d ON d.issue_id = i.id GROUP BY i.id HAVING sum(d.delta) > 0"
        )
    ]


def test_a_rule_that_warns_keeps_the_row_and_says_so_until_a_load_has_none(lab: bench.Connection) -> None:
    declare(lab, AtLeast(0, null=True, severity="warn"))
    say(lab, MEMBER, BAD)
    bench.call(lab, TARGET)
    assert ids(lab) == [1, 2]
    assert outcomes(lab) == {"current": 2}
    assert value(lab, "SELECT count(*) FROM dwh_lineage.quality_exceptions WHERE target_table = %s", TARGET) == 0
    assert metrics(lab) == [(1, 2, False, "warn")]
    assert open_issues(lab) == ["score is less than 0: 1 of 2 rows of a load, which were kept"]
    say(lab, MEMBER | {"updated": "2024-01-02"})
    bench.call(lab, TARGET)
    assert open_issues(lab) == []
    bench.call(lab, TARGET, "rebuild")
    assert ids(lab) == [1, 2]


def test_a_rule_that_fails_stops_the_load_keeps_its_evidence_and_can_be_overridden(lab: bench.Connection) -> None:
    declare(lab, AtLeast(0, null=True, severity="fail"))
    batch = say(lab, MEMBER, BAD)
    assert f"Batch {batch}: 1 of 2 rows: score is less than 0." in str(refused(lab).diag.message_detail)
    bench.call(lab, TARGET, "evidence")
    assert ids(lab) == []
    assert outcomes(lab) == {"waiting": 2}
    assert metrics(lab) == [(1, 2, False, "fail")]
    assert value(lab, "SELECT count(*) FROM dwh_lineage.quality_exceptions WHERE target_table = %s", TARGET) == 1
    refused(lab)
    lab.execute("SELECT dwh_etl.override_gate(%s, %s, 'one of them')", (TARGET, batch))
    bench.call(lab, TARGET)
    assert outcomes(lab) == {"current": 1, "quarantined": 1}
    bench.call(lab, TARGET, "rebuild")
    assert outcomes(lab) == {"current": 1, "quarantined": 1}


def test_a_batch_that_was_refused_lands_when_its_rows_hold_another_rule(lab: bench.Connection) -> None:
    declare(lab, AtLeast(0, null=True, severity="fail"))
    say(lab, MEMBER, BAD)
    refused(lab)
    bench.call(lab, TARGET, "evidence")
    declare(lab, AtLeast(-1, null=True, severity="fail"))
    bench.call(lab, TARGET)
    assert outcomes(lab) == {"current": 2}
    assert open_issues(lab) == []


@pytest.mark.parametrize(("limit", "stops"), [("34%", False), ("33%", True), (1, False), (0, True)])
def test_a_threshold_says_how_many_rows_of_a_batch_are_too_many(
    lab: bench.Connection, limit: str | int, stops: bool
) -> None:
    declare(lab, AtLeast(0, null=True, severity="fail", limit=limit))
    say(lab, MEMBER, BAD, MEMBER | {"id": "3"})
    if stops:
        refused(lab)
    else:
        bench.call(lab, TARGET)
        assert outcomes(lab) == {"current": 2, "quarantined": 1}
        assert metrics(lab) == [(1, 3, True, "fail")]


def test_a_filter_says_which_rows_a_rule_concerns(lab: bench.Connection) -> None:
    declare(lab, AtLeast(0, null=True, where="state = 'b'"))
    say(lab, BAD, BAD | {"id": "3", "state": "b"}, BAD | {"id": "4", "state": None})
    bench.call(lab, TARGET)
    assert ids(lab) == [2, 4]


def test_what_a_person_says_counts_from_the_next_batch_on_and_a_rebuild_agrees(lab: bench.Connection) -> None:
    say(lab, BAD)
    bench.call(lab, TARGET)
    first = override(lab, TARGET, "score:at_least", "warn")
    assert say(lab, BAD | {"id": "3"}) >= first
    bench.call(lab, TARGET)
    override(lab, TARGET, "score:at_least")  # as declared
    say(lab, BAD | {"id": "4"})
    bench.call(lab, TARGET)
    for _ in range(2):
        assert ids(lab) == [3]
        assert outcomes(lab) == {"current": 1, "quarantined": 2}
        bench.call(lab, TARGET, "rebuild")
    # It survives another version of the declaration.
    declare(lab, AtLeast(-0.5, null=True))
    bench.call(lab, TARGET, "rebuild")
    assert ids(lab) == [3]
    assert [row[3] for row in metrics(lab)] == ["quarantine", "warn", "quarantine"]


def test_a_person_can_make_a_rule_fail_above_a_threshold(lab: bench.Connection) -> None:
    override(lab, TARGET, "score:at_least", "fail", "50%")
    say(lab, MEMBER, BAD)
    bench.call(lab, TARGET)
    say(lab, BAD | {"updated": "2024-01-03"})
    assert "where 50% are allowed" in str(refused(lab).diag.message_detail)


def test_a_person_can_change_what_a_check_allows(lab: bench.Connection) -> None:
    assert value(lab, "SELECT high FROM (SELECT threshold AS high FROM dwh_lineage.governing('gold.fact_events') "
                      "WHERE rule = 'between_score') AS g") == "0"  # fmt: skip
    override(lab, "gold.fact_events", "between_score", "warn", "2")
    assert lab.execute(
        "SELECT severity, threshold FROM dwh_lineage.governing('gold.fact_events') WHERE rule = 'between_score'"
    ).fetchone() == ("warn", "2")


@pytest.mark.parametrize(
    ("name", "severity", "threshold", "said"),
    [
        ("score:nothing", "warn", None, "has no rule or check score:nothing"),
        ("score:at_least", "shout", None, "no severity shout"),
        ("score:castable", "warn", None, "cannot only warn"),
        ("region:required", "warn", None, "cannot only warn"),
        ("score:at_least", "fail", "many", "neither a number nor a share"),
    ],
)
def test_what_makes_no_sense_is_refused(
    lab: bench.Connection, name: str, severity: str, threshold: str | None, said: str
) -> None:
    with pytest.raises(psycopg.Error, match=said) as caught:
        override(lab, TARGET, name, severity, threshold)
    assert caught.value.sqlstate == "AS083"


def test_a_load_that_has_begun_ends_before_an_override_and_one_that_begins_meanwhile_begins_again(
    connect_crowd: Connect,
) -> None:
    steward, worker = connect_crowd(), connect_crowd()
    with steward.transaction():
        say(steward, MEMBER)
        override(steward, TARGET, "score:at_least", "warn")
        worker.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        worker.execute("SELECT 1 FROM dwh_lineage.targets")  # its snapshot is older than the override
    with pytest.raises(psycopg.errors.SerializationFailure):
        bench.call(worker, TARGET)
    worker.execute("ROLLBACK")
    override(steward, TARGET, "score:at_least")


def test_what_follows_from_a_rule_is_no_part_of_its_version_and_its_filter_is() -> None:
    def version(rule: Rule) -> str:
        asked = {k: v for k, v in rule.definition().items() if k not in ("message", "severity", "limit")}
        return fingerprint(asked)

    plain = Matches("x")
    assert version(Matches("x", severity="fail", limit="1%", message="no")) == version(plain)
    assert version(Matches("x", where="a = 1")) != version(plain)
    assert Required().definition() == {"kind": "required"}
    assert OneOf("a", severity="warn").definition() == {"kind": "one_of", "values": ["a"], "severity": "warn"}
    assert "severity" not in Enum("x", "a").contract("x")["rules"][0]
