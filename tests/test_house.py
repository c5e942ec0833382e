"""The rules of the house: who imports whom, where things stand, and what a file may hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

from assay.embedded.places import CHECKOUT

#: From the top floor to the ground floor: each may import itself and what stands after it.
FLOORS = ("assay", "examples", "medallion", "quality", "lineage")
FOLDERS = {"assay": "platform/assay"}
APPS = ("lineage", "quality", "medallion")
LONGEST = 400
_ROUTINE = re.compile(r"^CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE) \w+\.(\w+)", re.M)


def floor_of(module: str) -> str | None:
    """The floor that an absolute module name belongs to; None for packages of others."""
    top = module.split(".")[0]
    examples = {path.name for path in (CHECKOUT / "examples").iterdir() if path.is_dir()}
    return "examples" if top in examples else top if top in FLOORS else None


def modules(floor: str) -> Iterator[Path]:
    return (path for path in sorted((CHECKOUT / FOLDERS.get(floor, floor)).rglob("*.py")))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, module) of each import, those inside of functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, str(node.module)


def written() -> list[Path]:
    """Our code: modules, tests, SQL, templates; not what `makemigrations` wrote."""
    folders = ("platform", "examples", "medallion", "quality", "lineage", "tests", "bench", "templates", "static")
    paths = (path for folder in folders for path in (CHECKOUT / folder).rglob("*"))
    kinds = (".py", ".sql", ".html", ".css", ".js")
    return sorted(path for path in paths if path.suffix in kinds and "migrations" not in path.parts)


def shown(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


@pytest.mark.parametrize("floor", FLOORS)
def test_imports_go_down_the_house_only(floor: str) -> None:
    above = FLOORS[: FLOORS.index(floor)]
    wrong = [
        f"{shown(path)}:{line} imports {module}"
        for path in modules(floor)
        for line, module in imports(path)
        if floor_of(module) in above
    ]
    assert not wrong, "\n".join(wrong)


def test_imports_in_our_apps_are_absolute() -> None:
    for floor in FLOORS:
        for path in modules(floor):
            relative = re.search(r"^\s*from \.", path.read_text(encoding="utf-8"), re.M)
            assert not relative, f"{shown(path)} has a relative import, which the test above cannot follow."


def test_every_module_can_be_read_in_one_sitting() -> None:
    lengths = {shown(path): path.read_text(encoding="utf-8").count("\n") for path in written() if path.suffix == ".py"}
    assert not {path: length for path, length in lengths.items() if length >= LONGEST}


def test_no_module_is_named_for_nothing() -> None:
    assert not [shown(path) for path in written() if path.stem in ("utils", "util", "helpers", "misc", "common")]


def test_nothing_is_left_to_be_done() -> None:
    mark = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")
    assert not [shown(path) for path in written() if mark.search(path.read_text(encoding="utf-8"))]


def test_every_sql_file_opens_with_a_comment() -> None:
    for app in APPS:
        for path in (CHECKOUT / app / "sql").glob("*.sql"):
            assert path.read_text(encoding="utf-8").startswith("-- "), f"{shown(path)} does not say what it does."


def test_every_routine_has_a_file_of_its_own_with_its_name() -> None:
    for app in APPS:
        for path in (CHECKOUT / app / "sql").glob("*.sql"):
            routines = _ROUTINE.findall(path.read_text(encoding="utf-8"))
            assert routines in ([], [path.stem]), f"{shown(path)} holds {routines}"


@pytest.mark.django_db
def test_every_table_of_our_apps_stands_in_dwh_lineage() -> None:
    ours = {model._meta.db_table for label in APPS for model in apps.get_app_config(label).get_models()}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE c.relname = ANY (%s) AND c.relkind IN ('r', 'p', 'v')"
            " AND n.nspname NOT IN ('dwh_etl', 'silver', 'pg_catalog')",  # views under other names stand there
            [sorted(ours)],
        )
        found = cursor.fetchall()
    assert {name for name, _schema in found} == ours
    assert {schema for _name, schema in found} == {"dwh_lineage"}
