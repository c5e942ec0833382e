"""The reference says what the code says."""

from __future__ import annotations

import os
import re
from argparse import Action
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from assay.embedded.places import CHECKOUT
from medallion import silver, warehouse
from medallion.ingestion import errors
from medallion.pulling import errors as pulling
from medallion.sources import CsvFiles, Files, HttpApi, JsonRecords
from tests.docs import generated

REFERENCE = CHECKOUT / "docs" / "reference"
OURS = {"assay", "medallion", "quality", "lineage", "retail", "ecommerce"}
#: Django's own, with something added: their options are Django's.
EXTENDED = {"check", "makemigrations", "migrate", "dbshell"}


def sections(page: str) -> dict[str, str]:
    """Heading → text, of the headings of the second level."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    pieces = re.split(r"^## (.+)\n", text, flags=re.M)[1:]
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


def arguments(app: str, name: str) -> list[Action]:
    """What a command takes beside what every command takes."""
    shared = {action.dest for action in BaseCommand().create_parser("manage.py", name)._actions}
    parser = load_command_class(app, name).create_parser("manage.py", name)
    return [action for action in parser._actions if action.dest not in shared]


def test_every_command_is_described_and_no_other() -> None:
    ours = {name for name, app in get_commands().items() if app in OURS}
    assert set(sections("commands.md")) - {"The embedded servers"} == ours


@pytest.mark.parametrize("name", sorted(n for n, app in get_commands().items() if app in OURS and n not in EXTENDED))
def test_every_option_of_a_command_is_described_and_no_other(name: str) -> None:
    text = sections("commands.md")[name]
    usage, described = text.split("```")[1], set(re.findall(r"^\| `(--[\w-]+)` \|", text, re.M))
    actions = arguments(str(get_commands()[name]), name)
    options = {option for action in actions for option in action.option_strings}
    assert described == options
    for action in actions:
        for shown in action.option_strings or [str(action.metavar or action.dest).upper().rstrip("S")]:
            assert shown in usage, f"{name}: the usage does not show {shown}"


def test_every_name_that_a_warehouse_can_use_is_described() -> None:
    text = (REFERENCE / "declarations.md").read_text(encoding="utf-8")
    code = " ".join(re.findall(r"`([^`\n]+)`", text))
    kinds = (Files, CsvFiles, JsonRecords, HttpApi, silver.SCD2)
    public = [*warehouse.__all__, *(name for kind in kinds for name in kind.__annotations__ if name[0] != "_")]
    own = ("kind", "abstract")
    missing = [name for name in public if name not in own and not re.search(rf"\b{name}\b", code)]
    assert not missing


def test_every_check_is_described_and_no_other() -> None:
    files = (CHECKOUT / "medallion" / name for name in ("checks.py", "rule_checks.py", "star_checks.py"))
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    found = {f"assay.{number}" for number in re.findall(r'"(?:assay\.)?([EW]\d{3})"', text)}
    page = (REFERENCE / "declarations.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| `(assay\.[EW]\d{3})` \|", page, re.M)
    assert len(found) > 20
    assert sorted(found) == sorted(described)


def test_every_sqlstate_of_ours_is_described_and_no_other() -> None:
    files = [path for _app, path in generated.sql_files()]
    files += [path for app in generated.APPS for path in (CHECKOUT / app).rglob("*.py") if "/sql/" not in str(path)]
    found = {state for path in files for state in re.findall(r"['\"](AS\d{3})['\"]", path.read_text(encoding="utf-8"))}
    page = (REFERENCE / "errors.md").read_text(encoding="utf-8")
    assert sorted(found) == re.findall(r"^\| `(AS\d{3})` \|", page, re.M)


def test_every_reason_to_refuse_a_file_or_end_a_pull_is_described_and_no_other() -> None:
    declared = [name for name in (*vars(errors), *vars(pulling)) if re.fullmatch(r"(?!Ingestion|Pull)\w+Error", name)]
    page = (REFERENCE / "errors.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(\w+Error)` \|", page, re.M)) == sorted(declared)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "write"), [("tables.md", generated.tables_page), ("routines.md", generated.routines_page)]
)
def test_the_pages_about_the_database_are_as_it_says(name: str, write: Callable[[], str]) -> None:
    page = REFERENCE / name
    if os.environ.get("WRITE_DOCS"):
        page.write_text(write(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == write(), "Write it anew: WRITE_DOCS=1 make test ARGS=tests/docs"


def pages() -> list[Path]:
    return sorted([CHECKOUT / "README.md", *(CHECKOUT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_index_leads_to_every_page() -> None:
    docs = CHECKOUT / "docs"
    linked = set(re.findall(r"\]\(([^)#]+\.md)\)", (docs / "index.md").read_text(encoding="utf-8")))
    assert linked == {str(page.relative_to(docs)) for page in docs.rglob("*.md")} - {"index.md"}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_piece_of_python_runs(page: Path) -> None:
    if page.name == "tutorial.md":
        pytest.skip("The tutorial has a test of its own.")
    for number, code in enumerate(re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)):
        exec(compile(code, f"{page.name}, block {number + 1}", "exec"), {"__name__": f"docs.{page.stem}"})  # noqa: S102
