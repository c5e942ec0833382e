"""What is wrong with rules and checks is found before anything runs."""

from __future__ import annotations

from typing import Any

import pytest

from medallion.warehouse import SCD2, Integer, Matches, Required, Text, Timestamp, checks, silver
from quality.checks import Check
from quality.rules import Rule
from tests.medallion.test_checks import RawThings, findings


def found(monkeypatch: pytest.MonkeyPatch, *asked: Check, rules: tuple[Rule, ...] = ()) -> dict[str, str]:
    class Things(silver.Table):
        thing_id = Integer("id", rules=[rule for rule in rules if isinstance(rule, Required)])
        name = Text("trim(name)", rules=[rule for rule in rules if not isinstance(rule, Required)])
        changed = Timestamp("changed")

        class Meta:
            source = RawThings
            key = "thing_id"
            history = SCD2(effective="changed")
            checks = asked

    return findings(monkeypatch, RawThings, Things)


@pytest.mark.parametrize(
    ("rule", "number", "said"),
    [
        (Matches("x", severity="shout"), "E080", "name:matches has the severity 'shout'"),
        (Required(severity="warn"), "E080", "thing_id:required cannot only warn"),
        (Matches("x", limit="a lot"), "E081", "has the limit 'a lot'"),
        (Matches("x", where="nmae = 'a'"), "E082", "reads nmae"),
        (Matches("x", where="name = "), "E082", "is no SQL condition"),
    ],
)
def test_a_rule_that_makes_no_sense_is_found(
    monkeypatch: pytest.MonkeyPatch, rule: Rule, number: str, said: str
) -> None:
    assert said in found(monkeypatch, rules=(rule,))[f"assay.{number}"]


@pytest.mark.parametrize(
    ("check", "number", "said"),
    [
        (checks.NotNull("nmae"), "E083", "not_null_nmae reads nmae"),
        (checks.Unique("name", where="nmae = 1"), "E082", "its where reads nmae"),
        (checks.Between("changed", 1, 2), "E083", "reads changed"),
        (checks.NotNull("name", severity="quarantine"), "E080", "Write warn or fail"),
        (checks.NotNull("name", limit="-1"), "E081", "has the limit '-1'"),
    ],
)
def test_a_check_that_makes_no_sense_is_found(
    monkeypatch: pytest.MonkeyPatch, check: Any, number: str, said: str
) -> None:
    assert said in found(monkeypatch, check)[f"assay.{number}"]


def test_two_checks_of_one_name_are_found_and_right_ones_are_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    right = checks.Unique("thing_id", where="is_current", limit="1%")
    assert found(monkeypatch, right, checks.Volume(), checks.Freshness("valid_from", "1 day")) == {}
    assert "two checks unique_thing_id" in found(monkeypatch, right, right)["assay.E083"]
