"""What keeps bronze tables in shape."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from lineage.models import Target


@dataclass(frozen=True)
class Maintained:
    """A bronze table, and how many partitions it got."""

    target: str
    partitions: int


def maintain() -> list[Maintained]:
    """Makes partitions ahead and summarises BRIN indexes of all bronze tables, each in a transaction of its own."""
    done = []
    for target in Target.objects.filter(layer=Target.Layer.BRONZE).values_list("target", flat=True):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT dwh_etl.maintain_bronze(%s)", [target])
            done.append(Maintained(target, int(cursor.fetchone()[0])))
    return done
