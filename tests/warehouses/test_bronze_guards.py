"""Bronze is append-only for everyone, and every row has a batch that consumers take."""

from __future__ import annotations

import contextlib

import psycopg
import pytest
from psycopg import sql

from tests.warehouses import bench_database as bench
from tests.warehouses.conftest import Connect
from tests.warehouses.lab import warehouse

pytestmark = pytest.mark.django_db

MEMBER = {"region": "n", "id": "1", "name": "A", "updated": "2024-01-01"}
CHANGES = (
    "UPDATE {} SET region = 'x'", "DELETE FROM {}", "TRUNCATE {}", "TRUNCATE ONLY {}",
    "DELETE FROM ONLY {} WHERE false",
)  # fmt: skip


def relations(connection: bench.Connection) -> list[str]:
    """The view, the parent and each partition of raw_members."""
    found = connection.execute(
        "SELECT c.oid::regclass::text FROM pg_class AS c JOIN pg_inherits AS i ON i.inhrelid = c.oid "
        "WHERE i.inhparent = 'bronze.raw_members_rows'::regclass AND c.relkind = 'r'"
    ).fetchall()
    assert found
    return ["bronze.raw_members", "bronze.raw_members_rows", *(row[0] for row in found)]


def assert_refused(connection: bench.Connection, statement: str, relation: str) -> None:
    """The statement is refused: by our trigger, by a missing privilege, or because a view cannot be truncated."""
    with pytest.raises(psycopg.Error) as refused, connection.transaction():
        connection.execute(sql.SQL(statement).format(sql.Identifier(*relation.split("."))))  # type: ignore[arg-type]
    assert refused.value.sqlstate in ("AS030", "42501", "42809"), (statement, relation, refused.value)


@pytest.mark.parametrize("role", ["assay_owner", "etl_service"])
@pytest.mark.parametrize("statement", CHANGES)
def test_rows_cannot_be_changed_through_view_parent_or_partition(
    lab: bench.Connection, role: str, statement: str
) -> None:
    bench.ingest(lab, warehouse.RawMembers, [MEMBER])
    if role == "etl_service":
        lab.execute("SET ROLE etl_service")
    for relation in relations(lab):
        assert_refused(lab, statement, relation)


@pytest.mark.parametrize("statement", CHANGES)
def test_rows_cannot_be_changed_with_the_triggers_of_replicas_or_with_pgtrigger_ignored(
    connect: Connect, statement: str
) -> None:
    connection = connect()
    try:
        connection.execute("SET session_replication_role = replica")
    except psycopg.errors.InsufficientPrivilege:
        with contextlib.suppress(psycopg.OperationalError):
            connection = connect(user="postgres")
            connection.execute("SET session_replication_role = replica")
        if connection.info.user != "postgres":
            pytest.skip("no superuser to connect as")
    connection.execute("BEGIN")
    bench.ingest(connection, warehouse.RawMembers, [MEMBER])
    connection.execute("SELECT set_config('pgtrigger.ignore', '{bronze_append_only}', true)")
    for relation in relations(connection):
        assert_refused(connection, statement, relation)


@pytest.mark.parametrize("role", ["assay_owner", "etl_service"])
def test_rows_of_another_program_get_a_batch_that_consumers_take(lab: bench.Connection, role: str) -> None:
    if role == "etl_service":
        lab.execute("SET ROLE etl_service")
    written = bench.foreign(lab, warehouse.RawMembers, [MEMBER])
    again = bench.foreign(lab, warehouse.RawMembers, [MEMBER | {"id": "2"}])
    assert again.batch_no == written.batch_no, "one transaction, one batch"
    kind, waiting = lab.execute(
        "SELECT b.kind, (SELECT count(*) FROM dwh_lineage.pendings AS p WHERE p.batch_no = b.batch_no) "
        "FROM dwh_lineage.batches AS b WHERE b.batch_no = %s",
        (written.batch_no,),
    ).fetchone()  # type: ignore[misc]
    consumers = lab.execute(
        "SELECT count(*) FROM dwh_lineage.target_inputs WHERE source = 'bronze.raw_members'"
    ).fetchone()
    assert (kind, (waiting,)) == ("foreign", consumers)
    bench.call(lab, "silver.members")
    assert {row["id"] for row in bench.rows(lab, "silver.members")} == {1, 2}


def test_rows_that_follow_a_load_in_one_transaction_get_a_batch_of_their_own(lab: bench.Connection) -> None:
    reading = {"sensor": "ab", "order": "1", "amount": "1", "big": "2", "at": "2024-01-01", "state": "on"}
    for _turn in range(2):
        bench.foreign(lab, warehouse.RawReadings, [reading])
        bench.call(lab, "silver.readings")
    assert len(bench.rows(lab, "silver.readings")) == 2


def test_a_forged_setting_cannot_name_another_batch(lab: bench.Connection) -> None:
    ingested = bench.ingest(lab, warehouse.RawMembers, [MEMBER])
    readings = bench.ingest(lab, warehouse.RawReadings, [])
    for forged in (ingested.batch_no, readings.batch_no, 0, -1, 2**62):
        lab.execute("SELECT set_config('assay.batch_no', %s, true)", (str(forged),))
        assert bench.foreign(lab, warehouse.RawMembers, [MEMBER]).batch_no not in (forged, ingested.batch_no)


def test_a_batch_of_another_transaction_cannot_be_named(connect: Connect) -> None:
    connection = connect()
    with connection.transaction(force_rollback=True):
        bench.ingest(connection, warehouse.RawMembers, [MEMBER])
        batch = connection.execute("SELECT max(batch_no) FROM dwh_lineage.batches").fetchone()
        connection.execute("UPDATE dwh_lineage.batches SET opened_in = 3, completed_at = NULL")
        connection.execute("SELECT set_config('assay.batch_no', %s, true)", (str(batch and batch[0]),))
        assert bench.foreign(connection, warehouse.RawMembers, [MEMBER]).batch_no != (batch and batch[0])


@pytest.mark.parametrize("column", ["_batch_no", "_ingested_at", "_bronze_id"])
@pytest.mark.parametrize("relation", ["bronze.raw_members", "bronze.raw_members_rows"])
def test_etl_service_cannot_write_what_assay_knows_of_a_row(lab: bench.Connection, relation: str, column: str) -> None:
    lab.execute("SET ROLE etl_service")
    statement = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT NULL").format(
        sql.Identifier(*relation.split(".")), sql.Identifier(column)
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        lab.execute(statement)
