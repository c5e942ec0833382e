"""VACUUM, which no routine of the database can do."""

from __future__ import annotations

from django.db import connection

from medallion.maintenance import vacuum
from tests.medallion.execution.small_house import House


def test_errata_17_tables_are_vacuumed_outside_of_any_transaction(house: House) -> None:
    names = [name for name in house.installed if not name.startswith("bronze.")]
    with connection.cursor() as cursor:
        cursor.execute("".join(f"CREATE TABLE {name} AS SELECT 1 AS one;" for name in names))
        try:
            assert set(names) <= set(vacuum())
            cursor.execute("SELECT pg_stat_force_next_flush()")
            cursor.execute("SELECT count(last_vacuum) FROM pg_stat_user_tables"
                           " WHERE relid = ANY (%s::regclass[])", [names])  # fmt: skip
            assert cursor.fetchone() == (len(names),)
        finally:
            cursor.execute("".join(f"DROP TABLE {name};" for name in names))
