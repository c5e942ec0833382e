"""What keeps the warehouse's tables in shape."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from lineage.models import Target

_ROUTINES = {Target.Layer.BRONZE: "dwh_etl.maintain_bronze", Target.Layer.GOLD: "dwh_etl.maintain_gold"}


@dataclass(frozen=True)
class PastRetention:
    """A month of a bronze table that is past its retention: how many rows went, or what it waits for."""

    month: str
    dropped: int | None
    waits_for: str | None


@dataclass(frozen=True)
class Maintained:
    """A table, and how many partitions it got."""

    target: str
    partitions: int
    past_retention: tuple[PastRetention, ...] = ()


def maintain() -> list[Maintained]:
    """Each table in a transaction of its own: of bronze tables partitions ahead and summarised BRIN indexes, of facts
    partitions ahead, of calendars the flags of today."""
    done = []
    for target, layer in Target.objects.filter(layer__in=_ROUTINES).values_list("target", "layer"):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SELECT {_ROUTINES[layer]}(%s)", [target])
            done.append(Maintained(target, int(cursor.fetchone()[0])))
    return done


def vacuum() -> list[str]:
    """VACUUM (ANALYZE) of all silver and gold tables, outside of any transaction; returns their names."""
    names = list(Target.objects.exclude(layer=Target.Layer.BRONZE).values_list("rows_relation", flat=True))
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"VACUUM (ANALYZE) {name}")
    return names
