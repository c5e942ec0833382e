"""`startwarehouse` writes a warehouse that works as it is."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from lineage.connections import work_connection
from medallion.checks import check_warehouses
from medallion.ingestion.ingest import Failed, ingest_source
from medallion.registry import warehouse
from tests.warehouses.evolution import declared, run
from tests.warehouses.shop import Shop

pytestmark = pytest.mark.django_db

DATA = Path(settings.BASE_DIR).parent / "shared" / "data"
ORDERS = """Order ID;Customer;Placed at;Amount (EUR);Status;class;
1;Ada;2024-01-01 10:00;1,50;open;a;x
2;Ben;2024-01-02 11:00;20;paid;b;y
3;Zoë;2024-01-02 12:30;7;open;a;
"""
CUSTOMERS = """id,name,last_updated
1,Ada,2024-01-01
2,Ben,2024-01-01
1,Ada Brown,2024-02-01
"""

Start = Callable[..., str]


@pytest.fixture
def start(shop: Shop, tmp_path: Path, settings: Any) -> Start:
    """start(*arguments): the text that startwarehouse writes, installed, with its files ingested and loaded."""
    settings.ASSAY_DATA_ROOT = tmp_path / "data"
    (tmp_path / "data").mkdir()

    def start(*arguments: str | Path) -> str:
        shutil.rmtree(shop.package, ignore_errors=True)
        out = io.StringIO()
        call_command("startwarehouse", shop.label, *map(str, arguments), into=tmp_path, stdout=out)
        text = (shop.package / "warehouse.py").read_text()
        shop.declare("")
        (shop.package / "warehouse.py").write_text(text)
        warehouse.cache_clear()
        assert check_warehouses(None) == []
        assert shop.make()
        shop.migrate()
        with work_connection() as connection:
            for target in declared(shop.label):
                if target.startswith("bronze."):
                    results = ingest_source(connection, warehouse().bronze_specs[target])
                    assert [result.error for result in results if isinstance(result, Failed)] == []
        run(shop.sql, shop.label)
        assert shop.make() == []
        return text

    return start


def kept(shop: Shop) -> dict[str, tuple[int, int]]:
    """Silver table → (rows, exceptions)."""
    return {
        target: (
            shop.value(f"SELECT count(*) FROM {target}"),
            shop.value("SELECT count(*) FROM dwh_lineage.quality_exceptions WHERE target_table = %s", target),
        )
        for target in declared(shop.label)
        if target.startswith("silver.")
    }


def test_files_of_any_kind_become_a_warehouse_with_evidence_for_each_guess(
    shop: Shop, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "visits 2024.csv").write_bytes(ORDERS.encode("cp1252"))
    (tmp_path / "data" / "people_2024-01-01.csv").write_text(CUSTOMERS)
    (tmp_path / "data" / "people_2024-01-02.csv").write_text(CUSTOMERS.replace("2024-02-01", "2024-03-01"))
    text = start("--from", tmp_path / "visits 2024.csv", *(tmp_path / "data").glob("people*"))
    assert 'path = "people_*.csv"' in text
    assert 'delimiter = ";"  # 3 of 3 lines have 7 cells with it' in text
    assert 'encoding = "cp1252"  # not UTF-8' in text
    assert '"amount_eur": "Amount (EUR)",' in text
    assert 'key = "order_id"  # no two rows of a file have the same (of 3)' in text
    assert 'key = "id"  # id and last_updated tell all rows of a file apart; last_updated says since when' in text
    assert 'history = SCD2(effective="last_updated")' in text
    assert "# on all 6 rows" in text
    assert kept(shop) == {"silver.visits": (3, 0), "silver.people": (3, 0)}
    assert shop.value("SELECT customer FROM silver.visits WHERE order_id = 3") == "Zoë"


def test_a_table_of_a_database_becomes_a_warehouse_with_its_primary_key(shop: Shop, start: Start) -> None:
    shop.sql.execute("CREATE SCHEMA shop_source")
    shop.sql.execute("CREATE TABLE shop_source.line (a int, b text, qty numeric, PRIMARY KEY (b, a))")
    shop.sql.execute("INSERT INTO shop_source.line SELECT n % 10, 'x' || n, n FROM generate_series(1, 50) AS n")
    text = start("--from-table", "shop_source.line")
    assert 'key = ("a", "b")  # is the table\'s primary key' in text
    assert kept(shop) == {"silver.line": (50, 0)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ("id,ID\n1,2\n", "two columns are called id"),
        ("1,2,3\n4,5,6\n", "is no header"),
    ],
)
def test_what_is_no_table_is_refused(start: Start, tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "odd.csv").write_text(content)
    with pytest.raises(CommandError, match=message):
        start("--from", tmp_path / "odd.csv")
    with pytest.raises(CommandError, match="no file"):
        start("--from", tmp_path / "nowhere.csv")


def test_a_folder_that_is_there_is_left_alone(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is there already"):
        call_command("startwarehouse", shop.label, "--from", str(tmp_path / "x.csv"), into=tmp_path)
    with pytest.raises(CommandError, match="is no name"):
        call_command("startwarehouse", "No-Name", "--from", str(tmp_path / "x.csv"), into=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "pattern",
    [
        "northwind/csv/*.csv", "chinook/csv/*.csv", "jaffle_shop/seeds/*.csv", "jaffle_classic/*.csv",
        "adventureworks/*.csv", "openrefine_files/*.csv", "openrefine_files/*.tsv", "lambeth_payments/2011-0*.csv",
        "online_retail_2010_12/*.csv",
    ],
)  # fmt: skip
def test_real_files_become_warehouses_that_work_as_they_are(shop: Shop, start: Start, pattern: str) -> None:
    files = sorted(DATA.glob(pattern))
    if not files:
        pytest.skip(f"the real files are not here: {DATA / pattern}")
    start("--from", *files)
    found = kept(shop)
    assert found
    for target, (rows, exceptions) in found.items():
        line = shop.value("SELECT dwh_etl.measure_accounting(%s)", target)
        assert line["gap"] == 0, target
        assert exceptions <= 0.25 * (rows + exceptions), (target, rows, exceptions)
