"""What is wrong with a declaration is found before anything runs, naming file and class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medallion import declaration, pipelines
from medallion.checks import check_warehouses
from medallion.registry import Warehouse
from medallion.warehouse import SCD1, SCD2, Integer, Pipeline, Text, Timestamp, bronze, gold, silver, sources


class Files(sources.CsvFiles):
    path = "checks/*.csv"


class RawThings(bronze.Table):
    source = Files
    columns = "id name changed"


class Things(silver.Table):
    thing_id = Integer("id")
    name = Text("trim(name)")
    changed = Timestamp("changed")

    class Meta:
        source = RawThings
        key = "thing_id"
        history = SCD2(effective="changed")


def findings(monkeypatch: pytest.MonkeyPatch, *tables: type[declaration.Table], **more: Any) -> dict[str, str]:
    """The checks' findings over a warehouse of these tables: id → message and hint."""
    declared = Warehouse(tables={table.target: table for table in tables}, **more)
    monkeypatch.setattr("medallion.checks.warehouse", lambda: declared)
    return {str(found.id): f"{found.msg} {found.hint}" for found in check_warehouses(None)}


def test_a_right_declaration_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(monkeypatch, RawThings, Things) == {}


def test_the_installed_warehouses_are_right() -> None:
    assert check_warehouses(None) == []


def test_an_expression_that_reads_an_unknown_column_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(silver.Table):
        name = Text("trim(nmae)")

        class Meta:
            source = RawThings

    found = findings(monkeypatch, RawThings, Wrong)
    assert "reads nmae, which bronze.raw_things does not have" in found["assay.E031"]
    assert "test_checks.py: class" in found["assay.E031"]
    assert "id, name" in found["assay.E031"]


def test_an_expression_that_is_no_sql_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(silver.Table):
        name = Text("trim(name) FROM")

        class Meta:
            source = RawThings

    assert "no SQL expression: trim(name) FROM" in findings(monkeypatch, RawThings, Wrong)["assay.E030"]


def test_a_history_without_key_or_with_a_wrong_effective_column_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(silver.Table):
        name = Text("name")
        other = Text("id")

        class Meta:
            source = RawThings
            history = SCD2(effective="name")

    found = findings(monkeypatch, RawThings, Wrong)
    assert "needs a key" in found["assay.E024"]
    assert "no Timestamp or Date column" in found["assay.E025"]


@pytest.mark.parametrize("history", [SCD1(), SCD2(), SCD1(effective="changed"), SCD2(effective="changed")])
def test_a_history_of_nothing_but_a_key_is_found(monkeypatch: pytest.MonkeyPatch, history: Any) -> None:
    said = {"id": Text("id"), "Meta": type("Meta", (), {"source": RawThings, "key": "id", "history": history})}
    effective = {"changed": Timestamp("name")} if history.effective else {}
    wrong = type("Wrong", (silver.Table,), {"__module__": __name__, **said, **effective})
    assert "no column beside its key" in findings(monkeypatch, RawThings, wrong)["assay.E026"]


def test_a_column_that_was_never_what_it_says_it_was_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Raw(bronze.Table):
        source = Files
        columns = "id name changed"
        renamed_from = {"label": "title"}

    class Wrong(silver.Table):
        title = Text("name", renamed_from="other")
        other = Text("id")

        class Meta:
            source = RawThings

    assert "label cannot have been title" in findings(monkeypatch, Raw)["assay.E017"]
    assert "title cannot have been other" in findings(monkeypatch, RawThings, Wrong)["assay.E017"]


@pytest.mark.parametrize(
    ("query", "number", "words"),
    [
        (
            "SELECT t.name, count(*) AS n, t.thing_id FROM silver.things AS t GROUP BY t.name",
            "E044",
            "t.thing_id is neither",
        ),
        ("SELECT * FROM silver.things", "E041", "must name its columns"),
        ("SELECT t.name FROM things AS t", "E041", "needs its layer"),
        ("SELECT t.name FROM silver.nothing AS t", "E042", "silver.nothing, which nobody declares"),
        ("SELECT t.thing_id FROM silver.things AS t", "E043", "grain names name"),
        ("SELECT FROM WHERE", "E041", "not SQL"),
    ],
)
def test_what_is_wrong_with_a_query_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, query: str, number: str, words: str
) -> None:
    (tmp_path / "wrong.sql").write_text(query)

    class Wrong(gold.Aggregate):
        grain = "name"

    Wrong.query = str(tmp_path / "wrong.sql")
    assert words in findings(monkeypatch, RawThings, Things, Wrong)[f"assay.{number}"]


def test_a_missing_query_file_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(gold.Aggregate):
        query, grain = "nowhere.sql", "name"

    assert "nowhere.sql is not there" in findings(monkeypatch, Wrong)["assay.E040"]


def test_tables_that_read_each_other_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class One(gold.Aggregate):
        grain = "n"

    class Two(gold.Aggregate):
        grain = "n"

    for table, other in ((One, "two"), (Two, "one")):
        (tmp_path / f"{table.name}.sql").write_text(f"SELECT x.n FROM gold.{other} AS x")
        table.query = str(tmp_path / f"{table.name}.sql")
    assert "gold.one → gold.two → gold.one" in findings(monkeypatch, One, Two)["assay.E050"]


def test_names_that_are_no_names_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(bronze.Table):
        name = 'x"; drop table y; --'
        source = Files
        columns = {"Invoice No": "Invoice No"}

    found = findings(monkeypatch, Wrong)
    assert "no name for a table" in found["assay.E002"]
    assert "no name for a column" in found["assay.E012"]


def test_a_table_declared_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    found = findings(monkeypatch, RawThings, doubled=[("bronze.raw_things", "other.py: class RawThings")])
    assert "declared twice" in found["assay.E001"]


def test_a_pipeline_of_an_unknown_table_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(Pipeline):
        targets = ["gold.nothing"]

    class Empty(Pipeline):
        pass

    declared: dict[str, type[pipelines.Pipeline]] = {"wrong": Wrong, "empty": Empty}
    found = findings(monkeypatch, RawThings, pipelines=declared)
    assert "gold.nothing" in found["assay.E061"]
    assert "no targets" in found["assay.W060"]


@pytest.mark.parametrize("retention", ["forever", "0 months", "13", "1.5 years", 13])
def test_a_retention_that_is_none_is_found(monkeypatch: pytest.MonkeyPatch, retention: Any) -> None:
    class RawKept(bronze.Table):
        source = Files
        columns = "id"
        retention: Any = None

    RawKept.retention = retention
    assert f"Its retention is {retention!r}." in findings(monkeypatch, RawKept)["assay.E014"]
    for good in ("13 months", "1 month", "90 days", "2 years", None):
        RawKept.retention = good
        assert findings(monkeypatch, RawKept) == {}


def test_gold_over_bronze_that_forgets_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class RawKept(bronze.Table):
        source = Files
        columns = "id name"
        retention = "13 months"

    class Kept(gold.Aggregate):
        grain = "name"

    (tmp_path / "kept.sql").write_text("SELECT k.name, count(*) AS n FROM bronze.raw_kept AS k GROUP BY k.name")
    Kept.query = str(tmp_path / "kept.sql")
    assert "whose rows go by its retention" in findings(monkeypatch, RawKept, Kept)["assay.E045"]


def test_paths_into_records_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    class Events(sources.JsonLines):
        path = "events/*.jsonl"

    class RawEvents(bronze.Table):
        source = Events
        columns = {"id": "id", "city": "address..city"}

    class RawParts(bronze.Table):
        source = Events
        columns = {"event": "^.id"}

    class RawExploded(bronze.Table):
        source = Files
        columns = "id"
        explode = "parts"

    assert "'address..city' is no path into a record" in findings(monkeypatch, RawEvents)["assay.E016"]
    assert '"^.id" in the columns of a table with explode' in findings(monkeypatch, RawParts)["assay.E016"]
    assert "Files has no JSON to explode" in findings(monkeypatch, RawExploded)["assay.E015"]


def test_what_a_table_of_another_database_cannot_feed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Whole(sources.PostgresTable):
        url = "${CHECKS_URL}"
        table = "data.things"

    class RawWhole(bronze.Table):
        source = Whole
        columns = {"id": ("id", "no")}

    class RawWholeAgain(bronze.Table):
        source = Whole
        columns = "id"

    class Kept(silver.Table):
        thing_id = Integer("id")

        class Meta:
            source = RawWhole

    found = findings(monkeypatch, RawWhole, RawWholeAgain, Kept)
    assert "has one name" in found["assay.E018"]
    assert "feeds two bronze tables. The first is bronze.raw_whole" in found["assay.E019"]
    assert "Append keeps every reading" in found["assay.E037"]
    assert "assay.E037" not in findings(monkeypatch, RawThings, Things)


@pytest.mark.parametrize(
    ("key", "history", "error"),
    [
        ("name", SCD2(effective="changed", often_late=True), None),
        ("name", SCD2(often_late=True), "assay.E035"),
        ("name", SCD1(full_extract=True, often_late=True), "assay.E035"),
        ("changed", SCD2(effective="changed", often_late=True), "assay.E036"),
    ],
)
def test_an_index_for_late_events_that_cannot_be_is_found(
    monkeypatch: pytest.MonkeyPatch, key: str, history: SCD1 | SCD2, error: str | None
) -> None:
    class Late(silver.Table):
        name = Text("name")
        thing_id = Integer("id")
        changed = Timestamp("changed")

    Late.Meta = type("Meta", (), {"source": RawThings, "key": key, "history": history})
    assert set(findings(monkeypatch, RawThings, Late)) == ({error} if error else set())
