"""Exceptions as CSV, out and back."""

from __future__ import annotations

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from lineage.exporting import escaped
from quality import importing
from quality.exporting import ABOUT, unescaped
from quality.importing import difference
from quality.models import QualityDecision
from quality.replay import replay
from quality.resolution import Decision, DecisionRefused, Selection, decide, stop
from quality.states import DecisionVerb
from tests.warehouses.shop import Shop
from tests.warehouses.test_clearing import TARGET, arrive, client, rows  # noqa: F401 - a fixture
from tests.warehouses.test_overlay import GOOD

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "'=1",
    "''",
    " =1",
    "\n=1",
    "＝1",
    "-12",
    "-1,5",
]


@given(st.text())
def test_what_is_escaped_comes_back_exactly_and_starts_nothing(value: str) -> None:
    cell = escaped(value)
    assert unescaped(cell) == value
    assert not cell.lstrip().startswith(("=", "+", "@", "\t", "\0"))


@pytest.mark.parametrize("number", ["-12", "-1.5", "-1,234.50", "-.5", "-1e-7"])
def test_negative_numbers_are_left_alone(number: str) -> None:
    assert escaped(number) == number


@pytest.mark.parametrize("formula", ["=1", "+12", "-", "-1+1", "-a", "@x", "\t1", "\r=", "\0", " =1", "--1", "-1\n"])
def test_what_may_be_a_formula_is_not_left_alone(formula: str) -> None:
    assert escaped(formula) == f"'{formula}"


def exported() -> list[list[str]]:
    response = client("ada").get(reverse("admin:exceptions_csv"), {"target": TARGET})
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(text, newline="")))


def written(lines: list[list[str]], separator: str = ",") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(lines)
    return text.getvalue().encode()


def test_a_file_that_comes_back_as_it_went_changes_nothing(rows: list[int], shop: Shop) -> None:  # noqa: F811
    arrive(shop, *(GOOD | {"state": "onn", "note": value} for value in [*HOSTILE, "", None]))
    found = difference(written(exported()))
    assert (found.changes, found.refused, found.unchanged) == ([], [], 4 + len(HOSTILE) + 2)
    assert all(not cell.startswith(("=", "+", "@")) for line in exported() for cell in line)


@pytest.mark.parametrize("separator", [",", ";"])
def test_corrected_cells_are_shown_and_then_one_decision(rows: list[int], separator: str) -> None:  # noqa: F811
    lines = exported()
    state, note = lines[0].index("state", len(ABOUT)), lines[0].index("note")
    lines[1][state], lines[2][state], lines[2][note] = "on", "off", "'=note"
    address = reverse("admin:bring_back")
    page = client("ada").post(address, {"file": SimpleUploadedFile("back.csv", written(lines, separator))})
    assert page.context["found"].patches == {rows[0]: {"state": "on"}, rows[1]: {"state": "off", "note": "=note"}}
    assert not QualityDecision.objects.exists()
    said = {"carried": page.context["carried"], "seen": page.context["found"].seen, "confirm": "1"}
    client("ada").post(address, said)
    assert replay(QualityDecision.objects.get().pk).landed == 2
    assert client("ada").post(address, said).status_code == 400  # once


def test_an_emptied_cell_loses_its_value(rows: list[int]) -> None:  # noqa: F811
    lines = exported()
    lines[1][lines[0].index("sensor")] = ""
    assert difference(written(lines)).patches == {rows[0]: {"sensor": None}}


def test_lines_that_cannot_be_meant_are_refused_each_with_its_reason(rows: list[int]) -> None:  # noqa: F811
    lines = exported()
    state = lines[0].index("state", len(ABOUT))
    for line in lines[1:]:
        line[state] = "on"
    stale, unknown, short, twice = ([*lines[1]] for _ in range(4))
    unknown[0], stale[1], stale[0], short[:] = "999999", "0" * 12, lines[2][0], short[:-1]
    found = difference(written([lines[0], lines[1], stale, unknown, short, twice, [*lines[3][:-1], "a\0b"]]))
    assert [why.split(":")[0] for _, why in found.refused] == [
        "it has been changed since it was exported",
        "there is no such exception",
        f"it has {len(lines[0]) - 1} cells, not {len(lines[0])}",
        "the exception is in the file already",
        "it has a NUL character, which no text can hold",
    ]
    assert [line for line, _ in found.refused] == [3, 4, 5, 6, 7]
    assert list(found.patches) == [rows[0]]


def test_what_was_decided_meanwhile_is_refused_until_it_is_open_again(rows: list[int]) -> None:  # noqa: F811
    lines = exported()
    state = lines[0].index("state", len(ABOUT))
    lines[1][state] = lines[3][state] = "on"
    address = reverse("admin:bring_back")
    page = client("ada").post(address, {"file": SimpleUploadedFile("b.csv", written(lines))})
    said = {"carried": page.context["carried"], "seen": page.context["found"].seen, "confirm": "1"}
    rejected = decide(Decision(DecisionVerb.REJECT, Selection(TARGET, exceptions=(rows[0],)), "bob", reason="x"))
    response = client("ada").post(address, said)
    assert "has changed since this was shown" in response.content.decode()
    assert QualityDecision.objects.get() == rejected
    assert [why for _, why in difference(written(lines)).refused] == ["it is not open any more: queued"]
    stop(rejected.pk, by="bob")
    assert difference(written(lines)).refused == []
    assert client("ada").post(address, said | {"carried": "forged"}).status_code == 400


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no file of exceptions"),
        (b"a,b\r\n1,2\r\n", "no file of exceptions"),
        (b"exception,seen,state,key,broken,\xff\r\n", "not UTF-8"),
        (b'exception,seen,state,key,broken\r\n1,2,3,4,"x', "not CSV"),
        (b"exception,seen,state,key,broken\r\n1,2,3,4," + b"x" * 200_000, "not CSV"),
        (b"exception,seen,state,key,broken,a,a\r\n", "no file of exceptions"),
    ],
)
def test_hostile_files_are_refused(content: bytes, why: str) -> None:
    with pytest.raises(DecisionRefused, match=why):
        difference(content)


def test_a_column_that_the_source_does_not_have_is_refused(rows: list[int]) -> None:  # noqa: F811
    lines = [[*line, "x" if number else "evil"] for number, line in enumerate(exported())]
    assert {why for _, why in difference(written(lines)).refused} == {"evil is no column of the source"}


def test_a_file_of_too_many_bytes_or_rows_is_not_read_on(rows: list[int], monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(importing, "MOST_LINES", 2)
    with pytest.raises(DecisionRefused, match="more than 2 rows"):
        difference(written(exported()))
    monkeypatch.setattr("quality.csv_views.MOST_BYTES", 1000)
    file = SimpleUploadedFile("big.csv", written(exported()) * 1000)
    response = client("ada").post(reverse("admin:bring_back"), {"file": file})
    assert response.status_code == 400
    assert "more than 1,000 bytes" in response.content.decode()


def test_without_a_table_there_is_no_file(rows: list[int]) -> None:  # noqa: F811
    assert client("ada").get(reverse("admin:exceptions_csv")).status_code == 302
