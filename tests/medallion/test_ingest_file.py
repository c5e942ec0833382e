"""A file becomes bronze rows, whole or not at all, once."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import random
import threading
import time
import zipfile
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import zstandard
from django.conf import settings
from psycopg import sql

from lineage.connections import work_connection
from medallion.ingestion.errors import (
    DamagedFileError,
    DuplicateColumnsError,
    EmptyFileError,
    FileMissingError,
    HeaderError,
    MissingColumnsError,
    NotPermittedError,
    UnknownColumnsError,
)
from medallion.ingestion.ingest import Failed, Ingested, Reading, ingest_file, ingest_source
from medallion.ingestion.spec import BronzeSpec
from medallion.sources import FAIL
from tests.medallion.bronze_tables import Connection, bad_lines_of, rows_of
from tests.medallion.conftest import MakeBronze

TEXT = 'id,name,note\n1,Ada,\n2,Bø,"a ""b"", c"\n3,"","two\r\nlines"\n'
ROWS = [("1", "Ada", None), ("2", "Bø", 'a "b", c'), ("3", "", "two\r\nlines")]


def put(root: Path, content: str | bytes, name: str = "a.csv") -> Path:
    (root / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return Path(name)


@pytest.fixture
def spec(make_bronze: MakeBronze) -> BronzeSpec:
    return make_bronze("id name note")


def count(connection: Connection, spec: BronzeSpec) -> int:
    relation = sql.Identifier(*spec.rows_relation.split("."))
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(relation)).fetchone()
    assert row is not None
    return int(row[0])


def batches(connection: Connection, spec: BronzeSpec) -> int:
    return len(connection.execute("SELECT 1 FROM dwh_lineage.batches WHERE target = %s", (spec.target,)).fetchall())


def test_rows_land_with_their_batch_counts_and_lineage(work: Connection, spec: BronzeSpec, root: Path) -> None:
    run_id = uuid4()
    done = ingest_file(work, spec, put(root, TEXT), run_id, root=root)
    assert (done.rows, done.unreadable, done.skipped, done.file) == (3, 0, False, "a.csv")
    assert rows_of(work, spec, done.batch_no) == ROWS
    batch = work.execute(
        "SELECT batch_id, source_system, source_file, source_checksum, source_bytes, rows_read, rows_inserted"
        " FROM dwh_lineage.batches WHERE batch_no = %s",
        (done.batch_no,),
    ).fetchone()
    assert batch == (run_id, "drop", "a.csv", done.checksum, len(TEXT.encode()), 3, 3)
    edge = work.execute(
        "SELECT source_table, rows_inserted FROM dwh_lineage.table_lineage WHERE batch_no = %s", (done.batch_no,)
    )
    assert edge.fetchone() == ("drop", 3)


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        gzip.compress(TEXT.encode(), mtime=0),
        zstandard.compress(TEXT.encode()),
        zstandard.compress(TEXT[:30].encode()) + zstandard.compress(TEXT[30:].encode()),
    ],
    ids=["utf-8", "utf-8 mark", "utf-16", "utf-16 be", "utf-32", "gzip", "zstd", "zstd of two frames"],
)
def test_every_shape_of_a_file_gives_the_same_rows(
    work: Connection, spec: BronzeSpec, root: Path, content: bytes
) -> None:
    ingest_file(work, spec, put(root, content), root=root)
    assert rows_of(work, spec) == ROWS


def test_a_zip_of_one_is_unpacked(work: Connection, spec: BronzeSpec, root: Path) -> None:
    with zipfile.ZipFile(root / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.csv", TEXT)
    ingest_file(work, spec, Path("a.zip"), root=root)
    assert rows_of(work, spec) == ROWS
    assert not (root.parent.parent / "evil.csv").exists()


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "shift_jis"])
def test_a_declared_encoding_is_read(work: Connection, make_bronze: MakeBronze, root: Path, encoding: str) -> None:
    word = "ソ表" if encoding == "shift_jis" else "Café"  # in Shift JIS their second bytes are \ too
    spec = make_bronze("id name", encoding=encoding)
    ingest_file(work, spec, put(root, f"id,name\n1,{word}\n".encode(encoding)), root=root)
    assert rows_of(work, spec) == [("1", word)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(work: Connection, spec: BronzeSpec, root: Path, delimiter: str) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows([["note", "a,b;c|d", "name", "id"], ["n;,|\t", "x", "y", "1"]])
    ingest_file(work, spec, put(root, buffer.getvalue()), root=root)
    assert rows_of(work, spec) == [("1", "y", "n;,|\t")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "end"])
def test_every_line_end_is_read(work: Connection, spec: BronzeSpec, root: Path, end: str, last: str) -> None:
    lines = ["id,name,note", "1,a,b", '2,"c\nd",e']
    ingest_file(work, spec, put(root, end.join(lines) + (end if last else "")), root=root)
    assert rows_of(work, spec) == [("1", "a", "b"), ("2", "c\nd", "e")]


def test_columns_are_found_by_name_and_alias_not_by_position(
    work: Connection, make_bronze: MakeBronze, root: Path
) -> None:
    spec = make_bronze("id name note", aliases={"id": ("customer no",)})
    ingest_file(work, spec, put(root, 'NOTE," Name ",Customer No\nn,a,1\n'), root=root)
    assert rows_of(work, spec) == [("1", "a", "n")]


def test_columns_nobody_declared_are_kept(work: Connection, spec: BronzeSpec, root: Path) -> None:
    text = 'x"; drop table,id,name,note,,tags\n"say ""hi""",1,a,b,,"x,\ny"\n,2,"",,"",é\nshort,3\n'
    text = '"x""; drop table' + text[len('x"; drop table') :].replace(",id", '",id', 1)
    done = ingest_file(work, spec, put(root, text), root=root)
    relation = sql.Identifier(*spec.rows_relation.split("."))
    extras = work.execute(sql.SQL("SELECT _extra FROM {} ORDER BY _bronze_id").format(relation)).fetchall()
    assert [row[0] for row in extras] == [
        {'x"; drop table': 'say "hi"', "column 5": None, "tags": "x,\ny"},
        {'x"; drop table': None, "column 5": "", "tags": "é"},
    ]
    assert rows_of(work, spec) == [("1", "a", "b"), ("2", "", None)]
    assert [line[:2] for line in bad_lines_of(work, done.batch_no)] == [(3, 5)]


def test_columns_nobody_declared_fail_where_the_source_says_so(
    work: Connection, make_bronze: MakeBronze, root: Path
) -> None:
    spec = make_bronze("id", unknown_columns=FAIL)
    with pytest.raises(UnknownColumnsError, match=r"a\.csv, line 1: nobody declared the column 'phone'"):
        ingest_file(work, spec, put(root, "id,phone\n1,2\n"), root=root)
    assert batches(work, spec) == 0


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("", EmptyFileError, "not even a header"),
        ("\ufeff", EmptyFileError, "not even a header"),
        (
            "id,nam\n1,2\n",
            MissingColumnsError,
            r"lacks the columns name \(is it 'nam'\?\), note .* It has: 'id', 'nam'",
        ),
        ("id,id,name,note\n", DuplicateColumnsError, "cells 1 and 2"),
        ("id,name,note,x,x\n", DuplicateColumnsError, "cells 4 and 5"),
        ("ID,Id,name,note\n", DuplicateColumnsError, "cells 1 and 2"),
        ("i\0d\0,name", HeaderError, "UTF-16"),
        (b"id,name,n\xf6te\n", HeaderError, "encoding ="),
        ("id" * 600_000, HeaderError, "no header ends"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-20], DamagedFileError, "cut off"),
        (zstandard.compress(TEXT.encode())[:-5], DamagedFileError, "cut off"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(
    work: Connection, spec: BronzeSpec, root: Path, text: str | bytes, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        ingest_file(work, spec, put(root, text), root=root)
    assert batches(work, spec) == 0


def test_a_header_alone_is_a_batch_of_no_rows(work: Connection, spec: BronzeSpec, root: Path) -> None:
    assert ingest_file(work, spec, put(root, "id,name,note"), root=root).rows == 0
    assert batches(work, spec) == 1


def test_the_same_file_twice_is_skipped_also_under_another_name_and_packed(
    work: Connection, spec: BronzeSpec, root: Path
) -> None:
    first = ingest_file(work, spec, put(root, TEXT), root=root)
    put(root, TEXT, "b.csv")
    put(root, gzip.compress(TEXT.encode(), mtime=0), "c.csv.gz")
    for name in ("a.csv", "b.csv", "c.csv.gz"):
        again = ingest_file(work, spec, Path(name), root=root)
        assert (again.skipped, again.batch_no, again.first_file, again.file) == (True, first.batch_no, "a.csv", name)
    assert count(work, spec) == 3


def test_a_file_of_a_glob_that_fails_does_not_stop_the_others(work: Connection, spec: BronzeSpec, root: Path) -> None:
    put(root, TEXT, "1.csv")
    put(root, "id\n1\n", "2.csv")
    put(root, "id,name,note\n1,2,3\n", "3.csv")
    events: list[object] = []
    results = ingest_source(work, spec, progress=events.append, root=root)
    assert [type(result) for result in results] == [Ingested, Failed, Ingested]
    assert [event for event in events if not isinstance(event, Reading)] == results
    assert [event.done for event in events if isinstance(event, Reading)][-1] == len("id,name,note\n1,2,3\n")
    assert count(work, spec) == 4


def test_a_glob_that_matches_nothing_says_so(work: Connection, spec: BronzeSpec, root: Path) -> None:
    with pytest.raises(FileMissingError, match=r"matches '\*\.csv' \(path of the source Drop\)"):
        ingest_source(work, spec, root=root)


def test_a_file_that_may_not_be_read_says_so(
    work: Connection, spec: BronzeSpec, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(root, TEXT)

    def refuse(*_: object) -> int:  # root may read everything, so the refusal itself cannot be had for real
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("medallion.ingestion.files.os.open", refuse)
    with pytest.raises(NotPermittedError, match=r"a\.csv: reading it is not permitted"):
        ingest_file(work, spec, path, root=root)


def big(rows: int) -> str:
    rng = random.Random(7)
    return "id,name,note\n" + "".join(f"{n},{rng.random()},some text of a row\n" for n in range(rows))


def test_two_ingestions_of_one_file_land_it_once(spec: BronzeSpec, root: Path, work: Connection) -> None:
    path, results = put(root, big(20_000)), list[Ingested]()
    barrier = threading.Barrier(2)

    def ingest() -> None:
        with work_connection("ingest") as connection:
            barrier.wait()
            results.append(ingest_file(connection, spec, path, root=root))

    threads = [threading.Thread(target=ingest) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.skipped for result in results) == [False, True]
    assert count(work, spec) == 20_000


def test_killed_in_the_middle_leaves_nothing(work: Connection, owner: Connection, spec: BronzeSpec, root: Path) -> None:
    path = put(root, big(60_000))

    def kill(event: object) -> None:
        if isinstance(event, Reading) and event.done > event.total // 2 and not work.closed:
            owner.execute("SELECT pg_terminate_backend(%s, 5000)", (work.info.backend_pid,))

    with pytest.raises(psycopg.OperationalError):
        ingest_file(work, spec, path, root=root, progress=kill)
    assert (count(owner, spec), batches(owner, spec)) == (0, 0)
    with work_connection("ingest") as again:
        assert ingest_file(again, spec, path, root=root).rows == 60_000


def test_a_file_that_is_written_meanwhile_does_not_land(work: Connection, spec: BronzeSpec, root: Path) -> None:
    path = put(root, TEXT)

    def write(event: object) -> None:
        if isinstance(event, Reading) and event.done > len(TEXT.encode()):
            return
        with (root / path).open("a") as file:
            file.write("4,x,y\n")

    with pytest.raises(Exception, match="was written while it was read"):
        ingest_file(work, spec, path, root=root, progress=write)
    assert (count(work, spec), batches(work, spec)) == (0, 0)


def test_the_worker_cannot_name_a_batch_or_change_a_row(work: Connection, spec: BronzeSpec) -> None:
    relation = sql.Identifier(*spec.rows_relation.split("."))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        work.execute(sql.SQL("INSERT INTO {} (_batch_no, id) VALUES (1, 'x')").format(relation))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        work.execute(sql.SQL("DELETE FROM {}").format(relation))


def test_a_million_cells_are_read_in_steps_that_show(work: Connection, spec: BronzeSpec, root: Path) -> None:
    events: list[object] = []
    started = time.monotonic()
    done = ingest_file(work, spec, put(root, big(50_000)), root=root, progress=events.append)
    assert done.rows == 50_000
    assert len(events) > 3
    assert time.monotonic() - started < 10


def test_real_files_land_whole(work: Connection, make_bronze: MakeBronze) -> None:
    folder = Path(settings.BASE_DIR).parent / "shared" / "data" / "online_retail_2010_12"
    if not folder.is_dir():
        pytest.skip(f"the real files are not here: {folder}")
    spec = make_bronze("InvoiceNo StockCode Description Quantity InvoiceDate UnitPrice CustomerID Country")
    results = ingest_source(work, spec, root=folder)
    assert len(results) == 20
    assert sum(result.rows for result in results if isinstance(result, Ingested)) == 42_481
    assert count(work, spec) == 42_481
    again = ingest_source(work, spec, root=folder)
    assert all(isinstance(result, Ingested) and result.skipped for result in again)


REPORT = "Payments of May,,\n,,\nPrinted: 2011-06-01,,\nid,name,note\n1,Ada,x\n2,Bø\n3,Cy,z\n"


def test_the_header_may_stand_below_a_title(work: Connection, make_bronze: MakeBronze, root: Path) -> None:
    spec = make_bronze("id name note", header_within=5)
    result = ingest_file(work, spec, put(root, REPORT), root=root)
    assert rows_of(work, spec) == [("1", "Ada", "x"), ("3", "Cy", "z")]
    assert [line[:2] for line in bad_lines_of(work, result.batch_no)] == [(2, 6)]
    for newline in ("\r\n", "\r"):
        ingest_file(work, spec, put(root, REPORT.replace("\n", newline)), root=root)
    assert count(work, spec) == 6


@pytest.mark.parametrize(
    ("within", "text", "line"), [(3, REPORT, 1), (9, "Title\nid,nam,note\n1,2,3\n", 2), (9, "Title\n\n \n", 1)]
)
def test_a_header_that_is_not_found_is_told_by_the_line_that_comes_nearest(
    work: Connection, make_bronze: MakeBronze, root: Path, within: int, text: str, line: int
) -> None:
    spec = make_bronze("id name note", header_within=within)
    with pytest.raises(MissingColumnsError, match=f"a.csv, line {line}: the header lacks"):
        ingest_file(work, spec, put(root, text), root=root)
