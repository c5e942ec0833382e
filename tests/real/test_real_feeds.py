"""Real change events: every one ends in the right version, or is kept with the reason why it cannot."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.real.conftest import DATA, Take, need

pytestmark = pytest.mark.django_db


def test_debezium(take: Take) -> None:
    need("cdc_debezium")
    taken = take("debezium")
    assert (taken.failed, taken.gaps()) == ([], {})

    printed = [json.loads(line)["event"] for line in (DATA / "cdc_debezium/doc_events.jsonl").open(encoding="utf-8")]
    events = [event.get("payload", event) for event in printed]
    unreadable = taken.unreadable("cdc_debezium/doc_events.jsonl")
    assert taken.count("bronze.raw_printed") + len(unreadable) == len(events)
    for number, _line, _raw, reason in unreadable:
        event = events[number - 1]
        row = event.get("before" if event["op"] == "d" else "after")
        assert event["op"] == "t" or not isinstance(row, dict | str), (number, reason)
        assert ("truncate" in reason) == (event["op"] == "t")
    operations = Counter(event["op"] for event in events)
    operations.subtract(events[number - 1]["op"] for number, *_ in unreadable)
    assert Counter(op for (op,) in taken.rows("bronze.raw_printed", ["_cdc_operation"])) == +operations

    postgres = taken.rows("silver.printed_customers", ["first_name", "valid_from", "is_current", "lsn", "table_name"])
    anne = [row for row in postgres if row[4] == "public.customers" and row[3] == "24023128".rjust(20, "0")]
    assert anne
    assert datetime(2019, 5, 28, 8, 58, 24, 863000, UTC) <= anne[0][1] < datetime(2019, 5, 28, 8, 58, 25, tzinfo=UTC)

    serialized = taken.rows("silver.serialized_customers", ["customer_id", "name"])
    assert (1004, "Anne Kretchmar") in serialized
    assert "has no op" in taken.unreadable(
        "cdc_debezium/tests/debezium-connector-common/src/test/resources/json/serde-unwrapped.json"
    )[0][3]  # fmt: skip


def test_values_are_decoded_by_their_schema_or_by_the_declaration(take: Take) -> None:
    need("cdc_debezium")
    taken = take("debezium")
    columns = ["amount", "whole", "day", "at3", "at6"]
    moment = datetime(2020, 7, 17, 18, 0, 22, tzinfo=UTC)
    expected = [(Decimal("123.4567"), Decimal(346), date(2020, 7, 17),
                 moment.replace(microsecond=123000), moment.replace(microsecond=123456))]  # fmt: skip
    assert taken.rows("silver.typed", columns) == expected
    assert taken.rows("silver.typed_bare", columns) == expected
    assert taken.rows("bronze.raw_all_types", ["time_c", "timestamp_c"]) == [
        ("18:00:22.000000", "2020-07-17T18:00:22Z")
    ]
