"""Casts: each gives what Python reads, or NULL; never an error, whatever the text."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from medallion.columns import Array, Boolean, Column, Date, Integer, Json, Numeric, Text, Timestamp
from medallion.compile.casts import cast

pytestmark = pytest.mark.django_db

GERMAN = Date("x", format="DD.MM.YYYY")
LOOSE = Date("x", format="FMDD/MM/YY")
EITHER = Date("x", format=("DD/MM/YYYY", "MM/DD/YYYY", "YYYYMMDD"))
BERLIN = Timestamp("x", format="DD.MM.YYYY HH24:MI", time_zone="Europe/Berlin")
HALF_DAYS = Timestamp("x", format="MM/DD/YYYY HH12:MI:SS AM")
LOCAL = Timestamp("x", time_zone="Europe/Berlin")
PLACES, DIGITS = Numeric("x", scale=2), Numeric("x", scale=2, precision=5)
SPELLED = Boolean("x", true=("Ja", "1"), false=("Nein",))
NUMBERS, DAYS = Array("x", of=Integer, delimiter=";"), Array("x", of=GERMAN)
EVERY = (GERMAN, LOOSE, EITHER, BERLIN, HALF_DAYS, LOCAL, PLACES, DIGITS, SPELLED, NUMBERS, DAYS, Array("x"), Json("x"),
         Date("x"), Timestamp("x"), Numeric("x"))  # fmt: skip


def read(column: Column, text: str | None) -> Any:
    """The column's value of a text, as a load would have it: from a row, in UTC."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'")
        expression = cast(column.contract("x"), "g.t").replace("%", "%%")
        cursor.execute(f"SELECT ({expression}) FROM (SELECT %s::text AS t OFFSET 0) AS g", [text])
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        (Date("x"), "2024-02-29", date(2024, 2, 29)),
        (Date("x"), "2024-2-9", date(2024, 2, 9)),
        (Date("x"), "\t2024-02-09\n", date(2024, 2, 9)),
        *((Date("x"), text, None) for text in ("2024-02-30", "2023-02-29", "20240209", "2024--1--1", "202--01-01",
                                               "2024-001", "2024-01-1_", "2_24-01-01", "+024-01-01", "now", "infinity",
                                               "2024-Jan-01", "24-01-01", "0x24-01-01", "", None)),
        *((Timestamp("x"), text, None) for text in ("2024-02-30 10:00", "202--01-01 10:00", "2024-001 10:00", "now",
                                                    "2024-Jan-01 10:00", "infinity", "2024-01-01 25:00", "10:00")),
        (Timestamp("x"), "2024-01-01T10:00:00+02", datetime(2024, 1, 1, 8, tzinfo=UTC)),
        (Timestamp("x"), "2024-1-1 10:00", datetime(2024, 1, 1, 10, tzinfo=UTC)),
        (GERMAN, "09.02.2024", date(2024, 2, 9)),
        *((GERMAN, text, None) for text in ("31.02.2024", "9.2.2024", "2024-02-09", "09.02.24", "09.02.2024 ",
                                            "-1.02.2024", "1 .02.2024", "09:02:2024", "00.02.2024", "09.02.0000")),
        (LOOSE, "9/2/96", date(1996, 2, 9)),
        (LOOSE, "09/12/05", date(2005, 12, 9)),
        (LOOSE, "9/13/05", None),
        (EITHER, "12/31/2024", date(2024, 12, 31)),
        (EITHER, "11/12/2024", date(2024, 12, 11)),
        (EITHER, "20240230", None),
        (EITHER, "20240229", date(2024, 2, 29)),
        (BERLIN, "09.02.2024 10:30", datetime(2024, 2, 9, 9, 30, tzinfo=UTC)),
        (BERLIN, "09.07.2024 10:30", datetime(2024, 7, 9, 8, 30, tzinfo=UTC)),
        *((BERLIN, text, None) for text in ("09.02.2024 24:00", "09.02.2024 10:60", "09.02.2024", "09.02.2024 1:30")),
        (HALF_DAYS, "07/04/1996 12:30:59 AM", datetime(1996, 7, 4, 0, 30, 59, tzinfo=UTC)),
        (HALF_DAYS, "07/04/1996 01:00:00 pm", datetime(1996, 7, 4, 13, tzinfo=UTC)),
        *((HALF_DAYS, text, None) for text in ("07/04/1996 13:00:00 PM", "07/04/1996 01:00:60 AM",
                                               "07/04/1996 01:00:00 XM")),
        (LOCAL, "2024-07-09 10:30", datetime(2024, 7, 9, 8, 30, tzinfo=UTC)),
        (LOCAL, "2024-07-09 10:30+00", datetime(2024, 7, 9, 10, 30, tzinfo=UTC)),
        (PLACES, "1.50", Decimal("1.5")),
        (PLACES, "1.500", Decimal("1.5")),
        (PLACES, "-12345678.25", Decimal("-12345678.25")),
        (PLACES, "1.505", None),
        (PLACES, "1e-3", None),
        (PLACES, "NaN", None),
        (DIGITS, "999.99", Decimal("999.99")),
        (DIGITS, "1000", None),
        (SPELLED, "JA", True),
        (SPELLED, "nein", False),
        (SPELLED, "t", True),
        (SPELLED, "0", False),
        (SPELLED, "jein", None),
        (NUMBERS, "1;2; 3", [1, 2, 3]),
        (NUMBERS, "1;;3", [1, None, 3]),
        (NUMBERS, "1;x", None),
        (NUMBERS, "1,2", None),
        (DAYS, "09.02.2024, 10.02.2024", [date(2024, 2, 9), date(2024, 2, 10)]),
        (DAYS, "09.02.2024,30.02.2024", None),
        (Array("x"), "a, b", ["a", "b"]),
        (Json("x"), '{"a": [1, null]}', '{"a": [1, null]}'),
        (Json("x"), "[" * 100_000, None),
        (Json("x"), '"\\u0000"', None),
        (Json("x"), "[" + "[]," * 2000 + "[]]", "[" + "[], " * 2000 + "[]]"),
        (Json("x"), "{", None),
    ],
)  # fmt: skip
def test_a_text_is_read_strictly(column: Column, text: str | None, value: Any) -> None:
    assert read(column, text) == value


def test_a_local_time_that_daylight_saving_skips_is_none_and_one_that_occurs_twice_is_the_later() -> None:
    assert read(BERLIN, "31.03.2024 01:59") == datetime(2024, 3, 31, 0, 59, tzinfo=UTC)
    assert read(BERLIN, "31.03.2024 02:30") is None
    assert read(LOCAL, "2024-03-31 02:30") is None
    assert read(BERLIN, "31.03.2024 03:00") == datetime(2024, 3, 31, 1, tzinfo=UTC)
    assert read(BERLIN, "27.10.2024 02:30") == datetime(2024, 10, 27, 1, 30, tzinfo=UTC)
    assert read(LOCAL, "2024-10-27 02:30") == datetime(2024, 10, 27, 1, 30, tzinfo=UTC)


TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    st.text('0123456789-+.:/;,_eETZ []{}"', max_size=25),
    st.from_regex(r"\A[0-9]{1,2}[./-][0-9_ ]{2}[./-][0-9]{4}( [0-9]{2}:[0-9]{2}(:[0-9]{2})?( [AP]M)?)?\Z"),
    st.from_regex(r"\A[0-9_+ -]{4}-[0-9a-z]{1,2}-[0-9 _-]{1,2}( [0-9]{2}:[0-9]{2}([+-][0-9]{2})?)?\Z"),
)


@given(text=TEXTS)
@example("2024-01-01 10:00 BC")
@example("9999999-01-01")
@settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_text_is_an_error_and_the_quick_casts_take_what_their_regular_expressions_took(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'")
        every = ", ".join(f"({cast(column.contract('x'), 'g.t')})::text" for column in EVERY).replace("%", "%%")
        cursor.execute(
            f"SELECT dwh_etl.to_date(g.t) IS NOT NULL, dwh_etl.to_timestamptz(g.t) IS NOT NULL,"
            r" g.t ~ '^\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}\s*$' AND pg_input_is_valid(g.t, 'date'),"
            r" g.t ~ '^\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}' AND pg_input_is_valid(g.t, 'timestamptz'),"
            f" {every} FROM (SELECT %s::text AS t OFFSET 0) AS g",
            [text],
        )
        is_date, is_timestamp, was_date, was_timestamp = cursor.fetchone()[:4]
    assert (is_date, is_timestamp) == (was_date, was_timestamp)


@pytest.mark.parametrize(
    ("column", "problem"),
    [
        (Date("x", format="DD.MM"), "needs YYYY"),
        (Date("x", format="DD.MM.YYYY DD"), "twice"),
        (Date("x", format="DD. Mon YYYY"), "needs YYYY"),
        (Timestamp("x", format="YYYY-MM-DD HH:MI"), "unknown part HH"),
        (Timestamp("x", format="YYYY-MM-DD HH12:MI"), "together with AM"),
        (Timestamp("x", time_zone="Berlin"), "no time zone"),
        (Numeric("x", precision=2, scale=3), "scale"),
        (Boolean("x", true=("x",), false=("X",)), "true and as false"),
        (Array("x", of=Array(""), delimiter=";"), "no lists"),
    ],
)
def test_options_that_make_no_sense_are_found_before_anything_runs(column: Column, problem: str) -> None:
    assert problem in " ".join(column.problems())


def test_columns_without_options_have_the_contracts_that_they_had() -> None:
    assert Date("d").contract("x") == {"name": "x", "type": "date", "expression": "d"}
    assert Text("d", doc="D").contract("x") == {"name": "x", "type": "text", "expression": "d", "doc": "D"}
