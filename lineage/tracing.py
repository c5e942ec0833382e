"""Traces rows for people: each row on the way with its values, the run and the code that made it, and what people
decided about it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lineage.code.cursor import Cursor

MOST = 100


@dataclass(slots=True)
class Traced:
    """A row on the way. `made`: the rows that it is part of; `row`: its values; `decided`: corrections, waivers and
    exceptions, a sentence each, of a bronze row for the tables it went to."""

    step: int
    table: str
    key: dict[str, Any]
    made: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    batch_no: int | None = None
    file: str | None = None
    record_no: int | None = None
    note: str | None = None
    row: dict[str, Any] | None = None
    run_id: int | None = None
    sql_hash: str | None = None
    loaded_at: str | None = None
    decided: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a row in one table: `key` of the row there, or None and why (`outcome`, `note`)."""

    step: int
    table: str
    key: dict[str, Any] | None
    from_table: str
    from_key: dict[str, Any]
    outcome: str | None
    note: str | None


def loaded(text: str) -> Any:
    """JSON with exact numbers."""
    return json.loads(text, parse_float=Decimal)


def tables_of(traced: list[Traced]) -> list[str]:
    """The tables on the way, each once."""
    return list(dict.fromkeys(one.table for one in traced))


def trace(cursor: Cursor, table: str, key: str, most: int = MOST) -> list[Traced]:
    """The rows behind a row, itself first. key: as dwh_lineage.find_row takes it. DatabaseError (class AS) where there
    is no such row. Locks nothing."""
    cursor.execute(
        "SELECT step, table_name, key::text, made_table, made_key::text, batch_no, source_file, record_no, note"
        " FROM dwh_lineage.trace_row(%s, %s, %s)",
        (table, key, most),
    )
    found: dict[tuple[str, str], Traced] = {}
    for step, name, text, made_table, made_key, batch_no, file, record_no, note in cursor.fetchall():
        one = found.setdefault((name, text), Traced(step, name, loaded(text), [], batch_no, file, record_no, note))
        if made_table is not None:
            one.made.append((made_table, loaded(made_key)))
    for one in found.values():
        _fill(cursor, one)
    return list(found.values())


def trace_forward(cursor: Cursor, table: str, key: str, most: int = MOST) -> list[Became]:
    """What became of a row, table by table. Locks nothing."""
    cursor.execute(
        "SELECT step, table_name, key::text, from_table, from_key::text, outcome, note"
        " FROM dwh_lineage.trace_forward(%s, %s, %s)",
        (table, key, most),
    )
    return [
        Became(step, name, loaded(text) if text else None, source, loaded(source_key), outcome, note)
        for step, name, text, source, source_key, outcome, note in cursor.fetchall()
    ]


def read_row(cursor: Cursor, table: str, key: str) -> dict[str, Any]:
    """A row's values. DatabaseError (class AS) where there is no such row."""
    cursor.execute("SELECT dwh_lineage.find_row(%s, %s)::text", (table, key))
    ((text,),) = cursor.fetchall()
    found: dict[str, Any] = loaded(text)
    # JSON has an order of its own; what is ours goes last.
    return dict(sorted(found.items(), key=lambda pair: pair[0].startswith("_")))


def _fill(cursor: Cursor, one: Traced) -> None:
    """Values, run, code and decisions of a row."""
    if one.note != "gone by its retention":
        one.row = read_row(cursor, one.table, json.dumps(one.key, default=str))
    cursor.execute(_BATCH, (one.batch_no,))
    for run_id, sql_hash, loaded_at in cursor.fetchall():
        one.run_id, one.sql_hash, one.loaded_at = run_id, sql_hash, loaded_at
    if "_bronze_id" in one.key:
        cursor.execute(_DECIDED, {"id": one.key["_bronze_id"], "table": one.table})
        one.decided = [sentence for (sentence,) in cursor.fetchall()]


_BATCH = """
    SELECT r.run_id, (SELECT min(l.sql_hash) FROM dwh_lineage.table_lineage AS l WHERE l.batch_no = b.batch_no),
        to_char(coalesce(b.completed_at, b.ingested_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
    FROM dwh_lineage.batches AS b
    LEFT JOIN dwh_lineage.pipeline_runs AS r ON r.batch_id = b.batch_id
    WHERE b.batch_no = %s
"""

# What people decided about a bronze row, for each table that takes it.
_DECIDED = """
    SELECT s.sentence
    FROM (
        SELECT c.target, 1 AS place, c.version AS number, format(
            'corrected for %%s by %%s, decision %%s: %%s%%s', c.target,
            (SELECT u.username FROM public.auth_user AS u WHERE u.id = d.author_id), c.decision_id, c.patch,
            CASE WHEN c.withdrawn THEN ' (taken back)' ELSE '' END
        ) AS sentence
        FROM dwh_lineage.corrections AS c
        JOIN dwh_lineage.quality_decisions AS d ON d.id = c.decision_id
        JOIN dwh_lineage.target_inputs AS i ON i.consumer = c.target AND i.source = %(table)s
        WHERE c.bronze_id = %(id)s
        UNION ALL
        SELECT w.target, 2, w.id, format(
            'the rule %%s of %%s is set aside for it, decision %%s%%s', w.rule, w.target, w.decision_id,
            CASE WHEN w.withdrawn_by_id IS NOT NULL THEN ' (taken back)' ELSE '' END
        )
        FROM dwh_lineage.waivers AS w
        JOIN dwh_lineage.target_inputs AS i ON i.consumer = w.target AND i.source = %(table)s
        WHERE w.bronze_id = %(id)s
        UNION ALL
        SELECT x.target_table, 3, x.id, format(
            'exception %%s of %%s, %%s: %%s', x.id, x.target_table, x.state, array_to_string(x.issues, '; ')
        )
        FROM dwh_lineage.quality_exceptions AS x
        JOIN dwh_lineage.target_inputs AS i ON i.consumer = x.target_table AND i.source = %(table)s
        WHERE x.bronze_id = %(id)s
    ) AS s
    ORDER BY s.target, s.place, s.number
"""
