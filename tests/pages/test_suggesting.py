"""Fixes that suggest themselves, and those that must not."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from quality.suggesting import Suspect, meaning, suggestion, ways
from quality.surroundings import surroundings
from tests import seeds


@pytest.mark.parametrize(
    ("value", "accepted", "meant", "why"),
    [
        ("actve", ["active", "blocked"], "active", "the only accepted value that is near"),
        (" active ", ["active", "blocked"], "active", "the same but for blanks around it"),
        ("ACTIVE", ["active", "blocked"], "active", "the same but for case"),
        ("actve", ["active", "actives"], None, None),  # two are near
        ("Yes", ["yes", "YES"], None, None),  # two are the same but for case
        ("xyz", ["active", "blocked"], None, None),
        ("", ["active"], None, None),
        (" 1", [1, 2], "1", "the same but for blanks around it"),
        ("1", [1, 2], None, None),
        ("x", [], None, None),
    ],
)
def test_an_accepted_value_is_meant_where_no_other_can_be(
    value: str, accepted: list[Any], meant: str | None, why: str | None
) -> None:
    found = meaning(value, accepted)
    assert (found and found.example[1], found and found.reason) == (meant, why)


@pytest.fixture
def breaches(db: None) -> Any:
    """Gives an issue breaches with these values; returns its id."""
    seeds.seed_warehouse()
    seeds.seed_exceptions(60)

    def give(*values: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT issue_id FROM dwh_lineage.exception_breaches ORDER BY issue_id LIMIT 1")
            (issue,) = cursor.fetchone()
            cursor.execute(
                "UPDATE dwh_lineage.exception_breaches SET value = (%s::text[])[1 + exception_id %% %s] "
                "WHERE issue_id = %s",
                [list(values), len(values), issue],
            )
        return int(issue)

    return give


NUMBER = {"kind": "castable", "type": "numeric"}
DATE = {"kind": "castable", "type": "date", "formats": ["DD.MM.YYYY", "YYYY-MM-DD"]}
CODE = {"kind": "matches", "pattern": "^[A-Z]{2}$"}


def test_a_placeholder_is_no_value_where_there_may_be_none() -> None:
    found = suggestion(Suspect(1, "castable", NUMBER, "N/A"), [])
    assert found is not None
    assert (found.texts, found.can_be_typed) == ({"N/A": None}, False)
    assert suggestion(Suspect(1, "castable", NUMBER, "N/A", is_required=True), []) is None
    assert suggestion(Suspect(1, "castable", NUMBER, "abc"), []) is None


@pytest.mark.parametrize(
    ("definition", "values", "mend"),
    [
        (NUMBER, ["€ 1.234,50", "€ 7,5"], "number:comma"),
        (NUMBER, ["$1,234.50", "$7"], "number:point"),
        (NUMBER, ["€ 7", "€ 12"], "number:point"),  # read alike in both ways
        (NUMBER, ["1,234", "5,678"], None),  # thousands, or places after the mark
        (NUMBER, ["n/a", "?"], None),
        (DATE, ["12/31/2024", "01/02/2024"], "date:mdy:DD.MM.YYYY"),
        (DATE, ["31/12/2024", "01/02/2024"], "date:dmy:DD.MM.YYYY"),
        (DATE, ["2024/12/31"], "date:ymd:DD.MM.YYYY"),
        (DATE, ["01/02/2024", "03/04/2024"], None),  # either way
        ({"kind": "castable", "type": "date", "formats": ["YY-MM-DD"]}, ["12/31/2024"], None),
        ({"kind": "castable", "type": "boolean"}, ["12/31/2024"], None),
        (CODE, [" CH", "DE "], "trimmed"),
        (CODE, ["ch", "De"], "upper"),
        (CODE, ["Switzerland"], None),
        ({"kind": "between"}, ["12"], None),
    ],
)
def test_a_way_of_writing_is_suggested_where_the_sample_speaks_for_it_alone(
    breaches: Any, definition: dict[str, Any], values: list[str], mend: str | None
) -> None:
    issue = breaches(*values)
    suspect = Suspect(issue, definition["kind"], definition)
    around = surroundings([issue], ways(suspect), 3)[issue]
    found = suggestion(suspect, around.readings)
    assert (found and found.mend) == mend
    if found:
        assert found.example[0] in values
        assert "in a sample can be read so" in found.reason
