from __future__ import annotations

import pytest
from django.db import connection


def pause(sqlstate: str | None, failures: int = 0) -> float | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT dwh_lineage.seconds_until_retry(%s, %s)", [sqlstate, failures])
        (seconds,) = cursor.fetchone()
    return seconds  # type: ignore[no-any-return]


@pytest.mark.parametrize("sqlstate", ["22P02", "23505", "42P01", "42501", "AS001", "57014", "P0001", None])
def test_what_would_fail_again_is_not_tried_again(db: None, sqlstate: str | None) -> None:
    assert pause(sqlstate) is None


@pytest.mark.parametrize(
    ("sqlstate", "tries", "first", "longest"),
    [
        ("40001", 20, 0.2, 10),
        ("40P01", 10, 0.5, 30),
        ("55P03", 60, 5, 60),
        ("57P01", 8, 1, 60),
        ("57P03", 8, 1, 60),
        ("08006", 8, 1, 60),
        ("53300", 8, 5, 120),
        ("25P03", 5, 1, 60),
    ],
)
def test_pauses_grow_to_a_limit_and_tries_end(
    db: None, sqlstate: str, tries: int, first: float, longest: float
) -> None:
    pauses = [pause(sqlstate, failures) for failures in range(tries)]
    assert pauses[-1] is None
    for failures, seconds in enumerate(pauses[:-1]):
        whole = min(longest, first * 2**failures)
        assert seconds is not None
        assert whole / 2 <= seconds <= whole
