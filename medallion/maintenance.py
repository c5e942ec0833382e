"""What is done every hour.

Bronze tables are kept in shape: partitions ahead, indexes summarised, and what is past its retention goes. The ledger
is summed, and workers that vanished are forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from lineage.models import Target
from lineage.totals import fold_totals
from lineage.workers import forget_workers


@dataclass(frozen=True)
class PastRetention:
    """A month of a bronze table that is past its retention: how many rows went, or what it waits for."""

    month: str
    dropped: int | None
    waits_for: str | None


@dataclass(frozen=True)
class Maintained:
    """A bronze table, how many partitions it got, and its months past the retention."""

    target: str
    partitions: int
    past_retention: tuple[PastRetention, ...] = ()


def maintain(by: str) -> list[Maintained]:
    """Makes partitions ahead, summarises BRIN indexes and drops what is past the retention of all bronze tables, each
    in a transaction of its own; then adds to the sums of the ledger and forgets workers not seen for a day.
    by: who asks, for dwh_lineage.dropped_partitions."""
    targets = Target.objects.filter(layer=Target.Layer.BRONZE).order_by("target").values_list("target", flat=True)
    done = [Maintained(target, _in_shape(target), _retired(target, by)) for target in targets]
    fold_totals()
    forget_workers()
    return done


def _in_shape(target: str) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT dwh_etl.maintain_bronze(%s)", [target])
        return int(cursor.fetchone()[0])


def _retired(target: str, by: str) -> tuple[PastRetention, ...]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT month, dropped, waits_for FROM dwh_etl.retire_partitions(%s, %s)", [target, by])
        return tuple(PastRetention(*row) for row in cursor.fetchall())
