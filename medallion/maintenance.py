"""What is done every hour.

The warehouse's tables are kept in shape: partitions ahead, indexes summarised, calendars turned to today, and what is
past its retention goes. The ledger is summed, and workers that vanished are forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from lineage.models import Target
from lineage.totals import fold_totals
from lineage.workers import forget_workers

_BRONZE, _GOLD = Target.Layer.BRONZE, Target.Layer.GOLD


@dataclass(frozen=True)
class PastRetention:
    """A month of a bronze table that is past its retention: how many rows went, or what it waits for."""

    month: str
    dropped: int | None
    waits_for: str | None


@dataclass(frozen=True)
class Maintained:
    """A bronze or gold table, how many partitions it got, and of bronze its months past the retention."""

    target: str
    partitions: int
    past_retention: tuple[PastRetention, ...] = ()


def maintain(by: str) -> list[Maintained]:
    """Makes partitions ahead; of bronze tables summarises BRIN indexes and drops what is past the retention, of
    calendars turns the flags to today; each table in a transaction of its own. Then adds to the sums of the ledger and
    forgets workers not seen for a day. by: who asks, for dwh_lineage.dropped_partitions."""
    targets = Target.objects.filter(layer__in=(_BRONZE, _GOLD)).order_by("target").values_list("target", "layer")
    done = [
        Maintained(target, _in_shape(target, layer), _retired(target, by) if layer == _BRONZE else ())
        for target, layer in targets
    ]
    fold_totals()
    forget_workers()
    return done


def vacuum() -> list[str]:
    """VACUUM (ANALYZE) of all silver and gold tables, outside of any transaction; returns their names."""
    names = list(Target.objects.exclude(layer=_BRONZE).order_by("target").values_list("rows_relation", flat=True))
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"VACUUM (ANALYZE) {name}")  # written by a migration, quoted
    return names


def _in_shape(target: str, layer: str) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT dwh_etl.maintain_{layer}(%s)", [target])
        return int(cursor.fetchone()[0])


def _retired(target: str, by: str) -> tuple[PastRetention, ...]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT month, dropped, waits_for FROM dwh_etl.retire_partitions(%s, %s)", [target, by])
        return tuple(PastRetention(*row) for row in cursor.fetchall())
