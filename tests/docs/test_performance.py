"""docs/performance.md: whatever falls short, or is open, has its reason and its plan."""

from __future__ import annotations

import re

from assay.embedded.places import CHECKOUT

PAGE = (CHECKOUT / "docs" / "performance.md").read_text(encoding="utf-8")


def test_what_is_not_reached_has_its_reason_and_its_plan() -> None:
    sections = dict(zip(*[iter(re.split(r"^## (.+)\n", PAGE, flags=re.M)[1:])] * 2, strict=True))
    named = set(re.findall(r"\[(?:whole: )?(?:short|open)\]\(#([\w-]+)\)", PAGE))
    assert named == {title.lower().replace(" ", "-") for title in sections}
    assert all("Plan" in text for text in sections.values())


def test_every_goal_has_a_verdict() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| operation")]
    assert len(rows) == 15
    assert all(re.search(r"(reached( by work)?|\[.*(short|open)\]\(.*\)) \|$", row) for row in rows)
