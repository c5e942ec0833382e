"""Pickup: a new file is ingested once, a growing one later, a broken one is shown and tried again when it changes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from medallion.ingestion import pickup
from medallion.ingestion.spec import BronzeSpec
from medallion.models import ReceivedFile
from tests.medallion.bronze_tables import Connection, rows_of
from tests.medallion.conftest import MakeBronze


@pytest.fixture
def spec(make_bronze: MakeBronze, root: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> BronzeSpec:
    """A declared warehouse of one table whose files are picked up, and one whose are not."""
    spec, other = make_bronze("id", pickup=True, path="**/*.csv"), make_bronze("id")
    declared = type("Declared", (), {"bronze_specs": {spec.target: spec, other.target: other}})
    monkeypatch.setattr(pickup, "warehouse", lambda: declared)
    settings.ASSAY_DATA_ROOT = root
    return spec


def put(path: Path, text: str, age: float = 60) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    os.utime(path, (time.time() - age,) * 2)


def look() -> list[tuple[str, str]]:
    return [(row.file, row.state) for row in pickup.pick_up()]


def test_a_new_file_is_ingested_once(spec: BronzeSpec, root: Path, owner: Connection) -> None:
    put(root / "1.csv", "id\n1\n2\n3,4\n")
    assert look() == [("1.csv", "ingested")]
    row = ReceivedFile.objects.get()
    assert (row.rows, row.unreadable, row.uploaded_by) == (2, 1, "")
    assert look() == []
    put(root / "copy.csv", "id\n1\n2\n3,4\n")
    assert look() == [("copy.csv", "skipped")]
    put(root / "1.csv", "id\n9\n", age=30)
    assert look() == [("1.csv", "ingested")]
    assert rows_of(owner, spec) == [("1",), ("2",), ("9",)]


def test_a_file_that_grows_is_left_until_it_has_not_changed_between_two_looks(spec: BronzeSpec, root: Path) -> None:
    put(root / "1.csv", "id\n1\n", age=0)
    assert look() == [("1.csv", "growing")]
    put(root / "1.csv", "id\n1\n2\n", age=1)
    assert look() == [("1.csv", "growing")]
    assert look() == [("1.csv", "ingested")]
    assert ReceivedFile.objects.get().rows == 2


def test_a_broken_file_is_shown_and_tried_again_only_when_it_changes(spec: BronzeSpec, root: Path) -> None:
    put(root / "1.csv", "name\nx\n")
    put(root / "2.csv", "id\n1\n")
    assert look() == [("1.csv", "failed"), ("2.csv", "ingested")]
    assert "the header lacks the column id" in ReceivedFile.objects.get(file="1.csv").error
    assert look() == []
    put(root / "1.csv", "id\n5\n", age=50)
    assert look() == [("1.csv", "ingested")]
    assert ReceivedFile.objects.get(file="1.csv").error == ""


def test_links_out_of_the_root_are_refused_and_uploads_left_alone(spec: BronzeSpec, root: Path, tmp_path: Path) -> None:
    put(tmp_path / "secret.csv", "id\n1\n")
    (root / "link.csv").symlink_to(tmp_path / "secret.csv")
    os.utime(root / "link.csv", (0, 0), follow_symlinks=False)
    put(root / "uploads" / "x.csv", "id\n1\n")
    assert look() == [("link.csv", "failed")]
    assert look() == []


def test_two_looks_at_once_do_not_meet(spec: BronzeSpec, root: Path, owner: Connection) -> None:
    put(root / "1.csv", "id\n1\n")
    assert owner.execute(pickup._LOCK).fetchone() == (True,)
    assert look() == []
    owner.execute("SELECT pg_advisory_unlock_all()")
    assert look() == [("1.csv", "ingested")]
