"""What stands beside one exception: its neighbours in the list, others of its key, what its table holds of it."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import DataError, connection, transaction
from django.db.models import OuterRef, QuerySet, Subquery
from psycopg import sql

from lineage.models import Batch
from quality.models import ExceptionBreach, QualityException
from quality.states import UNRESOLVED_STATES

SIBLINGS = 5


def with_neighbours(rows: QuerySet[Any, Any], cause: int | None) -> QuerySet[Any, Any]:
    """The exceptions, each with the `newer` and the `older` one of a cause, or else of its table, and `same_key`."""
    unresolved = QualityException.objects.filter(target_table=OuterRef("target_table"), state__in=UNRESOLVED_STATES)
    near: QuerySet[Any, Any] = unresolved.values("pk")  # Uses index quality_exc_open_idx
    key = "pk"
    if cause is not None:
        # Uses index exception_breaches_issue_idx
        near, key = ExceptionBreach.objects.filter(issue=cause).values("exception_id"), "exception_id"
    # Uses index quality_exc_any_key_idx
    same_key = unresolved.filter(source_id=OuterRef("source_id")).exclude(pk=OuterRef("pk")).order_by("-pk")
    annotated: QuerySet[Any, Any] = rows.annotate(
        newer=Subquery(near.filter(**{f"{key}__gt": OuterRef("pk")}).order_by(key)[:1]),
        older=Subquery(near.filter(**{f"{key}__lt": OuterRef("pk")}).order_by(f"-{key}")[:1]),
        same_key=ArraySubquery(same_key.values("pk")[:SIBLINGS]),
    )
    return annotated


def record_number(exception: QualityException, came_from: list[Batch]) -> int | None:
    """The number of the row among those of its file; None where the ids of its batch have holes."""
    if len(came_from) != 1:
        return None
    first, last = came_from[0].first_bronze_id, came_from[0].last_bronze_id
    if first is None or last is None or last - first != came_from[0].rows_inserted:
        return None
    return exception.bronze_id - first


def held(exception: QualityException) -> dict[str, Any]:
    """What the table holds now for the exception's key, or of its row where the table has no key; empty: nothing."""
    target = exception.target_table
    key = target.contract.get("key") or []
    parts = (exception.source_id or "").split("|")
    if not target.contract.get("columns") or (key and len(parts) != len(key)):
        return {}
    table = sql.Identifier(*str(target.rows_relation).split("."))
    given: Any = exception.bronze_id
    query = sql.SQL("SELECT to_jsonb(s) FROM {} AS s WHERE s._source_bronze_id = %s").format(table)
    if key:
        given = json.dumps(dict(zip(key, parts, strict=True)))
        same = sql.SQL(" AND ").join(sql.SQL("s.{0} = k.{0}").format(sql.Identifier(name)) for name in key)
        current = sql.SQL(" AND s.is_current" if target.kind == "scd2" else "")
        query = sql.SQL(
            "SELECT to_jsonb(s) FROM {0} AS s JOIN jsonb_populate_record(NULL::{0}, %s) AS k ON {1}{2} LIMIT 1"
        ).format(table, same, current)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(query, [given])
            found = cursor.fetchone()
    except DataError:
        return {}  # a key that cannot be cast is held nowhere
    row = (json.loads(found[0]) if isinstance(found[0], str) else found[0]) if found else {}
    return {name: value for name, value in row.items() if not name.startswith("_")}
