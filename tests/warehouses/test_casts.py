"""The safe casts: what PostgreSQL reads but for the documented refusals, and never an error."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from tests.warehouses import bench_database as bench

pytestmark = pytest.mark.django_db

WHOLE = r"[ \t\n\r\v\f]*[-+]?[0-9]+[ \t\n\r\v\f]*"
#: What the type's own cast would take and ours may take: the rest is refused on purpose (0x1F, 1_000, NaN, now …).
SHAPES = {
    "smallint": WHOLE,
    "integer": WHOLE,
    "bigint": WHOLE,
    "numeric": r"[ \t\n\r\v\f]*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?[ \t\n\r\v\f]*",
    "boolean": r"(?s:.*)",
    "uuid": r"(?s:.*)",
    "date": r"[ \t\n\r\v\f]*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[ \t\n\r\v\f]*",
    "timestamptz": r"(?s:[ \t\n\r\v\f]*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*)",
}
REFUSED = ("now", "today", "tomorrow", "infinity", "-infinity", "Infinity", "NaN", "nan", "0x1F", "0b1", "0o7",
           "1_000", "epoch", "allballs", "")  # fmt: skip
EDGES = [
    *REFUSED, "0", "-0", "+1", " 7 ", "\t7\n", "32767", "32768", "-32768", "2147483647", "2147483648", "-2147483649",
    "9223372036854775807", "9223372036854775808", "9" * 200_000, "1e5", "1e400000", "1e-400000",
    "1e99999999999999", ".5", "5.",
    ".", "1.2.3", "t", "yes", "of", "o", "ON", " true ", "1", "2024-02-29", "2024-02-30", "2023-02-29",
    "0000-01-01",     "9999-12-31", "2024-13-01", "2024-1-1", "2024-01-01 24:00", "2024-01-01 25:00",
    "2024-01-01T10:00:00Z", "2024-01-01 now",
    "2024-01-01 infinity", "2024-01-01 BC", "2024-01-01 10:00 Mars/Olympus", "2024-01-01 10:00+99", "20240101",
    "01/02/2024", "294276-12-31", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    "{A0EEBC99-9C0B4EF8-BB6D6BB9BD380A11}", "a0eebc999c0b4ef8bb6d6bb9bd380a1",
    "\u00a05", "\u20035", "\u0665", "\U0001f600", "''; DROP TABLE x; --", "\\", "x" * 1_000_000,
]  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(EDGES),
    st.text(alphabet=st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=80),
    st.text(alphabet="0123456789+-.eE _xXtT:Z/{}abcdef \t\n", max_size=40),
    st.datetimes().map(str),
    st.dates().map(str),
    st.integers().map(str),
    st.decimals().map(str),
    st.uuids().map(str),
)


def assert_cast(lab: bench.Connection, kind: str, text: str) -> None:
    """Ours gives what PostgreSQL's gives, as a parameter (a constant for the planner) and as a column."""
    ours = sql.Identifier("dwh_etl", f"to_{kind}")
    query = sql.SQL(
        "SELECT {ours}(%(text)s::text)::text,"
        " (SELECT {ours}(x.v)::text FROM (VALUES (%(text)s::text), (NULL)) AS x (v) LIMIT 1),"
        " pg_input_is_valid(%(text)s, {kind})"
    ).format(ours=ours, kind=sql.Literal(kind))
    row = lab.execute(query, {"text": text}).fetchone()
    assert row is not None
    constant, column, valid = row
    assert constant == column, (kind, text[:80])
    if valid and re.fullmatch(SHAPES[kind], text):
        theirs = lab.execute(sql.SQL("SELECT %s::text::{}::text").format(sql.SQL(kind)), (text,)).fetchone()
        assert theirs == (constant,), (kind, text[:80])
    else:
        assert constant is None, (kind, text[:80])


@pytest.mark.parametrize("kind", SHAPES)
def test_a_cast_takes_what_postgresql_reads_and_refuses_the_rest(lab: bench.Connection, kind: str) -> None:
    """Errata 8 and 9: a bad value is no error, not even one of the right shape."""
    lab.execute("SET TimeZone = 'UTC'")
    for text in EDGES:
        assert_cast(lab, kind, text)


@pytest.mark.parametrize("kind", SHAPES)
@given(text=TEXTS)
@settings(
    max_examples=max(60, int(os.environ.get("ASSAY_EXAMPLES", "0"))), deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)  # fmt: skip
def test_no_text_makes_a_cast_fail(lab: bench.Connection, kind: str, text: str) -> None:
    lab.execute("SET TimeZone = 'UTC'")
    assert_cast(lab, kind, text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [("date", "now"), ("date", "infinity"), ("timestamptz", "now"), ("timestamptz", "2024-01-01 infinity"),
     ("numeric", "NaN"), ("numeric", "Infinity"),
      ("integer", "0x1F"), ("integer", "1_000"), ("bigint", "1_0"), ("numeric", "1_000")],
)  # fmt: skip
def test_what_depends_on_the_clock_or_is_no_number_is_refused(lab: bench.Connection, kind: str, text: str) -> None:
    query = sql.SQL("SELECT {}(%s)").format(sql.Identifier("dwh_etl", f"to_{kind}"))
    assert lab.execute(query, (text,)).fetchone() == (None,)
