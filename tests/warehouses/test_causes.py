"""Issues by cause: which breaches have one in common, how it is found as rows arrive, and that each is counted once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.warehouses import bench_database as bench
from tests.warehouses.bench_database import Connection
from tests.warehouses.decisions import correct, value
from tests.warehouses.lab.warehouse import Readings
from tests.warehouses.test_overlay import GOOD, readings
from tests.warehouses.test_replay import decide, decided, people, replay  # noqa: F401

STATE = "state:one_of"


def issues(lab: Connection, rule: str) -> dict[str | None, int]:
    """How many open breaches each cause of a rule counts."""
    found = lab.execute(
        "SELECT i.cause, sum(d.delta)::int FROM dwh_lineage.quality_issues AS i "
        "JOIN dwh_lineage.issue_deltas AS d ON d.issue_id = i.id WHERE i.rule = %s GROUP BY i.id, i.cause",
        (rule,),
    ).fetchall()
    return dict(found)


def counted(lab: Connection) -> bool:
    """Whether each issue counts the open breaches that name it."""
    wrong = lab.execute(
        "SELECT i.fingerprint FROM dwh_lineage.quality_issues AS i WHERE (SELECT coalesce(sum(d.delta), 0) "
        "FROM dwh_lineage.issue_deltas AS d WHERE d.issue_id = i.id) <> (SELECT count(*) "
        "FROM dwh_lineage.exception_breaches AS b JOIN dwh_lineage.quality_exceptions AS e ON e.id = b.exception_id "
        "WHERE b.issue_id = i.id AND e.state IN ('open', 'proposed', 'queued'))"
    ).fetchall()
    return not wrong


def states(lab: Connection, **rows: int) -> tuple[int, ...]:
    """So many readings of each state."""
    return readings(lab, *[GOOD | {"state": state} for state, count in rows.items() for _ in range(count)])


@pytest.mark.parametrize(
    ("kind", "broken", "cause"),
    [
        ("one_of", "actve", "=actve"),
        ("one_of", "a1", "=a1"),
        ("castable", "n/a", "=n/a"),
        ("castable", "12/31/2024", "~99/99/9999"),
        ("castable", "1/5/2024", "~99/99/9999"),
        ("castable", "2024-02-30 10:15", "~9999-99-99 99:99"),
        ("castable", "€ 1.234,50", "~€ 9"),
        ("castable", "€ 7", "~€ 9"),
        ("castable", "1,234,567.5", "~9,9.9"),
        ("castable", "12 kg", "~9 a"),
        ("matches", "AB-123", "~a-9"),
        ("between", "-12", "=-12"),
        ("required", " ", None),
        ("one_of", None, None),
        ("one_of", "x" * 101, None),
    ],
)
def test_what_a_value_has_in_common_with_others(lab: Connection, kind: str, broken: str | None, cause: str) -> None:
    assert value(lab, "SELECT dwh_lineage.cause_of(%s, %s)", kind, broken) == cause


def test_a_value_that_dominates_is_a_cause_of_its_own_and_the_rest_stay_together(lab: Connection) -> None:
    states(lab, onn=30, of=9, offf=1)
    assert issues(lab, STATE) == {"=onn": 30, None: 10}
    titles = lab.execute("SELECT title FROM dwh_lineage.quality_issues ORDER BY title").fetchall()
    assert titles == [("state = 'onn'",), ("state is none of on, off",)]
    assert counted(lab)


def test_a_shape_that_dominates_is_a_cause(lab: Connection) -> None:
    readings(lab, *[GOOD | {"due": f"12/{day}/2024"} for day in range(13, 28)], GOOD | {"due": "soon"})
    assert issues(lab, "due:castable") == {"~99/99/9999": 15, None: 1}


def test_a_cause_that_comes_little_by_little_is_found_and_takes_its_rows_along(lab: Connection) -> None:
    for _ in range(3):
        states(lab, onn=4, of=1)
    assert issues(lab, STATE) == {"=onn": 12, None: 3}
    states(lab, onn=1)
    assert issues(lab, STATE) == {"=onn": 13, None: 3}
    assert counted(lab)


def test_a_rule_has_twenty_causes_at_most(lab: Connection) -> None:
    for number in range(11):
        states(lab, **{f"x{number}a": 20, f"x{number}b": 20})
    found = issues(lab, STATE)
    assert len(found) == 21
    assert found[None] == 40


def test_rows_that_are_corrected_to_another_wrong_value_change_their_cause(lab: Connection) -> None:
    bad = states(lab, onn=12, of=12)
    correct(lab, Readings.target, bad[0], {"state": "of"})
    bench.call(lab, Readings.target, "rebuild")
    assert issues(lab, STATE) == {"=onn": 11, "=of": 13}
    assert counted(lab)


def test_each_value_of_a_cause_gets_the_text_that_is_said_for_it(people: Connection) -> None:  # noqa: F811
    states(people, onn=3, of=2, hmm=1)
    issue = value(people, "SELECT id FROM dwh_lineage.quality_issues WHERE rule = %s", STATE)
    texts = {"issue": issue, "column": "state", "texts": {"onn": "on", "of": "off"}}
    decision = decide(people, "correct", Readings.target, texts)
    replay(people, decision)
    assert decided(people, decision)["landed"] == 5
    assert sorted(row["state"] for row in bench.rows(people, Readings.target)) == ["off", "off", "on", "on", "on"]
    assert issues(people, STATE) == {None: 1}


def test_a_value_that_is_none_is_taken_away(people: Connection) -> None:  # noqa: F811
    readings(people, *[GOOD | {"price": "N/A"}] * 12)
    issue = value(people, "SELECT id FROM dwh_lineage.quality_issues WHERE cause = '=N/A'")
    selection = {"issue": issue, "column": "price", "texts": {"N/A": None}}
    replay(people, decide(people, "correct", Readings.target, selection))
    assert [row["price"] for row in bench.rows(people, Readings.target)] == [None] * 12


def test_a_shape_is_mended_row_by_row_and_what_it_does_not_fit_stays(people: Connection) -> None:  # noqa: F811
    readings(people, *[GOOD | {"due": f"12/{day}/2024"} for day in range(13, 28)], GOOD | {"due": "31/31/2024"})
    issue = value(people, "SELECT id FROM dwh_lineage.quality_issues WHERE rule = 'due:castable'")
    how = {"issue": issue, "column": "due", "mend": "date:mdy:DD.MM.YYYY"}
    decision = decide(people, "correct", Readings.target, how)
    replay(people, decision)
    assert (decided(people, decision)["selected"], decided(people, decision)["landed"]) == (15, 15)
    assert issues(people, "due:castable") == {"~99/99/9999": 1}


@pytest.mark.parametrize(
    ("how", "given_text", "mended"),
    [
        ("trimmed", "  a b ", "a b"),
        ("upper", " ch", "CH"),
        ("lower", "ON ", "on"),
        ("number:point", "$1,234.50", "1234.50"),
        ("number:point", "-1'234", "-1234"),
        ("number:point", "USD 5", "5"),
        ("number:point", "12,5", None),
        ("number:comma", "€ 1.234,50", "1234.50"),
        ("number:comma", "1 234,5 EUR", "1234.5"),
        ("number:comma", "1.23", None),
        ("number:comma", "5 kg", None),
        ("date:mdy:YYYY-MM-DD", "12/31/2024", "2024-12-31"),
        ("date:dmy:YYYY-MM-DD", "12/31/2024", None),
        ("date:dmy:MM/DD/YYYY", "31.12.2024", "12/31/2024"),
        ("date:ymd:DD.MM.YYYY", "2024-1-5 10:00", "05.01.2024 10:00"),
        ("date:dmy:YYYY-MM-DD", "30.02.2024", None),
        ("date:dmy:YYYY-MM-DD", "1/2-2024", None),
        ("trimmed", "  ", None),
        ("trimmed", None, None),
        ("no such", "x", None),
    ],
)
def test_a_text_is_mended_or_left_alone(lab: Connection, how: str, given_text: str | None, mended: str | None) -> None:
    assert value(lab, "SELECT dwh_lineage.mended(%s, %s)", how, given_text) == mended


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["onn", "of", "x", "hm"]), st.integers(1, 14), min_size=1),
        min_size=1,
        max_size=4,
    )
)
def test_however_rows_arrive_each_is_counted_once(lab: Connection, batches: list[dict[str, Any]]) -> None:
    lab.execute("SAVEPOINT before")
    for batch in batches:
        states(lab, **batch)
    total = sum(count for batch in batches for count in batch.values())
    assert sum(issues(lab, STATE).values()) == total
    assert counted(lab)
    lab.execute("ROLLBACK TO before")
