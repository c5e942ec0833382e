"""docs/how-to/dbt.md: a snapshot becomes the same history, by what the page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from assay.embedded.places import CHECKOUT
from lineage.connections import work_connection
from medallion.ingestion.ingest import Ingested, ingest_source
from medallion.registry import warehouse
from tests.warehouses.shop import Shop

SNAPSHOT = """
CREATE SCHEMA snapshots;
CREATE TABLE snapshots.subscribers (
    id integer, email text, plan text, dbt_scd_id text,
    dbt_updated_at timestamp, dbt_valid_from timestamp, dbt_valid_to timestamp
);
INSERT INTO snapshots.subscribers VALUES
    (1, 'a@x.example', 'free', 'k1', '2024-01-01', '2024-01-01', '2024-02-01'),
    (1, 'a@x.example', 'paid', 'k2', '2024-02-01', '2024-02-01', NULL),
    (2, 'b@x.example', 'free', 'k3', '2024-01-01', '2024-01-01', '2024-01-15'),
    (3, 'c@x.example', NULL, 'k4', '2024-01-01', '2024-01-01', '2024-01-10'),
    (3, 'c@x.example', 'paid', 'k5', '2024-03-01', '2024-03-01', NULL);
"""


@pytest.mark.slow
@pytest.mark.django_db
def test_a_snapshot_becomes_the_same_history(shop: Shop, tmp_path: Path, settings: Any) -> None:
    text = (CHECKOUT / "docs" / "how-to" / "dbt.md").read_text(encoding="utf-8")
    export, compare = re.findall(r"^```sql\n(.*?)^```", text, re.M | re.S)
    (declaration,) = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    settings.ASSAY_DATA_ROOT = tmp_path
    shop.sql.execute(SNAPSHOT)
    (tmp_path / "crm").mkdir()
    with shop.sql.cursor() as cursor, cursor.copy(export) as rows:
        (tmp_path / "crm" / "0000_snapshot.csv").write_bytes(b"".join(rows))
    shop.step(declaration.partition("\n\n\n")[2])
    with work_connection() as connection:
        (landed,) = ingest_source(connection, warehouse().bronze_specs["bronze.raw_subscribers"])
    assert isinstance(landed, Ingested)
    shop.run("silver.subscribers")
    assert shop.sql.execute(compare).fetchall() == []
    assert shop.value("SELECT count(*) FROM silver.subscribers") == 5
    assert shop.value("SELECT count(*) FROM silver.subscribers WHERE is_current") == 2
