"""Sums over the ledger, of which the older part is kept."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

from lineage.models import TargetTotal
from lineage.totals import fold_totals, totals
from tests import seeds

CONNECT = {"host", "port", "user", "password", "dbname"}
TRUTH = """
SELECT target, count(*), coalesce(sum(rows_read), 0)::bigint, coalesce(sum(rows_inserted), 0)::bigint
FROM dwh_lineage.batches GROUP BY 1
"""


def _truth() -> dict[str, tuple[int, int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(TRUTH)
        return {target: tuple(sums) for target, *sums in cursor.fetchall()}


def _said() -> dict[str, tuple[int, int, int]]:
    return {total.target: (total.batches, total.read, total.inserted) for total in totals().values() if total.batches}


def _kept() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(batches), 0) FROM dwh_lineage.target_totals")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_the_sums_are_right_before_and_after_each_fold() -> None:
    seeds.seed_warehouse()  # as if in transaction 1
    assert _said() == _truth()
    for _ in range(3):
        fold_totals()
        # Not always all of it: a transaction of another database may hold the horizon back.
        assert _kept() <= sum(batches for batches, _, _ in _truth().values())
        assert _said() == _truth()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT dwh_lineage.close_batch(dwh_lineage.open_batch(%s, 'ingest'), 5, 4, 0, 0, 0, 1)", [seeds.BRONZE]
            )
        assert _said() == _truth()


def test_a_batch_that_was_open_during_a_fold_is_not_forgotten(transactional_db: None) -> None:
    seeds.seed_warehouse()
    batch = "SELECT dwh_lineage.close_batch(dwh_lineage.open_batch(%s, 'ingest'), 1, 1)"
    parameters = {key: value for key, value in connection.get_connection_params().items() if key in CONNECT}
    with psycopg.connect(**parameters) as writer:
        writer.execute(batch, [seeds.BRONZE])
        opened = writer.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
        with connection.cursor() as cursor:  # a younger one, which has ended
            cursor.execute(batch, [seeds.BRONZE])
        fold_totals()
        assert _said() == _truth()
        assert opened is not None
        assert TargetTotal.objects.filter(counted_below__gt=opened[0]).count() == 0
        writer.commit()
        assert _said() == _truth()
    fold_totals()
    assert _said() == _truth()
