"""What a profile finds, and the declaration that it suggests."""

from __future__ import annotations

import pytest

from medallion import columns
from medallion.profiling import Profile, profile
from medallion.suggesting import kind, suggest
from quality import rules
from tests.warehouses import bench_database as bench

pytestmark = pytest.mark.django_db

ROWS = """
CREATE TEMP TABLE things AS
SELECT i::text AS "Order No", (ARRAY['active', 'inactive'])[i % 2 + 1] AS status, (i * 1.5)::text AS amount,
    to_char(date '2024-01-01' + i, 'DD.MM.YYYY') AS due, (date '2024-01-01' + i)::text AS day,
    CASE WHEN i % 3 = 0 THEN NULL WHEN i % 3 = 1 THEN ' ' ELSE 'some text ' || i END AS note,
    'AB-' || lpad((i % 90)::text, 3, '0') AS code, '0' || i AS zip, NULL::text AS empty, 'y' AS flag
FROM generate_series(1, 300) AS i
"""


@pytest.fixture
def things(lab: bench.Connection) -> dict[str, Profile]:
    lab.execute(ROWS)
    lab.execute("UPDATE things SET status = 'actve' WHERE \"Order No\" = '7'")
    lab.execute("UPDATE things SET amount = 'n/a' WHERE \"Order No\" = '8'")
    with lab.cursor() as cursor:
        return {found.column: found for found in profile(cursor, "pg_temp.things")}


def test_a_profile_counts_what_is_absent_what_differs_and_what_is_alike(things: dict[str, Profile]) -> None:
    note, status, due = things["note"], things["status"], things["due"]
    assert (note.rows, note.nulls, note.blanks, note.filled, note.distinct) == (300, 100, 100, 100, 100)
    assert status.top == [("active", 150), ("inactive", 149), ("actve", 1)]
    assert (status.minimum, status.maximum, status.shortest, status.longest) == ("active", "inactive", 5, 8)
    assert due.patterns == [("99.99.9999", 300)]
    assert things["code"].patterns == [("A-999", 300)]
    assert (things["amount"].lowest, things["amount"].highest) == ("1.5", "450.0")
    assert things["Order No"].is_unique
    assert things["empty"].filled == 0


def test_the_kind_is_the_narrowest_that_nearly_all_values_are(things: dict[str, Profile]) -> None:
    assert {name: kind(found) for name, found in things.items()} == {
        "Order No": "Integer", "status": "Text", "amount": "Numeric", "due": 'Date format="DD.MM.YYYY"', "day": "Date",
        "note": "Text", "code": "Text", "zip": "Text", "empty": "Text", "flag": "Boolean",
    }  # fmt: skip


def test_the_suggested_code_is_a_declaration_with_its_evidence(things: dict[str, Profile]) -> None:
    said = {found.name: found for found in suggest(list(things.values()))}
    assert said["status"].code == 'Text("trim(status)", rules=[Required(), OneOf("active", "inactive")])'
    assert "1 rows hold others: 'actve'" in said["status"].evidence
    assert said["amount"].code == 'Numeric("amount", rules=[Required(), AtLeast(0)])'
    assert "1 of 300 are none" in said["amount"].evidence
    assert said["order_no"].code == "Integer('\"Order No\"', rules=[Required(), AtLeast(0)])"
    assert "differs on all 300 rows: may be the key" in said["order_no"].evidence
    assert said["due"].code == 'Date("due", format="DD.MM.YYYY", rules=[Required()])'
    assert said["code"].code == r'Text("trim(code)", rules=[Required(), Matches(r"^[[:upper:]]+\-[0-9]{3}$")])'
    assert said["note"].code == 'Text("trim(note)")'
    names = {**vars(columns), **vars(rules)}
    for suggestion in said.values():
        assert isinstance(eval(suggestion.code, names), columns.Column)  # noqa: S307 - it is code that we made


def test_a_sample_looks_at_so_many_rows_and_columns_of_assay_s_own_are_left_out(lab: bench.Connection) -> None:
    lab.execute(ROWS)
    with lab.cursor() as cursor:
        assert {found.rows for found in profile(cursor, "pg_temp.things", sample=100)} == {100}
        assert [found.column for found in profile(cursor, "pg_temp.things", ["day"])] == ["day"]
        assert profile(cursor, "silver.members") == []
        lab.execute("INSERT INTO bronze.raw_members (region, id) VALUES ('n', '1')")
        found = profile(cursor, "bronze.raw_members_rows", sample=None)
    assert [one.column for one in found] == ["region", "id", "name", "score", "state", "updated", "op"]
