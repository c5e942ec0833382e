"""What is wrong with a star is found before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from medallion import declaration
from medallion.columns import Generated
from medallion.warehouse import Numeric, gold
from tests.medallion.test_checks import RawThings, Things, findings

SQL = "SELECT t.thing_id, t.name, t.valid_from, t.valid_to, t.is_current FROM silver.things AS t"


@pytest.fixture(autouse=True)
def queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each table's query is SQL, or what it says under `sql`."""

    def file(cls: type[gold.Table], name: str) -> Path:
        path = tmp_path / name
        if not name.startswith("missing"):
            path.write_text(getattr(cls, "sql", SQL))
        return path

    monkeypatch.setattr(gold.Base, "file", classmethod(file))


class DimThing(gold.Dimension):
    query, key, surrogate = "dim.sql", "thing_id valid_from", "thing_key"


class Days(gold.Calendar):
    country = "DE-BY"


class FactThing(gold.Fact):
    query, grain = "fact.sql", "thing_id date_key"
    sql = "SELECT t.thing_id, d.thing_key, 20260101 AS date_key FROM silver.things AS t " \
          "LEFT JOIN gold.dim_thing AS d ON d.thing_id = t.thing_id"  # fmt: skip
    dimensions = {"thing_key": DimThing, "date_key": Days}
    partition_by = "date_key"


def found(monkeypatch: pytest.MonkeyPatch, *tables: type[declaration.Table]) -> dict[str, str]:
    return findings(monkeypatch, RawThings, Things, DimThing, Days, *tables)


def test_a_right_star_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, FactThing) == {}


def test_columns_that_the_query_does_not_give_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(gold.Dimension):
        query, key, surrogate, required = "dim.sql", "thing_id", "wrong_key", "nmae"

    assert "required names nmae, which dim.sql does not give" in found(monkeypatch, Wrong)["assay.E070"]

    class WrongToo(gold.Dimension):
        query, key, surrogate = "dim.sql", "thing_id", "wrong_key"
        twice = Generated("price * 2", of=Numeric)

    assert "The generated column twice reads price" in found(monkeypatch, WrongToo)["assay.E070"]


def test_a_dimension_without_its_keys_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(gold.Dimension):
        query, key = "dim.sql", "thing_id valid_from"
        sql = "SELECT t.thing_id, t.valid_from FROM silver.things AS t"

    wrong = found(monkeypatch, Wrong)
    assert "surrogate" in wrong["assay.E072"]
    assert "no valid_to and no is_current" in wrong["assay.E073"]


def test_a_fact_with_wrong_dimensions_or_partitions_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(gold.Fact):
        query, grain = "fact.sql", "thing_id"
        dimensions = {"person_key": DimThing, "name": FactThing}
        partition_by, partition_every = "day", "week"

    wrong = found(monkeypatch, Wrong, FactThing)
    assert "that is no dimension" in wrong["assay.E074"]
    assert "Its partition_every is 'week'" in wrong["assay.E075"]


def test_a_snapshot_without_its_period_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(gold.Snapshot):
        query, grain = "fact.sql", "thing_id"

    assert "Its period date_key is not in its grain" in found(monkeypatch, Wrong)["assay.E076"]


def test_a_materialized_view_with_checks_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(gold.MaterializedView):
        query, key = "view.sql", "thing_id"
        checks = [gold.Unique("thing_id")]

    assert "has no checks" in found(monkeypatch, Wrong)["assay.E077"]


@pytest.mark.parametrize(
    ("said", "finding"),
    [
        ({"first": "2026-02-30"}, "are no days"), ({"first": "2031-01-01"}, "ends before it begins"),
        ({"fiscal_year_starts": 13}, "fiscal_year_starts is 13"), ({"country": "Atlantis"}, "the holidays of Atlantis"),
    ],
)  # fmt: skip
def test_a_calendar_that_makes_no_sense_is_found(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, object], finding: str
) -> None:
    wrong = type("Wrong", (gold.Calendar,), said)
    assert finding in found(monkeypatch, wrong)["assay.E078"]


def test_a_routine_s_file_that_is_not_there_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(gold.Calendar):
        routines = ["missing.sql"]

    assert "Its routine missing.sql is not there" in found(monkeypatch, Wrong)["assay.E040"]


def test_a_dimension_s_column_needs_an_alias(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(gold.Aggregate):
        query, grain = "agg.sql", "name"
        sql = "SELECT gold.dim_thing.name, count(*) AS n FROM gold.dim_thing GROUP BY gold.dim_thing.name"

    assert "names the column gold.dim_thing.name" in found(monkeypatch, Wrong)["assay.E071"]
