"""`manage.py ingest SOURCE [PATH …]`: what a person sees, and what a script can tell from the exit status."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from medallion.ingestion.ingest import Failed, Ingested, Reading
from medallion.ingestion.reporting import shown
from medallion.ingestion.spec import BronzeSpec
from medallion.management.commands import ingest
from tests.medallion.conftest import MakeBronze


@pytest.fixture
def spec(make_bronze: MakeBronze, root: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> BronzeSpec:
    """A declared warehouse of one table."""
    spec = make_bronze("id name")
    declared = type("Declared", (), {"bronze_specs": {spec.target: spec}, "pulled": {}})
    monkeypatch.setattr(ingest, "warehouse", lambda: declared)
    settings.ASSAY_DATA_ROOT = root
    (root / "1.csv").write_text("id,name\n1,a\n2\n")
    (root / "2.csv").write_text("id,name\n3,c\n")
    return spec


def run(*arguments: object) -> list[str]:
    out = io.StringIO()
    call_command("ingest", *map(str, arguments), stdout=out, stderr=io.StringIO())
    return out.getvalue().splitlines()


def test_a_source_is_ingested_with_a_line_for_each_file(spec: BronzeSpec) -> None:
    first, second, summary = run("drop")
    assert first.startswith("ingested 1.csv: 1 row, 1 unreadable line kept (14 bytes, batch ")
    assert second.startswith("ingested 2.csv: 1 row (")
    assert summary == f"{spec.target}: 2 of 2 files ingested: 2 rows, 1 unreadable line."


def test_a_second_time_says_what_was_skipped(spec: BronzeSpec) -> None:
    run("drop")
    lines = run("Drop")
    assert lines[0].startswith("skipped  1.csv: its content was ingested before (batch ")
    assert lines[-1] == f"{spec.target}: 0 of 2 files ingested: 0 rows, 0 unreadable lines, 2 skipped."


@pytest.mark.parametrize("schema", [True, False])
def test_a_table_and_a_path_can_be_named(
    spec: BronzeSpec, root: Path, schema: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root.parent)
    for path in ("2.csv", "data/1.csv"):
        assert run(spec.target if schema else spec.target.split(".")[1], path)[0].startswith(f"ingested {path[-5:]}")


def test_a_file_that_fails_is_listed_and_the_others_land(spec: BronzeSpec, root: Path) -> None:
    (root / "1.csv").write_text("id\n1\n")
    with pytest.raises(CommandError, match=r"1 not ingested, .*\n  1\.csv, line 1: the header lacks the column name"):
        run("drop")
    assert run("drop", "2.csv")[0].startswith("skipped  2.csv")


def test_an_unknown_source_says_which_there_are(spec: BronzeSpec) -> None:
    with pytest.raises(CommandError, match=rf"called crm\. There are: drop \({spec.target}\)"):
        run("crm")


def test_where_somebody_watches_there_is_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(print, interactive=True) as listen:
        listen(Reading("a [b].csv", 5, 10))
        listen(Ingested(1, 2, 0, False, "a [b].csv", "", 10))
        listen(Failed("c.csv", ValueError()))  # type: ignore[arg-type]
    shown_text = capsys.readouterr().err
    assert "ingested a [b].csv: 2 rows (10 bytes, batch 1)" in shown_text
    assert "failed   c.csv" in shown_text
