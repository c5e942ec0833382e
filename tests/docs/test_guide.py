"""docs/guide.md says where each name of the guide lives, and which test shows it: all of it is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.db import connection

from assay.embedded.places import CHECKOUT

GUIDE = CHECKOUT / "docs" / "guide.md"
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
#: Where the guide counts rows in an integer, ours may count further.
_WIDER = {("integer", "bigint")}
_ALIASES = {"timestamptz": "timestamp with time zone"}

pytestmark = pytest.mark.django_db


def section(heading: str) -> str:
    """The text below a heading, up to the next of its level."""
    pieces = re.split(r"^## (.+)\n", GUIDE.read_text(encoding="utf-8"), flags=re.M)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))[heading]


def rows(heading: str) -> Iterator[list[str]]:
    """The cells of the tables of a section, without heads."""
    for line in section(heading).splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("| `") or re.match(r"\| \d+ \|", line):
            yield cells


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def query(sql: str, *values: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


@cache
def names_in(path: Path) -> set[str]:
    """The names of a module's test functions, as pytest collects them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def named_tests(text: str) -> list[tuple[str, str]]:
    return _TEST.findall(text)


@pytest.mark.parametrize("page", ["guide.md", "security.md", "performance.md"])
def test_every_test_that_a_page_names_exists(page: str) -> None:
    named = named_tests((CHECKOUT / "docs" / page).read_text(encoding="utf-8"))
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (CHECKOUT / path).exists() or name not in names_in(CHECKOUT / path)
    ]
    assert named
    assert not missing


def test_every_schema_and_role_is_there_and_public_may_nothing() -> None:
    said = section("Schemas and roles")
    schemas, roles = re.findall(r"\| schema `(\w+)`", said), re.findall(r"\| role `(\w+)`", said)
    assert (len(schemas), len(roles)) == (6, 2)
    there = query("SELECT nspname FROM pg_namespace WHERE nspname = ANY (%s) AND NOT EXISTS ("
                  " SELECT 1 FROM aclexplode(nspacl) AS a WHERE a.grantee = 0)", schemas)  # fmt: skip
    assert {name for (name,) in there} == set(schemas)
    assert len(query("SELECT 1 FROM pg_roles WHERE rolname = ANY (%s)", roles)) == len(roles)


def test_every_table_of_the_guide_is_there_with_its_columns() -> None:
    listed = list(rows("Tables and views"))
    assert len(listed) > 25
    for name, _what, columns in listed:
        found = query(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0", words(name)[0]
        )
        assert found, f"{name} is not there"
        assert set(words(columns)) <= {column for (column,) in found}, name


def test_every_index_and_constraint_of_the_guide_is_there() -> None:
    listed = [words(name)[0] for name, _what in rows("Indexes")]
    assert len(listed) == 20
    found = query("SELECT schemaname || '.' || indexname FROM pg_indexes")
    assert set(listed) <= {name for (name,) in found}
    constraints = re.findall(r"`(\w+_(?:range|positive))`", section("Indexes").rpartition("|\n")[2])
    assert len(constraints) == 3
    assert {name for (name,) in query("SELECT conname FROM pg_constraint")} >= set(constraints)


def test_every_routine_takes_what_the_guide_gives_it() -> None:
    listed = [words(cells[0])[0] for cells in rows("Routines") if "(" in cells[0]]
    assert len(listed) > 38
    for signature in listed:
        schema, name, given = re.fullmatch(r"(\w+)\.(\w+)\((.*)\)", signature).groups()  # type: ignore[union-attr]
        expected = [tuple(part.split(" ", 1)) for part in given.split(", ") if part]
        ((names, types, defaults),) = query(
            "SELECT coalesce(proargnames, '{}'), ARRAY(SELECT format_type(t, NULL) FROM unnest("
            "  proargtypes::oid[]) WITH ORDINALITY AS a (t, n) ORDER BY n), pronargdefaults"
            " FROM pg_proc WHERE pronamespace = %s::regnamespace AND proname = %s",
            schema,
            name,
        )
        assert list(names)[: len(expected)] == [parameter for parameter, _type in expected], signature
        for (_parameter, said), ours in zip(expected, types, strict=False):
            said = _ALIASES.get(said, said)
            assert ours == said or (said, ours) in _WIDER, signature
        assert len(types) - len(expected) <= defaults, f"{signature}: more arguments of ours have no default"


def test_results_have_the_columns_of_the_guide() -> None:
    listed = [cells for cells in rows("Routines") if "(" not in cells[0]]
    assert len(listed) == 9
    for routine, columns in listed:
        (names,), = query("SELECT proargnames FROM pg_proc WHERE oid = to_regproc(%s)", words(routine)[0])  # fmt: skip
        assert list(names)[-len(words(columns)) :] == words(columns), routine


def test_every_fault_of_the_guide_has_a_test() -> None:
    listed = list(rows("What the guide gets wrong"))
    assert [int(cells[0]) for cells in listed] == list(range(1, 30))
    assert all(named_tests(cells[2]) for cells in listed)


def test_errata_27_there_is_one_fact_and_it_is_partitioned() -> None:
    found = query("SELECT relname FROM pg_class WHERE relname LIKE 'fact\\_sales%%' AND relkind = 'p'"
                  " AND relnamespace = 'gold'::regnamespace")  # fmt: skip
    assert found == [("fact_sales",)]


def test_links_to_headings_lead_to_headings() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    for path, heading in re.findall(r"\]\(([^)#]*)#([^)]+)\)", text):
        page = GUIDE.parent / path if path else GUIDE
        titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
        anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
        assert heading in anchors, f"{path}#{heading}"
