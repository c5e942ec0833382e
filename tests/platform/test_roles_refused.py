"""Where the server does not let us create roles, migration says so and goes on, and loads run as the owner."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from assay import embedded
from tests.platform import embedded_helpers as helpers

FILE = (
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    "1,A,THING,2,2024-01-02 10:00:00,1.5,17.0,France\n"
)


@pytest.mark.slow
def test_an_owner_that_may_not_create_roles_gets_a_working_warehouse_and_is_told(
    servers: embedded.Servers, var: Path
) -> None:
    with psycopg.connect(servers.superuser_url, autocommit=True) as superuser:
        superuser.execute("ALTER ROLE assay_owner NOCREATEROLE")
    given = {"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url, "DEBUG": "1"}

    migrated = helpers.manage("migrate", "--verbosity=0", var=var, **given)
    assert migrated.returncode == 0, migrated.stderr
    for role in ("etl_service", "analyst_role", "steward_role"):
        assert f"The role {role} could not be created: assay_owner may not create roles." in migrated.stderr
        assert f"CREATE ROLE {role}" in migrated.stderr

    (var / "data" / "retail").mkdir(parents=True)
    (var / "data" / "retail" / "2024-01-02.csv").write_text(FILE)
    for command in (("ingest", "invoices"), ("run", "retail_daily", "--here")):
        done = helpers.manage(*command, var=var, **given)
        assert done.returncode == 0, done.stderr
    with psycopg.connect(servers.database_url) as owner:
        assert owner.execute("SELECT revenue FROM gold.retail_monthly_revenue").fetchone() == (3,)

    examined = helpers.manage("doctor", var=var, **given)
    assert examined.returncode == 1
    assert "loads work as the owner" in examined.stdout
