"""Real data sets: what is dirty ends in exceptions or unreadable lines with its reason and record; the rest lands."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from psycopg import sql

from medallion import compile
from medallion.bronze import Table
from medallion.ingestion.ingest import ingest_file
from medallion.sources import CsvFiles
from tests.real.conftest import DATA, Connection, Take, need

pytestmark = pytest.mark.django_db


def records(path: str, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    """A file as Python reads it; names and cells without the spaces around them."""
    with (DATA / path).open(encoding=encoding, newline="") as file:
        rows = csv.DictReader(file, delimiter="\t" if path.endswith(".tsv") else ",")
        return [{str(name).strip(): (cell or "").strip() for name, cell in row.items()} for row in rows]


def test_northwind(take: Take) -> None:
    need("northwind")
    taken = take("northwind")
    unshipped = [n for n, row in enumerate(records("northwind/csv/orders.csv"), 1) if not row["shipped_date"]]
    assert len(unshipped) == 21
    assert taken.broken("silver.northwind_orders") == {
        ("northwind/csv/orders.csv", number): ("shipped_on:required",) for number in unshipped
    }
    assert taken.count("silver.northwind_orders") == 830 - 21
    assert taken.count("silver.northwind_details") == 2155
    raw, clean = (
        [address for (address,) in taken.rows(*table)]
        for table in (("bronze.raw_northwind_orders", ["ship_address"]), ("silver.northwind_orders", ["ship_address"]))
    )
    assert sum("  " in address for address in raw) == 28
    assert not [address for address in clean if "  " in address]
    assert ("Vins et alcools Chevalier",) in taken.rows("silver.northwind_orders", ["ship_name"])
    assert taken.gaps() == {}


def test_chinook(take: Take) -> None:
    need("chinook")
    taken = take("chinook")
    assert [taken.count(f"silver.chinook_{table}") for table in ("customers", "invoices")] == [59, 412]
    assert not taken.broken("silver.chinook_customers")
    assert not taken.broken("silver.chinook_invoices")
    assert ("Luís Gonçalves",) in taken.rows("silver.chinook_customers", ["name"])
    assert taken.rows("silver.chinook_customers", ["company"]).count((None,)) == 49
    assert taken.gaps() == {}


def test_pagila(take: Take) -> None:
    need("pagila")
    taken = take("pagila")
    out = [n for n, row in enumerate(records("pagila/csv/rental.csv"), 1) if not row["return_date"]]
    assert len(out) == 183
    assert taken.broken("silver.pagila_rentals") == {
        ("pagila/csv/rental.csv", number): ("returned_at:required",) for number in out
    }
    assert taken.count("silver.pagila_rentals") == 16_044 - 183
    assert taken.count("silver.pagila_payments") == 16_049
    assert taken.gaps() == {}


def test_jaffle_shops(take: Take) -> None:
    need("jaffle_shop", "jaffle_classic")
    taken = take("jaffle")
    counts = {"customers": 932 + 935, "orders": 72_024, "items": 107_357, "classic_orders": 99, "classic_payments": 113}
    assert {name: taken.count(f"silver.jaffle_{name}") for name in counts} == counts
    assert not [name for name in counts if taken.broken(f"silver.jaffle_{name}")]
    assert [result.file for result in taken.ingested if result.file.endswith("raw_customers.csv")] == [
        "jaffle_shop/generated_1y/raw_customers.csv",
        "jaffle_shop/seeds/raw_customers.csv",
    ]
    assert taken.gaps() == {}


def test_adventureworks(take: Take) -> None:
    need("adventureworks")
    taken = take("adventureworks")
    people = records("adventureworks/AdventureWorks_Customers.csv")
    unknown = [n for n, row in enumerate(people, 1) if row["Gender"] == "NA"]
    assert len(unknown) == 130
    assert taken.broken("silver.adventure_customers") == {
        ("adventureworks/AdventureWorks_Customers.csv", number): ("prefix:required", "gender:one_of")
        for number in unknown
    }
    assert taken.count("silver.adventure_customers") == len(people) - 130
    good = [int(row["AnnualIncome"].strip("$ ").replace(",", "")) for row in people if row["Gender"] != "NA"]
    assert sum(income for (income,) in taken.rows("silver.adventure_customers", ["income"])) == sum(good)
    assert Counter(file for file, _ in taken.broken("silver.adventure_products")) == {
        "adventureworks/AdventureWorks_Products (unclean).csv": 175
    }
    assert taken.reasons("silver.adventure_products") == {"size:required": 175}
    assert taken.count("silver.adventure_sales") == 2_630 + 23_935 + 29_481
    assert [str(failed.error) for failed in taken.failed] == [
        "adventureworks/AdventureWorksSales.zip holds 3 files; pack one CSV file into one zip file."
    ]
    assert taken.gaps() == {}


def test_febrl(take: Take) -> None:
    need("febrl")
    taken = take("febrl")
    states = {"act", "nsw", "nt", "qld", "sa", "tas", "vic", "wa"}
    expected = Counter[str]()
    for name in ("1", "2", "3", "4a", "4b"):
        for row in records(f"febrl/febrl/dataset{name}.csv"):
            born = row["date_of_birth"]
            expected["state:one_of"] += row["state"] not in states
            expected["born_on:required"] += not born
            expected["born_on:castable"] += bool(born) and not is_date(born)
    assert expected["born_on:required"] == 41 + 110 + 155 + 94 + 199
    assert taken.reasons("silver.real_persons") == +expected
    assert taken.count("silver.real_persons") == 21_000 - len(taken.broken("silver.real_persons"))
    assert taken.gaps() == {}


def is_date(text: str) -> bool:
    """Whether eight digits are a day of the calendar."""
    if not re.fullmatch(r"\d{8}", text) or text.startswith("0000"):
        return False
    year, month, day = int(text[:4]), int(text[4:6]), int(text[6:])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return 1 <= month <= 12 and 1 <= day <= days[month - 1]


LAMBETH = "lambeth_payments/{}-payments.csv"
#: An amount in a line that is broken: after a comma, or run together with a date or with the supplier "Academy21".
AMOUNT = re.compile(r"(?:,|/201\d|Academy21)(\d+(?:\.\d+)?)(?=,\D|[A-Z]|$)")


def test_lambeth_payments_add_up_to_the_totals_that_the_council_printed(take: Take) -> None:
    need("lambeth_payments")
    taken = take("lambeth")
    assert taken.failed == []
    assert len(taken.ingested) == 17
    landed, printed = (
        dict(taken.connection.execute(query).fetchall())
        for query in (
            "SELECT r._source_file, sum(p.amount) FROM silver.real_payments AS p "
            "JOIN bronze.raw_payments AS r ON r._bronze_id = p._source_bronze_id GROUP BY 1",
            "SELECT _source_file, amount::numeric FROM bronze.raw_payments "
            "WHERE trim(supplier) = 'Grand Total' OR _extra ->> 'Body' = 'Total'",
        )
    )
    del landed[LAMBETH.format("2011-01")]  # the only file without a total
    in_bad_lines = Counter[str]()
    for file in landed:
        for _, _, raw, _ in taken.unreadable(file):
            text, _, total = raw.decode().partition("Grand Total,")
            in_bad_lines[file] += sum(map(Decimal, AMOUNT.findall(text)), Decimal())  # type: ignore[assignment]
            printed |= {file: Decimal(total)} if total else {}
    assert {file: total - landed[file] for file, total in printed.items()} == {
        file: in_bad_lines[file] for file in landed
    }
    assert {file: str(amount) for file, amount in in_bad_lines.items() if amount} == {
        LAMBETH.format("2011-10"): "740",
        LAMBETH.format("2011-11"): "76098.04",
        LAMBETH.format("2012-02"): "740.00",
        LAMBETH.format("2012-06"): "516394.31",
    }
    # The blank and the total lines that the NOTE tells of, and nothing else.
    assert set(taken.broken("silver.real_payments").values()) == {
        ("supplier:does_not_match",),
        ("supplier:required",),
        ("supplier:required", "amount:required"),
    }
    assert taken.gaps() == {}


def test_lambeth_lines_without_a_comma_are_kept_with_their_numbers(take: Take) -> None:
    need("lambeth_payments")
    taken = take("lambeth")
    file = LAMBETH.format("2012-06")
    lines = (DATA / file).read_bytes().splitlines()
    ragged = [
        number
        for number, line in enumerate(lines, 1)
        if number > 14 and line and len(next(csv.reader([line.decode()]))) != 6
    ]
    unreadable = taken.unreadable(file)
    assert len(ragged) == 639
    assert [(line, raw) for _, line, raw, _ in unreadable] == [(number, lines[number - 1]) for number in ragged]
    assert Counter(reason for *_, reason in unreadable) == {
        "It has 5 cells where the header has 6.": 638,
        "It has 4 cells where the header has 6.": 1,
    }


def test_openrefine_files(take: Take) -> None:
    need("openrefine_files")
    taken = take("openrefine")
    assert taken.failed == []
    assert taken.count("bronze.raw_birds") == 19_723
    contracts = "openrefine_files/government_contracts.csv"
    expected = {}
    for number, row in enumerate(records(contracts), 1):
        rules = ["contractor:required"] * (not row["Contractor Name"])
        rules += ["awarded_at:castable"] * (row["Date of Award"] == "0000-00-00 00:00:00")
        expected |= {(contracts, number): tuple(rules)} if rules else {}
    assert len(expected) == 4_873
    assert taken.broken("silver.real_contracts") == expected
    assert taken.reasons("silver.real_contracts")["awarded_at:castable"] == 19
    assert taken.count("silver.real_contracts") == 6_422 - 4_873
    assert taken.broken("silver.persons_age") == {
        ("openrefine_files/persons_with_empty_column.csv", number): ("gender:matches",) for number in (1, 2, 3)
    }
    assert [born for _, _, born in taken.rows("bronze.raw_queens")] == [" 1662", "1769"]
    assert taken.rows("bronze.raw_breaks") == [("aa", "bb", "cc", "dd"), ("ee", "f\nf", "gg", "h\nh")]
    assert taken.rows("bronze.raw_marked") == [("A1", "B1"), ("A2", "B2")]
    assert taken.count("bronze.raw_food") == 199
    assert taken.count("bronze.raw_movies") == 20
    assert taken.count("bronze.raw_presidents") == 43
    assert taken.gaps() == {}


def test_openrefine_files_in_all_encodings_have_the_same_lines(take: Take) -> None:
    need("openrefine_files")
    taken = take("openrefine")
    written = {"latin1": "cp1252", "utf16be-bom": "utf-16-be", "utf16le-bom": "utf-16-le", "utf8": "utf-8"}
    for name, encoding in written.items():
        lines = taken.unreadable(f"openrefine_files/example-{name}.tsv")
        assert [raw.decode(encoding)[:31] for _, _, raw, _ in lines][:2] == [
            "02042003\t05042003\tAlgeria\tTizi ",
            "07122002\t07122002\tAlgeria\tNear ",
        ]
        assert "Béjaïa" in lines[0][2].decode(encoding)
        # Each line ends with one tab more than the header has.
        assert {reason for _, _, _, reason in lines[:2]} == {"It has 12 cells where the header has 11."}


CLEAN = [
    path
    for folder in ("northwind", "chinook", "pagila", "jaffle_*", "adventureworks", "raha", "febrl")
    for path in sorted(DATA.glob(f"{folder}/**/*.csv"))
]


@pytest.mark.parametrize("path", CLEAN or [None], ids=[str(path.relative_to(DATA)) for path in CLEAN] or ["absent"])
def test_bronze_holds_what_python_reads(database: Connection, path: Path | None) -> None:
    if path is None:
        pytest.skip(f"the real files are not here: {DATA}")
    header, *expected = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
    source = type("Any", (CsvFiles,), {"path": "*"})
    columns = {f"c{number}": name for number, name in enumerate(header)}
    table = type("RawAny", (Table,), {"source": source, "columns": columns})
    database.execute(compile.create(table.target, table.contract(), "real").forward)
    ingested = ingest_file(database, table.spec(), path, root=DATA)
    rows = database.execute(
        sql.SQL("SELECT {} FROM bronze.raw_any ORDER BY _bronze_id").format(
            sql.SQL(", ").join(sql.SQL("coalesce({}, '')").format(sql.Identifier(name)) for name in columns)
        )
    ).fetchall()
    assert ingested.unreadable == 0
    assert rows == [tuple(row) for row in expected]
