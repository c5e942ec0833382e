"""Files and paths that mean harm are refused, with a clear error."""

from __future__ import annotations

import gzip
import os
import zipfile
from pathlib import Path

import pytest
import zstandard

from medallion.ingestion.errors import (
    DamagedFileError,
    FileMissingError,
    FileTooLargeError,
    NotAFileError,
    OutsideRootError,
)
from medallion.ingestion.ingest import Failed, ingest_file, ingest_source
from medallion.ingestion.spec import BronzeSpec
from tests.medallion.bronze_tables import Connection, rows_of
from tests.medallion.conftest import MakeBronze

MIB = 1024 * 1024


@pytest.fixture
def spec(make_bronze: MakeBronze) -> BronzeSpec:
    return make_bronze("id")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    (tmp_path / "secret.csv").write_text("id\n1\n")
    return tmp_path / "secret.csv"


@pytest.mark.parametrize("path", ["../secret.csv", "x/../../secret.csv", "../../etc/passwd", "/etc/passwd", "a\0b.csv"])
def test_a_path_out_of_the_root_is_refused(
    work: Connection, spec: BronzeSpec, root: Path, secret: Path, path: str
) -> None:
    with pytest.raises(OutsideRootError):
        ingest_file(work, spec, Path(path), root=root)


def test_a_link_out_of_the_root_is_refused_in_a_glob_too(
    work: Connection, spec: BronzeSpec, root: Path, secret: Path
) -> None:
    (root / "a.csv").symlink_to(secret)
    (root / "folder").symlink_to(secret.parent)
    [failed] = ingest_source(work, spec, root=root)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, OutsideRootError)
    with pytest.raises(OutsideRootError, match="leads out of the data root"):
        ingest_file(work, spec, Path("folder/secret.csv"), root=root)


def test_a_link_within_the_root_is_followed(work: Connection, spec: BronzeSpec, root: Path) -> None:
    (root / "real.txt").write_text("id\n1\n")
    (root / "a.csv").symlink_to("real.txt")
    assert ingest_file(work, spec, Path("a.csv"), root=root).rows == 1


def test_a_root_that_is_a_link_itself_is_fine(work: Connection, spec: BronzeSpec, root: Path) -> None:
    (root / "a.csv").write_text("id\n1\n")
    (root.parent / "link").symlink_to(root)
    done = ingest_file(work, spec, root.parent / "link" / "a.csv", root=root.parent / "link")
    assert (done.file, done.rows) == ("a.csv", 1)


@pytest.mark.parametrize("name", ["pipe", "folder", "gone", "loop", "n" * 300])
def test_what_is_no_file_is_refused(work: Connection, spec: BronzeSpec, root: Path, name: str) -> None:
    os.mkfifo(root / "pipe")
    (root / "folder").mkdir()
    (root / "loop").symlink_to("loop")
    with pytest.raises((NotAFileError, FileMissingError)):
        ingest_file(work, spec, Path(name), root=root)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_a_bomb_is_not_unpacked(work: Connection, spec: BronzeSpec, root: Path, pack: object) -> None:
    assert callable(pack)
    (root / "a.csv").write_bytes(pack(b"id\n" + b"0\n" * 50 * MIB))
    with pytest.raises(FileTooLargeError, match=r"a\.csv unpacks to more than 200 times its size"):
        ingest_file(work, spec, Path("a.csv"), root=root)
    assert rows_of(work, spec) == []


def test_a_file_beyond_the_cap_is_refused(work: Connection, make_bronze: MakeBronze, root: Path) -> None:
    spec = make_bronze("id", max_bytes=1000)
    (root / "a.csv").write_text("id\n" + "1\n" * 1000)
    with pytest.raises(FileTooLargeError, match=r"more than 1,000 bytes .* max_bytes of the source Drop"):
        ingest_file(work, spec, Path("a.csv"), root=root)


@pytest.mark.parametrize(
    ("members", "words"),
    [({"a": "id\n1", "b": "id\n2"}, "holds 2 files"), ({}, "holds 0 files"), ({"[Content_Types].xml": ""}, "Excel")],
)
def test_a_zip_of_anything_but_one_is_refused(
    work: Connection, spec: BronzeSpec, root: Path, members: dict[str, str], words: str
) -> None:
    with zipfile.ZipFile(root / "a.zip", "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    with pytest.raises(DamagedFileError, match=words):
        ingest_file(work, spec, Path("a.zip"), root=root)


def test_a_header_that_is_sql_is_a_name_like_any_other(work: Connection, make_bronze: MakeBronze, root: Path) -> None:
    spec = make_bronze("id")
    (root / "a.csv").write_text('"x""; DROP TABLE bronze.raw; --",id,"y\'); DROP"\n1,2,"=cmd|\' /C calc\'!A0"\n')
    ingest_file(work, spec, Path("a.csv"), root=root)
    assert rows_of(work, spec) == [("2",)]


def test_a_column_whose_name_is_sql_is_quoted(work: Connection, make_bronze: MakeBronze, root: Path) -> None:
    name = 'x";drop'
    spec = make_bronze(name)
    (root / "a.csv").write_text('"x"";drop"\n1\n')
    ingest_file(work, spec, Path("a.csv"), root=root)
    assert rows_of(work, spec) == [("1",)]


@pytest.mark.parametrize(
    "content", ["id\n1\n2\n3\n4\n", "id\n1\n2\n3\n4", 'id\n1\n"2"x\n3\n4\n', "id\n" + "1\n" * 300_000]
)
def test_a_file_of_too_many_rows_stops_at_the_cap(
    make_bronze: MakeBronze, work: Connection, root: Path, content: str
) -> None:
    spec = make_bronze("id", max_rows=3)
    (root / "a.csv").write_text(content)
    with pytest.raises(FileTooLargeError, match=r"a\.csv has more than 3 rows\. .* raise max_rows of the source Drop"):
        ingest_file(work, spec, Path("a.csv"), root=root)
    assert rows_of(work, spec) == []


def test_line_breaks_in_cells_are_no_rows(make_bronze: MakeBronze, work: Connection, root: Path) -> None:
    spec = make_bronze("id", max_rows=2)
    (root / "a.csv").write_text('id\n"1\n1\n1"\n2\n')
    assert ingest_file(work, spec, Path("a.csv"), root=root).rows == 2
