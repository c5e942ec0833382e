"""A warehouse that is dumped and restored goes on as if nothing had happened: nothing lost, nothing twice, guarded."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from assay.embedded import binaries
from assay.restore import RestoreRefused, restore_data
from tests.warehouses import bench_database as bench
from tests.warehouses.conftest import Parameters, copy_of
from tests.warehouses.lab import warehouse

pytestmark = pytest.mark.django_db
TARGETS = ("silver.readings", "silver.members", "silver.presences", "gold.dim_member", "gold.readings_by_day")
ENVIRONMENT = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
READING = {"sensor": "ab", "order": "1", "big": "10", "amount": "1", "at": "2024-01-01 10:00:00", "state": "on"}
MEMBER = {"region": "n", "id": "1", "name": "A", "updated": "2024-01-01", "state": "a"}


def program(name: str, parameters: Parameters, *arguments: str) -> None:
    with psycopg.connect(**parameters) as connection:
        folder = binaries.client_bin(connection.info.server_version // 10_000)
    found = shutil.which(name, path=str(folder) if folder else None)
    if found is None:
        pytest.skip(f"there is no {name} here")
    given = {ENVIRONMENT[key]: str(value) for key, value in parameters.items()}
    subprocess.run([found, *arguments], env=os.environ | given, check=True, capture_output=True)


def take(connection: bench.Connection, number: int, *, load: bool) -> None:
    """A file for each bronze table with a bad row, and an INSERT of another program."""
    with bench.repeatable_read(connection):
        bench.ingest(connection, warehouse.RawReadings, [READING, READING | {"order": "0"}], f"r{number}.csv")
        member = MEMBER | {"name": f"n{number}", "updated": f"2024-01-{number:02}"}
        bench.ingest(connection, warehouse.RawMembers, [member, MEMBER | {"id": "x"}], f"m{number}.csv")
        bench.foreign(connection, warehouse.RawReadings, [READING])
    for target in TARGETS if load else ():
        bench.run(connection, target)


def forget(connection: bench.Connection) -> None:
    """A member of four months ago is loaded, and its bronze row dropped."""
    ago = datetime.now(UTC) - timedelta(days=125)
    connection.execute("CALL dwh_etl.ensure_bronze_partitions('bronze.raw_members', in_since => %s)", (ago,))
    with bench.repeatable_read(connection):
        bench.foreign(connection, warehouse.RawMembers, [MEMBER | {"id": "7"}], ago)
    for table in bench.SILVER:
        bench.run(connection, table.target)
    connection.execute(
        'UPDATE dwh_lineage.targets SET contract = contract || \'{"retention": "2 months"}\' '
        "WHERE target = 'bronze.raw_members'"
    )
    dropped = connection.execute("SELECT sum(dropped) FROM dwh_etl.retire_partitions('bronze.raw_members')").fetchone()
    assert dropped == (1,)


@pytest.fixture
def lived_in(lab_parameters: Parameters) -> Iterator[Parameters]:
    """A laboratory with two loaded ingestions, one that waits, a skip, rows of two months ago, and older ones that went
    by retention."""
    with copy_of(lab_parameters, "_old") as old:
        with psycopg.connect(**old, autocommit=True) as connection:
            connection.execute(
                "CALL dwh_etl.ensure_bronze_partitions('bronze.raw_readings', 2, now() - interval '2 months')"
            )
            connection.execute(
                "INSERT INTO bronze.raw_readings_rows (sensor, _ingested_at) VALUES ('ab', now() - interval '2 months')"
            )
            forget(connection)
            take(connection, 1, load=True)
            take(connection, 2, load=True)
            take(connection, 3, load=False)
            connection.execute("CALL dwh_etl.set_watermark('silver.presences', '_ingested_at', 'infinity')")
        yield old


@pytest.fixture
def restored(request: pytest.FixtureRequest, lived_in: Parameters, lab_parameters: Parameters, tmp_path: Path
             ) -> Iterator[Parameters]:  # fmt: skip
    """The same, dumped in one of two ways and restored."""
    if request.param == "full":
        dump = tmp_path / "dump.sql"
        program("pg_dump", lived_in, "--file", str(dump))
        new = lived_in | {"dbname": lived_in["dbname"] + "_new"}
        name = sql.Identifier(new["dbname"])
        with psycopg.connect(**lived_in | {"dbname": "postgres"}, autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(name))
            server.execute(sql.SQL("CREATE DATABASE {}").format(name))
            program("psql", new, "--quiet", "--set", "ON_ERROR_STOP=1", "--file", str(dump))
            yield new
            server.execute(sql.SQL("DROP DATABASE {}").format(name))
        return
    dump = tmp_path / "dump"
    program("pg_dump", lived_in, "--data-only", "--format=custom", "--file", str(dump))
    with copy_of(lab_parameters, "_new") as new:  # as freshly migrated
        restore_data(new, dump)
        yield new


def everything(connection: bench.Connection) -> dict[str, list[str]]:
    """All rows of all tables of the warehouse, but for the migrations, which the new database has its own of."""
    tables = connection.execute(
        "SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
        "WHERE n.nspname IN ('bronze', 'silver', 'gold', 'dwh_lineage', 'dwh_staging', 'public') "
        "AND c.relkind = 'r' AND c.relname <> 'django_migrations'"
    ).fetchall()
    return {
        f"{schema}.{name}": found
        for schema, name in tables
        if (found := sorted(
            row for (row,) in connection.execute(
                sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(schema, name))
            )
        ))
    }  # fmt: skip


def answers(connection: bench.Connection) -> dict[str, list[str]]:
    """The rows of the layers without what each database has of its own: surrogates, bronze ids, ingestion times."""
    own = {target: {"_source_bronze_id"} for target in TARGETS}
    own["silver.presences"] |= {"valid_from", "valid_to"}  # since when we know it
    return {
        target: sorted(
            str({k: v for k, v in row.items() if not k.endswith(("_sk", "_key")) and k not in own[target]})
            for row in bench.rows(connection, target)
        )
        for target in TARGETS
    }


@pytest.mark.parametrize("restored", ["full", "data only"], indirect=True)
def test_what_was_restored_goes_on_where_it_stood(lived_in: Parameters, restored: Parameters) -> None:
    with (
        psycopg.connect(**lived_in, autocommit=True) as old,
        psycopg.connect(**restored, autocommit=True) as new,
    ):
        assert everything(new) == everything(old)
        for connection in (old, new):
            for target in TARGETS:
                bench.run(connection, target)
            take(connection, 4, load=True)
        assert answers(new) == answers(old)
        stood = bench.rows(new, "silver.members")
        assert 7 in {row["id"] for row in stood}
        bench.run(new, "silver.members", "rebuild")
        assert bench.rows(new, "silver.members") == stood
        for target in TARGETS[:3]:
            row = new.execute("SELECT dwh_etl.measure_accounting(%s) ->> 'gap'", (target,)).fetchone()
            assert row == ("0",), target
        assert_guarded(new)


def assert_guarded(connection: bench.Connection) -> None:
    unguarded = connection.execute(
        "SELECT p.relid::regclass::text FROM dwh_lineage.targets AS t, "
        "LATERAL pg_partition_tree(t.rows_relation::regclass) AS p "
        "WHERE t.layer = 'bronze' AND (SELECT count(*) FROM pg_trigger AS g WHERE g.tgrelid = p.relid "
        "AND g.tgenabled = 'A') <> 3"
    ).fetchall()
    assert unguarded == []
    for statement in ("DELETE FROM bronze.raw_readings_rows", "TRUNCATE bronze.raw_members_rows"):
        with pytest.raises(psycopg.Error, match="append-only"):
            connection.execute(statement.encode())
    off = connection.execute("SELECT tgname FROM pg_trigger WHERE tgenabled = 'D'").fetchall()
    assert off == []


def test_a_database_that_is_in_use_takes_no_dump(lived_in: Parameters, tmp_path: Path) -> None:
    program("pg_dump", lived_in, "--data-only", "--format=custom", "--file", str(tmp_path / "dump"))
    with pytest.raises(RestoreRefused, match="would mix two ledgers"):
        restore_data(lived_in, tmp_path / "dump")


def test_a_file_that_is_no_dump_is_refused(lab_parameters: Parameters, tmp_path: Path) -> None:
    (tmp_path / "dump").write_text("no dump")
    with pytest.raises(RestoreRefused, match="pg_restore failed"):
        restore_data(lab_parameters, tmp_path / "dump")
