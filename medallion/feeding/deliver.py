"""A delivery into the bronze tables of its source: all of it in one transaction, or nothing; and once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from lineage.connections import work_connection
from medallion.feeding.errors import Fault, RefusedDeliveryError
from medallion.ingestion.copying import Connection
from medallion.ingestion.encoding import Encoding
from medallion.ingestion.errors import IngestionError
from medallion.ingestion.json_copy import land
from medallion.ingestion.json_records import document, lines
from medallion.ingestion.records import Record
from medallion.ingestion.targets import tables_of
from medallion.sources import HttpFeed, json_path

SECONDS = 60.0  # for a delivery; who sends waits no longer
_SHOWN = 20
_UTF8 = Encoding("utf-8")

_CLAIM: LiteralString = """
    INSERT INTO dwh_lineage.feed_deliveries (source, key, checksum, bytes) VALUES (%s, %s, %s, %s)
    ON CONFLICT (source, key) DO NOTHING RETURNING id
"""
_FIRST: LiteralString = """
    SELECT d.id, d.rows, d.checksum FROM dwh_lineage.feed_deliveries AS d WHERE d.source = %s AND d.key = %s
"""
_LANDED: LiteralString = "UPDATE dwh_lineage.feed_deliveries SET rows = %s, unreadable = %s WHERE id = %s"
_BEGIN: LiteralString = "SELECT dwh_etl.begin_ingestion(%s, %s, %s, in_bytes => %s)"
_FINISH: LiteralString = "SELECT dwh_etl.finish_ingestion(%s, %s, %s)"
_UNREADABLE: LiteralString = """
    SELECT u.record_no, u.raw, u.reason FROM dwh_lineage.unreadable_lines AS u
    WHERE u.batch_no = %s ORDER BY u.record_no
"""


@dataclass(frozen=True)
class Delivered:
    """A delivery that is in bronze. `repeated`: it was before. `kept`: records that are no rows, kept as they are."""

    id: int
    rows: int
    kept: tuple[Fault, ...] = ()
    repeated: bool = False


def deliver(source: type[HttpFeed], body: bytes, kind: str, key: str | None = None, lenient: bool = False) -> Delivered:
    """Lands what was sent. `kind`: document, or lines. `key`: what the sender calls this delivery; without one it is
    known by its content. `lenient`: records that are none are kept as they are, instead of the delivery refused.

    Raises RefusedDeliveryError; nothing has landed then.
    """
    checksum = hashlib.sha256(body).hexdigest()
    name = f"sha256:{checksum}" if key is None else f"key:{key}"
    try:
        limits = {"statement_timeout": SECONDS, "lock_timeout": SECONDS}
        with (
            work_connection("feed", **limits, idle_in_transaction_session_timeout=SECONDS) as connection,
            connection.transaction(),
        ):
            claimed = connection.execute(_CLAIM, (source.name, name, checksum, len(body))).fetchone()
            if claimed is None:
                return _repeated(connection, source, name, checksum)
            return _land(connection, source, body, kind, claimed[0], lenient)
    except IngestionError as error:
        raise RefusedDeliveryError(400, str(error)) from error
    except psycopg.Error as error:
        raise _refused(source, error) from error


def _repeated(connection: Connection, source: type[HttpFeed], name: str, checksum: str) -> Delivered:
    number, rows, first = connection.execute(_FIRST, (source.name, name)).fetchone() or (0, 0, "")
    if first != checksum:
        raise RefusedDeliveryError(
            422, f"Another delivery had this Idempotency-Key before (delivery {number}). Give each one of its own."
        )
    return Delivered(number, rows, repeated=True)


def _land(
    connection: Connection, source: type[HttpFeed], body: bytes, kind: str, number: int, lenient: bool
) -> Delivered:
    targets = tables_of(connection, source)
    if not targets:
        raise RefusedDeliveryError(503, f"No installed bronze table takes the records of {source.name}.")
    rows, kept = 0, dict[int, Fault]()
    for target in targets:
        found, faults = _into(connection, source, target, body, kind, number)
        rows += found
        for fault, may_stand in faults:
            kept[fault.record] = fault
            if not (lenient or may_stand):
                bad = tuple(fault for fault, stands in faults if not stands)
                raise RefusedDeliveryError(422, f"{_records(len(bad))} cannot be taken in.", bad[:_SHOWN])
    connection.execute(_LANDED, (rows, len(kept), number))
    return Delivered(number, rows, tuple(list(kept.values())[:_SHOWN]))


def _into(
    connection: Connection, source: type[HttpFeed], target: str, body: bytes, kind: str, number: int
) -> tuple[int, list[tuple[Fault, bool]]]:
    """Lands a delivery in one table. Returns how many rows it has, and what is no row, with whether that may be."""
    label = f"delivery {number:010}"
    with connection.transaction() as undone:
        (batch_no,) = connection.execute(_BEGIN, (target, source.name, label, len(body))).fetchone() or (0,)
        copied = land(connection, target, batch_no, _counted(source, _read(source, body, kind)), _UTF8)
        if copied.rows + copied.unreadable == 0:
            raise psycopg.Rollback(undone)
        connection.execute(_FINISH, (batch_no, copied.rows, copied.unreadable))
        if copied.unreadable == 0:
            return copied.rows, []
        unreadable = connection.execute(_UNREADABLE, (batch_no,)).fetchall()
        return copied.rows, [(Fault(no, reason), _may_stand(source, raw)) for no, raw, reason in unreadable]
    return 0, []


def _read(source: type[HttpFeed], body: bytes, kind: str) -> Iterator[list[Record]]:
    if kind == "lines":
        return lines([body], "The delivery", "utf-8")
    return document([body], "The delivery", "utf-8", json_path(source.records))


def _counted(source: type[HttpFeed], records: Iterator[list[Record]]) -> Iterator[list[Record]]:
    count = 0
    for together in records:
        count += len(together)
        if count > source.max_records:
            raise RefusedDeliveryError(
                413, f"A delivery to {source.name} may have {source.max_records:,} records. Send fewer at a time."
            )
        yield together


def _may_stand(source: type[HttpFeed], raw: bytes) -> bool:
    """Whether what is no row belongs to a feed all the same, and who sends it can do nothing about it: a tombstone, a
    truncate, a message."""
    if source.envelope is None:
        return False
    try:
        event: Any = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    for step in json_path(source.envelope.at):
        event = event.get(step) if isinstance(event, dict) else None
    if isinstance(event, dict) and "payload" in event and "op" not in event:
        event = event["payload"]
    return event is None or (isinstance(event, dict) and event.get("op") in ("t", "m"))


def _refused(source: type[HttpFeed], error: psycopg.Error) -> RefusedDeliveryError:
    state = error.sqlstate or ""
    if state.startswith("54") or state[:2] in ("22", "23"):  # too deep, or no value that the table could hold
        return RefusedDeliveryError(422, f"PostgreSQL cannot hold it: {error.diag.message_primary or error}.")
    return RefusedDeliveryError(503, f"{source.name} cannot be written now. Send it again later.")


def _records(number: int) -> str:
    return "A record" if number == 1 else f"{number:,} records"
