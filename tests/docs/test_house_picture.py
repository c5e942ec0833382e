"""The picture of the house is made from the imports."""

from __future__ import annotations

import os

from assay.embedded.places import CHECKOUT
from tests.docs import house

PICTURE = CHECKOUT / "docs" / "explanation" / "house.svg"


def test_the_picture_shows_the_house_as_it_is() -> None:
    drawn = house.picture()
    if os.environ.get("WRITE_DOCS"):
        PICTURE.write_text(drawn, encoding="utf-8")
    assert PICTURE.read_text(encoding="utf-8") == drawn, "Draw it anew: WRITE_DOCS=1 make test ARGS=tests/docs"


def test_every_package_says_what_it_is() -> None:
    assert [one.name for one in house.packages().values() if not one.about] == []
