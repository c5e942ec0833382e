"""JSON files: each record a row with its payload whole; what is no record is kept beside, as it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medallion.ingestion.errors import DamagedFileError, EmptyFileError, FileTooLargeError, RecordsMissingError
from medallion.ingestion.ingest import ingest_file
from medallion.ingestion.json_records import document, lines
from medallion.sources import JsonFiles, JsonLines
from tests.medallion.bronze_tables import Connection, bad_lines_of, rows_of
from tests.medallion.conftest import MakeBronze

PATHS = {"city": ("address.city", "address.town"), "dotted": ('"a.b".c',)}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def put(root: Path, content: str | bytes) -> Path:
    (root / "a.json").write_bytes(content.encode() if isinstance(content, str) else content)
    return Path("a.json")


def test_lines_become_rows_by_the_paths_of_their_columns(make_bronze: MakeBronze, work: Connection, root: Path) -> None:
    spec = make_bronze("id city dotted tags gone", PATHS, of=JsonLines)
    first = '{"id": 1.50, "address": {"city": "Bonn"}, "a.b": {"c": true}, "tags": ["x", {"y": null}], "gone": null}'
    done = ingest_file(
        work, spec, put(root, f'{first}\n\n  {{"id": "2", "address": {{"town": "Köln"}}}}\r\n'), root=root
    )
    assert (done.rows, done.unreadable) == (2, 0)
    assert rows_of(work, spec) == [
        ("1.50", "Bonn", "true", '["x", {"y": null}]', None),
        ("2", "Köln", None, None, None),
    ]


def test_the_payload_is_kept_whole(make_bronze: MakeBronze, work: Connection, root: Path) -> None:
    spec = make_bronze("id", of=JsonLines)
    record = {"id": 1, "unknown": {"deep": [1, 2.25, None]}}
    ingest_file(work, spec, put(root, json.dumps(record)), root=root)
    assert work.execute(f"SELECT _raw_payload FROM {spec.rows_relation}".encode()).fetchall() == [(record,)]


def test_what_is_no_record_is_kept_with_its_number_and_the_reason(
    make_bronze: MakeBronze, work: Connection, root: Path
) -> None:
    spec = make_bronze("id", of=JsonLines)
    bad = [b'{"id": 1', b"[1]", b"17", b'{"id": "\\u0000"}', b'{"id": NaN}', b'{"id": "\xff"}', b'{"id": "\0"}']
    done = ingest_file(work, spec, put(root, b'{"id": 0}\n' + b"\n".join(bad) + b'\n{"id": 9}\n'), root=root)
    assert (done.rows, done.unreadable) == (2, len(bad))
    assert rows_of(work, spec) == [("0",), ("9",)]
    kept = bad_lines_of(work, done.batch_no)
    assert [(number, line, bytes(raw)) for number, line, raw, _ in kept] == [
        (n, n, raw) for n, raw in enumerate(bad, start=2)
    ]
    for (*_, reason), words in zip(
        kept,
        ["no JSON that PostgreSQL can hold: invalid input", "JSON array", "JSON number", "unsupported Unicode",
         "no JSON that PostgreSQL can hold", "does not decode as utf-8", "NUL character stands at byte 9"],
        strict=True,
    ):  # fmt: skip
        assert words in reason


@pytest.mark.parametrize(
    ("records", "content"),
    [
        ("", '[{"id": 1}, {"id": 2}]'),
        (
            "data.items",
            '{"n": 2, "data": {"x": [{"id": 7}], "items": [\n{"id": 1},\n{"id": 2}\n]}, "more": {"items": []}}',
        ),
        ('"a.b"', '\ufeff{"a.b": [{"id": 1}, {"id": 2}]}'),
    ],
)
def test_the_records_of_a_document_are_at_its_path(
    make_bronze: MakeBronze, work: Connection, root: Path, records: str, content: str
) -> None:
    spec = make_bronze("id", of=JsonFiles, records=records)
    assert ingest_file(work, spec, put(root, content), root=root).rows == 2
    assert rows_of(work, spec) == [("1",), ("2",)]


def test_a_document_that_is_one_object_is_one_record(make_bronze: MakeBronze, work: Connection, root: Path) -> None:
    spec = make_bronze("id", of=JsonFiles)
    assert ingest_file(work, spec, put(root, '{"id": 1}'), root=root).rows == 1


@pytest.mark.parametrize(
    ("content", "records", "error", "words"),
    [
        ("", "", EmptyFileError, "is empty"),
        ('[{"id": 1}, {"id": 2', "", DamagedFileError, "line 1: it is no JSON"),
        ('[{"id": 1}\n{"id": 2}]', "", DamagedFileError, "line 2: it is no JSON (',' is missing)"),
        ('[{"id": 1}] 7', "", DamagedFileError, "something follows"),
        ("{id: 1}", "data", DamagedFileError, "a key is missing"),
        ("17", "", RecordsMissingError, "neither a list nor an object"),
        ('{"data": [1]}', "items", RecordsMissingError, "lacks the key 'items'"),
        ('{"data": 5}', "data.items", RecordsMissingError, "lacks the key 'items'"),
        ("[" * 100_000, "", DamagedFileError, "nested too deeply"),
    ],
)
def test_a_damaged_document_lands_nothing_and_says_where(
    make_bronze: MakeBronze,
    work: Connection,
    root: Path,
    content: str,
    records: str,
    error: type[Exception],
    words: str,
) -> None:
    spec = make_bronze("id", of=JsonFiles, records=records)
    with pytest.raises(error) as refused:
        ingest_file(work, spec, put(root, content), root=root)
    assert words in str(refused.value)
    assert "a.json" in str(refused.value)
    assert rows_of(work, spec) == []


def test_a_list_in_a_record_becomes_rows_that_know_their_parent(
    make_bronze: MakeBronze, work: Connection, root: Path
) -> None:
    spec = make_bronze("cart product element", {"cart": ("^.id",), "product": ("id",), "element": (".",)},
                       of=JsonLines, explode="lines.products")  # fmt: skip
    content = (
        '{"id": 1, "lines": {"products": [{"id": 5}, {"id": 6}]}}\n{"id": 2}\n{"id": 3, "lines": {"products": [7]}}\n'
    )
    done = ingest_file(work, spec, put(root, content + '{"id": 4, "lines": {"products": "none"}}'), root=root)
    assert (done.rows, done.unreadable) == (3, 1)
    assert rows_of(work, spec) == [("1", "5", '{"id": 5}'), ("1", "6", '{"id": 6}'), ("3", None, "7")]
    assert bad_lines_of(work, done.batch_no)[0][3] == "What stands at lines.products is no list."


def test_the_cap_on_rows_holds(make_bronze: MakeBronze, work: Connection, root: Path) -> None:
    spec = make_bronze("id", of=JsonLines, max_rows=2)
    with pytest.raises(FileTooLargeError, match="more than 2 rows"):
        ingest_file(work, spec, put(root, '{"id": 1}\n' * 3), root=root)


def test_a_file_that_was_ingested_is_skipped(make_bronze: MakeBronze, work: Connection, root: Path) -> None:
    spec = make_bronze("id", of=JsonLines)
    path = put(root, '{"id": 1}\n')
    assert [ingest_file(work, spec, path, root=root).skipped for _ in range(2)] == [False, True]


@given(
    records=st.lists(VALUES, max_size=5), size=st.integers(1, 9), indent=st.sampled_from([None, 1]), deep=st.booleans()
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_records_are_cut_out_of_a_document_wherever_its_blocks_end(
    records: list[Any], size: int, indent: int | None, deep: bool
) -> None:
    whole = {"before": records, "data": {"items": records, "after": 1}} if deep else records
    text = json.dumps(whole, indent=indent, ensure_ascii=False).encode()
    blocks = [text[n : n + size] for n in range(0, len(text), size)]
    found = [
        record for some in document(blocks, "a.json", "utf-8", ["data", "items"] if deep else []) for record in some
    ]
    assert [json.loads(record.raw) for record in found] == records
    assert [record.number for record in found] == list(range(1, len(records) + 1))


@given(records=st.lists(VALUES, max_size=5), size=st.integers(1, 9))
@settings(max_examples=100, deadline=None)
def test_lines_are_cut_wherever_the_blocks_end(records: list[Any], size: int) -> None:
    text = "\n".join(json.dumps(record) for record in records).encode()
    blocks = [text[n : n + size] for n in range(0, len(text), size)]
    found = [record for some in lines(blocks, "a.json", "utf-8") for record in some]
    assert [json.loads(record.raw) for record in found] == records
