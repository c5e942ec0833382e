"""The laboratory's database: a copy of the test database, with the laboratory's warehouse installed in it."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from medallion import bronze, compile
from tests.warehouses.lab import warehouse

Connection = psycopg.Connection[tuple[Any, ...]]
Row = Mapping[str, str | None]

BRONZE = (warehouse.RawReadings, warehouse.RawMembers)
SILVER = (
    warehouse.Readings, warehouse.Members, warehouse.Presences, warehouse.States, warehouse.Latest,
    warehouse.LatestSeen,
    warehouse.Rolls,
    warehouse.RollNow,
    warehouse.Watched,
    warehouse.Visitors,
    warehouse.VisitorsNow,
    warehouse.Visits,
)  # fmt: skip
GOLD = (
    warehouse.LabDays, warehouse.DimMember, warehouse.DimVersion, warehouse.FactEvents, warehouse.EventsByLabel,
    warehouse.EventsNow, warehouse.MembersByRegion, warehouse.Names, warehouse.ReadingsByDay,
)  # fmt: skip
LOADED = tuple(table.target for table in (*SILVER, *GOLD))

#: Explicit bronze ids begin here, far from what the identities give.
EXPLICIT_IDS = 1_000_000_000
_numbers = itertools.count(1)


def install(connection: Connection) -> None:
    """Installs the laboratory's tables, as its migration would."""
    for table in (*BRONZE, *SILVER, *GOLD):
        connection.execute(compile.create(table.target, table.contract(), "lab").forward)


def routine(target: str, verb: str = "load") -> sql.Composed:
    """CALL of a table's routine."""
    return sql.SQL("CALL {}()").format(sql.Identifier("dwh_etl", f"{verb}_{target.replace('.', '_')}"))


def call(connection: Connection, target: str, verb: str = "load") -> None:
    """Loads or rebuilds a table in the transaction that is open."""
    connection.execute(routine(target, verb))


def run(connection: Connection, target: str, verb: str = "load") -> int:
    """Loads or rebuilds a table in a transaction of its own, again after 40001; returns how often it had to begin."""
    for attempt in itertools.count(1):
        try:
            with repeatable_read(connection):
                call(connection, target, verb)
            return attempt
        except psycopg.errors.SerializationFailure:
            time.sleep(0.001 * attempt)
    raise AssertionError


@contextlib.contextmanager
def repeatable_read(connection: Connection) -> Iterator[Connection]:
    """A transaction as loads need it; the connection is in autocommit mode."""
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    try:
        yield connection
    except BaseException:
        with contextlib.suppress(psycopg.OperationalError):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@dataclass(frozen=True)
class Ingested:
    """A batch as it was written."""

    batch_no: int
    file: str | None
    checksum: str | None
    ids: tuple[int, ...]


def ingest(
    connection: Connection,
    table: type[bronze.Table],
    rows: Sequence[Row],
    file: str = "a.csv",
    at: datetime | None = None,
    first_id: int | None = None,
) -> Ingested:
    """Ingests rows as one file in the transaction that is open. `at`, `first_id`: explicit times and ids, which only
    the owner can write; they stand for what other sessions at other times would have got."""
    checksum = hashlib.sha256(f"{file} {next(_numbers)}".encode()).hexdigest()
    batch_no = _value(
        connection,
        "SELECT dwh_etl.begin_ingestion(%s, 'lab', %s, %s, 1)", (table.target, file, checksum),
    )  # fmt: skip
    names, meta = [column.name for column in table.bronze_columns()], []
    if first_id is not None:
        meta = ["_bronze_id", "_ingested_at"]
    copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(*table.rows_relation().split(".")),
        sql.SQL(", ").join(sql.Identifier(name) for name in [*meta, *names]),
    )
    with connection.cursor() as cursor, cursor.copy(copy) as lines:
        for number, row in enumerate(rows):
            values: list[Any] = [first_id + number, at] if first_id is not None else []
            lines.write_row([*values, *(row.get(name) for name in names)])
    connection.execute("SELECT dwh_etl.finish_ingestion(%s, %s)", (batch_no, len(rows)))
    if first_id is not None:
        connection.execute(
            "UPDATE dwh_lineage.batches SET first_bronze_id = %s, last_bronze_id = %s, ingested_at = %s "
            "WHERE batch_no = %s",
            (first_id, first_id + len(rows), at, batch_no),
        )
    return Ingested(batch_no, file, checksum, _ids(connection, table, batch_no))


def foreign(
    connection: Connection, table: type[bronze.Table], rows: Sequence[Row], at: datetime | None = None
) -> Ingested:
    """Inserts rows by plain SQL, as another program would."""
    names = [column.name for column in table.bronze_columns()]
    meta = ["_ingested_at"] if at else []
    statement = sql.SQL("INSERT INTO {} ({}) VALUES {} RETURNING _bronze_id, _batch_no").format(
        sql.Identifier(*table.target.split(".")),
        sql.SQL(", ").join(sql.Identifier(name) for name in [*meta, *names]),
        sql.SQL(", ").join([sql.SQL("({})").format(sql.SQL(", ").join([sql.Placeholder()] * len([*meta, *names])))]
                           * len(rows)),
    )  # fmt: skip
    values = [v for row in rows for v in [*([at] if at else []), *(row.get(n) for n in names)]]
    if at:  # what another transaction inserts at another time is another batch
        connection.execute("SELECT set_config('assay.batch_no', '', true)")
    written = connection.execute(statement, values).fetchall()
    if at:
        ledger = "UPDATE dwh_lineage.batches SET ingested_at = %s WHERE batch_no = %s"
        connection.execute(ledger, (at, written[0][1]))
    return Ingested(written[0][1], None, None, tuple(row[0] for row in written))


def _ids(connection: Connection, table: type[bronze.Table], batch_no: int) -> tuple[int, ...]:
    relation = sql.Identifier(*table.rows_relation().split("."))
    statement = sql.SQL("SELECT _bronze_id FROM {} WHERE _batch_no = %s ORDER BY _bronze_id").format(relation)
    return tuple(row[0] for row in connection.execute(statement, (batch_no,)))


def _value(connection: Connection, statement: str, parameters: Sequence[Any]) -> Any:
    row = connection.execute(statement, parameters).fetchone()
    assert row is not None
    return row[0]


def rows(connection: Connection, target: str) -> list[dict[str, Any]]:
    """All rows of a table, without the load's id and time."""
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        found = cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(*target.split(".")))).fetchall()
    return [{k: v for k, v in row.items() if k not in ("_batch_id", "_loaded_at")} for row in found]
