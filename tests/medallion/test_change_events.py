"""Change events: what they say of a row, when, and where in the log; what is none is kept with the reason."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from medallion.bronze import Table
from medallion.compile import create
from medallion.sources import Debezium, JsonLines
from medallion.sources import Decimal as InBase64
from tests.medallion.bronze_tables import Connection, bad_lines_of

few = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class CustomersCdc(JsonLines):
    path = "crm/changes_*.jsonl"
    envelope = Debezium()


class RawCustomersCdcTest(Table):
    source = CustomersCdc
    columns = {"id": "id", "email": "contact.email", "limit": InBase64("credit_limit", scale=2)}


@pytest.fixture
def events(owner: Connection) -> Iterator[Callable[..., int]]:
    """events(event, …): ingests change events by SQL into a table of theirs; returns the batch."""
    with owner.transaction(force_rollback=True):
        owner.execute(create(RawCustomersCdcTest.target, RawCustomersCdcTest.contract(), "tests").forward.encode())

        def ingest(*records: Any) -> int:
            owner.execute("SELECT dwh_etl.ingest_records('customers_cdc', %s)", (json.dumps(records),))
            (batch,) = owner.execute("SELECT max(batch_no) FROM dwh_lineage.batches").fetchone() or (0,)
            return int(batch)

        yield ingest


def rows(owner: Connection, *columns: str) -> list[tuple[Any, ...]]:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    query = sql.SQL("SELECT {} FROM bronze.raw_customers_cdc_test ORDER BY _bronze_id").format(names)
    return owner.execute(query).fetchall()


def test_a_row_is_what_it_became_or_where_it_went_what_it_was(owner: Connection, events: Callable[..., int]) -> None:
    before, after = {"id": 1, "contact": {"email": "a@x"}}, {"id": 1, "contact": {"email": "b@x"}}
    source = {"schema": "public", "table": "customers", "ts_ms": 1700000000123, "lsn": 42}
    events(
        {"op": "u", "before": before, "after": after, "source": source},
        {"payload": {"op": "d", "before": before, "after": None, "source": {**source, "ts_us": 1700000001000001}}},
    )
    assert rows(owner, "_cdc_operation", "_cdc_timestamp", "_cdc_lsn", "_cdc_table", "id", "email") == [
        ("u", "2023-11-14 22:13:20.123000+00", "42".rjust(20, "0"), "public.customers", "1", "b@x"),
        ("d", "2023-11-14 22:13:21.000001+00", "42".rjust(20, "0"), "public.customers", "1", "a@x"),
    ]
    assert rows(owner, "before_data", "after_data") == [(before, after), (before, None)]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"op": "t", "source": {}}, "A truncate does not say which rows are gone"),
        ({"op": "m", "message": {}}, "its op is m"),
        ({"op": "u", "after": None}, "its op is u, but it has no row after"),
        ({"op": "d", "before": None, "after": {"id": 1}}, "it has no row before"),
        ({"id": 1}, "it has no op"),
        ({"payload": None}, "A tombstone"),
        (None, "A tombstone"),
        ([1], "must be a JSON object"),
    ],
)
def test_what_is_no_change_of_a_row_is_kept_with_the_reason(
    owner: Connection, events: Callable[..., int], event: Any, reason: str
) -> None:
    batch = events(event, {"op": "c", "after": {"id": 2}})
    assert [row[0] for row in rows(owner, "id")] == ["2"]
    assert reason.lower() in bad_lines_of(owner, batch)[0][3].lower()


def test_one_event_by_the_guides_call(owner: Connection, events: Callable[..., int]) -> None:
    at = datetime(2024, 2, 29, 12, 0, 0, 123456, UTC)
    call = "CALL dwh_etl.ingest_cdc_event(%s, %s, %s, %s)"
    owner.execute(call, ("INSERT", at, None, '{"id": 7, "contact": {"email": "c@x"}}'))
    owner.execute(call, ("DELETE", at, '{"id": 7}', None))
    assert rows(owner, "_cdc_operation", "_cdc_timestamp", "id") == [
        ("c", "2024-02-29 12:00:00.123456+00", "7"), ("d", "2024-02-29 12:00:00.123456+00", "7"),
    ]  # fmt: skip
    with pytest.raises(psycopg.Error) as refused:
        owner.execute(call, ("UPSERT", at, None, "{}"))
    assert refused.value.sqlstate == "AS014"


def test_a_schema_says_more_than_the_declaration(owner: Connection, events: Callable[..., int]) -> None:
    """The declaration says two places after the point; the schema three."""
    number = base64.b64encode((123456).to_bytes(3, "big", signed=True)).decode()
    decimal = {"field": "credit_limit", "type": "bytes", "name": InBase64.type, "parameters": {"scale": "3"}}
    schema = {"fields": [{"field": "after", "fields": [decimal]}]}
    events(
        {"op": "c", "after": {"credit_limit": number}},
        {"schema": schema, "payload": {"op": "c", "after": {"credit_limit": number}}},
        {"op": "c", "after": {"credit_limit": "no number"}},
    )
    assert [value for (value,) in rows(owner, "limit")] == ["1234.56", "123.456", "no number"]


@given(number=st.integers(-(2**130), 2**130), scale=st.integers(0, 70), pad=st.integers(0, 3))
@few
def test_decimals_are_exact(owner: Connection, number: int, scale: int, pad: int) -> None:
    raw = number.to_bytes(number.bit_length() // 8 + 1 + pad, "big", signed=True)
    found = owner.execute(
        "SELECT dwh_etl.cdc_decimal(%s, %s)", (base64.b64encode(raw).decode(), scale)
    ).fetchone()  # fmt: skip
    assert found == (Decimal(f"{number}e-{scale}"),)


@given(micros=st.integers(-62135596800000000, 253402300799999999), unit=st.sampled_from(["ms", "us", "ns"]))
@few
def test_moments_are_exact(owner: Connection, micros: int, unit: str) -> None:
    count = {"ms": micros // 1000, "us": micros, "ns": micros * 1000 + 999 * (micros > 0)}[unit]
    expected = micros // 1000 * 1000 if unit == "ms" else micros
    (found,) = owner.execute(
        "SELECT (extract(epoch FROM dwh_etl.cdc_moment(to_jsonb(%s::numeric), %s)) * 1000000)::bigint", (count, unit)
    ).fetchone() or (None,)
    assert found == expected


@pytest.mark.parametrize("value", ["9e30", '"x"', "null", "1559729471739876149"])
def test_what_is_no_moment_is_none(owner: Connection, value: str) -> None:
    assert owner.execute("SELECT dwh_etl.cdc_moment(%s::jsonb, 'ms')", (value,)).fetchone() == (None,)
