"""A line that is not CSV does not stop its file: it is kept as it stood, with its number and the reason."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medallion.ingestion.ingest import ingest_file
from medallion.ingestion.spec import BronzeSpec
from tests.medallion.bronze_tables import Connection, bad_lines_of, rows_of
from tests.medallion.conftest import MakeBronze

relaxed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def put(root: Path, content: bytes) -> Path:
    (root / "a.csv").write_bytes(content)
    return Path("a.csv")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1,2", "It has 2 cells where the header has 3."),
        (b"1,2,3,4", "It has 4 cells where the header has 3."),
        (b"1,a\0b,3", "A NUL character stands at byte 4"),
        (b"1,caf\xe9,3", "Byte 6 of the line does not decode as utf-8."),
        (b'1,5" pipe,3', "A quote stands in the middle of cell 2"),
        (b'1,"a"b,3', "Text follows the closing quote of cell 2."),
        (b'1,"a" "b",3', "Text follows the closing quote of cell 2."),
        (b'1,"open,3', "The quote that opens cell 2 is not closed"),
        (b"1,a\rb,3", "A line break stands in cell 2 without quotes"),
        (b"\\.", "It has 1 cell where the header has 3."),
    ],
)
def test_a_bad_line_is_kept_and_the_others_land(
    work: Connection, make_bronze: MakeBronze, root: Path, line: bytes, reason: str
) -> None:
    spec = make_bronze("a b c")
    text = b'a,b,c\n0,"x\ny",z\n' + line + b'\n2,b,"c"\n3,"q"" ""r",c\n'
    done = ingest_file(work, spec, put(root, text), root=root)
    assert (done.rows, done.unreadable) == (3, 1)
    assert rows_of(work, spec) == [("0", "x\ny", "z"), ("2", "b", "c"), ("3", 'q" "r', "c")]
    [(record, number, raw, why)] = bad_lines_of(work, done.batch_no)
    assert (record, number, raw) == (2, 4, line)
    assert why.startswith(reason)


def test_quotes_in_the_middle_do_not_swallow_the_lines_between(
    work: Connection, make_bronze: MakeBronze, root: Path
) -> None:
    """COPY alone would read one row of these three, and say nothing."""
    spec = make_bronze("a b")
    done = ingest_file(work, spec, put(root, b'a,b\n1,5" pipe\n2,x\n3,6" pipe\n'), root=root)
    assert (done.rows, done.unreadable) == (1, 2)
    assert rows_of(work, spec) == [("2", "x")]


def test_line_ends_may_be_mixed_and_blank_lines_are_no_records(
    work: Connection, make_bronze: MakeBronze, root: Path
) -> None:
    spec = make_bronze("a b")
    done = ingest_file(work, spec, put(root, b"a,b\r\n1,2\n3,4\r\n\r\n\n5\n6,7\n\n"), root=root)
    assert rows_of(work, spec) == [("1", "2"), ("3", "4"), ("6", "7")]
    assert [line[:3] for line in bad_lines_of(work, done.batch_no)] == [(3, 6, b"5")]


def test_the_end_mark_of_copy_is_a_cell_like_any_other(work: Connection, make_bronze: MakeBronze, root: Path) -> None:
    spec = make_bronze("a")
    ingest_file(work, spec, put(root, b"a\n1\n\\.\n\n2\n"), root=root)
    assert rows_of(work, spec) == [("1",), ("\\.",), (None,), ("2",)]


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_a_bad_line_is_kept_in_the_bytes_of_its_file(
    work: Connection, make_bronze: MakeBronze, root: Path, encoding: str
) -> None:
    spec = make_bronze("a b", encoding=encoding)
    raw = {"utf-16": "é\ud800,x".encode("utf-16-le", "surrogatepass"), "cp1252": b"\xe9\x81,x"}[encoding]
    after = "\n2,é\n".encode("utf-16-le" if encoding == "utf-16" else encoding)
    done = ingest_file(work, spec, put(root, "a,b\n".encode(encoding) + raw + after), root=root)
    assert rows_of(work, spec) == [("2", "é")]
    assert [line[2] for line in bad_lines_of(work, done.batch_no)] == [raw]


def test_a_file_cut_off_within_a_character_keeps_what_came_before(
    work: Connection, make_bronze: MakeBronze, root: Path
) -> None:
    spec = make_bronze("a b")
    done = ingest_file(work, spec, put(root, "a,b\n1,2\n3,4".encode("utf-16")[:-1]), root=root)
    assert (done.rows, done.unreadable) == (1, 1)
    assert bad_lines_of(work, done.batch_no)[0][3].startswith("Byte ")


def test_a_quote_that_is_never_closed_costs_its_line_only(
    work: Connection, make_bronze: MakeBronze, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medallion.ingestion.records.LONGEST", 1000)
    monkeypatch.setattr("medallion.ingestion.content.BLOCK", 300)
    spec = make_bronze("a b")
    lines = [b'%d,"open' % n if n % 100 == 5 else b"%d,x" % n for n in range(1000)]
    done = ingest_file(work, spec, put(root, b"\n".join([b"a,b", *lines])), root=root)
    assert (done.rows, done.unreadable) == (990, 10)
    assert [line[0] for line in bad_lines_of(work, done.batch_no)] == list(range(6, 1000, 100))


@pytest.fixture
def spec(make_bronze: MakeBronze) -> BronzeSpec:
    """One table for all the examples of a property: each is a batch of its own, or has been before."""
    return make_bronze("a b c")


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
cells = st.one_of(texts, st.text('",;|\t\n\r\\. a', max_size=6), st.none())
tables = st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=30)


def written(table: list[tuple[str | None, ...]], delimiter: str, end: str) -> bytes:
    """CSV by Python's own writer; None is written as nothing, the empty text as two quotes."""
    buffer = io.StringIO()
    for row in table:
        parts = []
        for cell in row:
            part = io.StringIO()
            csv.writer(part, delimiter=delimiter, lineterminator="\r\n").writerow([cell or "", ""])
            parts.append('""' if cell == "" else part.getvalue()[: -len(delimiter + "\r\n")])
        buffer.write(delimiter.join(parts) + end)
    return buffer.getvalue().encode()


@relaxed
@given(tables, st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n"]), st.sampled_from([1, 7, 1 << 19]))
def test_every_cell_is_what_was_written(
    work: Connection,
    spec: BronzeSpec,
    root: Path,
    table: list[tuple[str | None, ...]],
    delimiter: str,
    end: str,
    block: int,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("medallion.ingestion.content.BLOCK", block)
        content = delimiter.join("abc").encode() + end.encode() + written(table, delimiter, end)
        done = ingest_file(work, spec, put(root, content), root=root)
    assert (done.rows, done.unreadable) == (len(table), 0)
    assert rows_of(work, spec, done.batch_no) == table


BAD = [b"x", b"1,2,3,4", b"1,\xff,3", b"1,\0,3", b'1,2,x"y', b'1,"2"2,3', b'1,2",3', b'x"y"z,2,3']
plain = st.text("abc é;\t\\.", min_size=1, max_size=5)


@relaxed
@given(
    st.lists(st.one_of(st.sampled_from(BAD), st.tuples(cells, cells, cells)), min_size=1, max_size=30),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([1, 7, 1 << 19]),
)
def test_bad_lines_among_good_ones_are_found_by_number(
    work: Connection,
    spec: BronzeSpec,
    root: Path,
    lines: list[bytes | tuple[str | None, ...]],
    end: str,
    block: int,
) -> None:
    content = f"a,b,c{end}".encode()
    for line in lines:
        content += line + end.encode() if isinstance(line, bytes) else written([line], ",", end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("medallion.ingestion.content.BLOCK", block)
        done = ingest_file(work, spec, put(root, content), root=root)
    assert done.rows + done.unreadable == len(lines)
    assert rows_of(work, spec, done.batch_no) == [line for line in lines if not isinstance(line, bytes)]
    bad = bad_lines_of(work, done.batch_no)
    assert [(line[0], line[2]) for line in bad] == [
        (number, line) for number, line in enumerate(lines, 1) if isinstance(line, bytes)
    ]
    assert all(content[: content.find(line[2])].count(b"\n") <= line[1] for line in bad)
