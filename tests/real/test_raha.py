"""The figures in docs/explanation/real-data.md are those that the rules give. ARGS=-s prints them anew."""

from __future__ import annotations

import pytest

from assay.embedded.places import CHECKOUT
from tests.real import raha
from tests.real.conftest import Take, need

pytestmark = pytest.mark.django_db

DOCUMENT = CHECKOUT / "docs" / "explanation" / "real-data.md"


def test_what_the_rules_catch_is_what_the_documentation_says(take: Take) -> None:
    need("raha")
    taken = take("raha")
    lines = [score.line() for table in ("beers", "flights") for score in raha.scores(taken, table)]
    print("\n" + "\n".join(lines))
    text = DOCUMENT.read_text(encoding="utf-8")
    written = [line for line in text.splitlines() if line.startswith(("| beers |", "| flights |"))]
    assert written == lines
    assert taken.gaps() == {}


def test_the_wrong_cells_are_those_that_the_data_set_counts(take: Take) -> None:
    need("raha")
    taken = take("raha")
    found = {table: raha.scores(taken, table)[0] for table in ("beers", "flights")}
    assert {table: score.wrong for table, score in found.items()} == {"beers": 4_362, "flights": 4_920}
