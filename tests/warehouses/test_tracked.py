"""History on chosen columns: what is not tracked is kept current within the version, whichever path a load takes."""

from __future__ import annotations

import pytest

from tests.warehouses import bench_database as bench
from tests.warehouses.lab import warehouse

pytestmark = pytest.mark.django_db


def test_a_newer_event_brings_a_version_up_to_date_and_a_late_one_does_not(lab: bench.Connection) -> None:
    def arrives(day: str, name: str, state: str = "a") -> list[tuple[int, str, str, bool]]:
        row = {"region": "n", "id": "1", "name": name, "state": state, "updated": f"2024-01-{day}"}
        bench.ingest(lab, warehouse.RawMembers, [row])
        bench.call(lab, "silver.states")
        found = sorted(bench.rows(lab, "silver.states"), key=lambda row: row["valid_from"])
        return [(row["valid_from"].day, row["name"], row["state"], row["is_current"]) for row in found]

    assert arrives("02", "A") == [(2, "A", "a", True)]
    assert arrives("05", "B") == [(2, "B", "a", True)]
    assert arrives("03", "C") == [(2, "B", "a", True)]
    assert arrives("08", "D", "b") == [(2, "B", "a", False), (8, "D", "b", True)]
    assert arrives("06", "E") == [(2, "E", "a", False), (8, "D", "b", True)]
    assert arrives("09", "F", "b") == [(2, "E", "a", False), (8, "F", "b", True)]
