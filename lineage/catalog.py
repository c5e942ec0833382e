"""What is known about the tables of the warehouse: figures from the ledger, columns and SQL from the catalog.

Nothing here counts the rows of a table. A name from outside is looked up in `dwh_lineage.targets` first; only names
that stand there reach a query, as identifiers.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.db import DatabaseError, connection, transaction
from psycopg import sql
from psycopg.errors import QueryCanceled

from lineage.models import Target
from lineage.personal import MASK, shows_all

T = TypeVar("T")
SAMPLE_ROWS = 20
SAMPLE_CHARACTERS = 400
SAMPLE_TIMEOUT_MS = 3000
LATEST_LOADS = 20


@dataclass(frozen=True, slots=True)
class Column:
    """A column as PostgreSQL has it, with the columns it is made of."""

    name: str
    type: str
    nullable: bool
    description: str | None
    internal: bool  # only in the relation that holds the rows, not in the view that people read
    personal: bool
    sources: list[dict[str, Any]] = field(default_factory=list)

    @property
    def made_of(self) -> list[dict[str, Any]]:
        """The columns that are in it."""
        return [source for source in self.sources if source["kind"] == "DIRECT"]

    @property
    def decided_by(self) -> list[dict[str, Any]]:
        """The columns that only decide on it."""
        return [source for source in self.sources if source["kind"] != "DIRECT"]


@dataclass(frozen=True, slots=True)
class Rule:
    rule: str
    column_name: str | None
    kind: str
    message: str
    is_check: bool
    severity: str
    open_breaches: int


@dataclass(frozen=True, slots=True)
class Load:
    batch_no: int
    kind: str
    run_id: int | None
    source_file: str | None
    completed_at: datetime | None
    rows_read: int | None
    rows_inserted: int | None
    rows_updated: int | None
    rows_deleted: int | None
    rows_unchanged: int | None
    rows_rejected: int | None


@dataclass(frozen=True, slots=True)
class Code:
    """SQL text with a name for people."""

    title: str
    text: str

    @property
    def lines(self) -> int:
        return self.text.count("\n") + 1


@dataclass(frozen=True, slots=True)
class Sample:
    """A few rows as text, or why there are none."""

    columns: list[str] = field(default_factory=list)
    rows: list[tuple[str | None, ...]] = field(default_factory=list)
    problem: str = ""
    #: What names each row, as JSON.
    keys: list[str] = field(default_factory=list)

    @property
    def named_rows(self) -> list[tuple[str, tuple[str | None, ...]]]:
        """(key, row) of each row."""
        return list(zip(self.keys, self.rows, strict=True))


def read_columns(target: Target, personal: Collection[str] = ()) -> list[Column]:
    """The columns of a target: first those of the declaration, then ours (_batch_id, …), then those of its rows'
    relation alone. `personal`: those with personal data."""
    docs = {column["name"]: column.get("doc") for column in target.contract.get("columns", ())}
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, {"target": target.target, "rows_relation": target.rows_relation})
        return [
            Column(
                name, sql_type, nullable, docs.get(name) or description, internal, name in personal, json.loads(sources)
            )
            for name, sql_type, nullable, description, internal, sources in cursor.fetchall()
        ]


def read_rules(target: Target) -> list[Rule]:
    """The active rules of a target, in the declaration's order, with how many rows break each one now."""
    return _read(Rule, _RULES, {"target": target.target})


def read_loads(target: Target) -> list[Load]:
    """The latest batches of a target, the newest first."""
    return _read(Load, _LOADS, {"target": target.target, "limit": LATEST_LOADS})


def read_code(target: Target) -> list[Code]:
    """The SQL behind a target: its query, where the declaration has one, and its routines as installed."""
    query = target.contract.get("query")
    found = [Code("Query of the declaration", query.strip())] if isinstance(query, str) else []
    for title, routine in (("Load routine", target.load_routine), ("Rebuild routine", target.rebuild_routine)):
        if routine:
            text = _routine_text(routine)
            found.append(Code(f"{title} {routine}", text or f"-- {routine} is not installed; run manage.py migrate."))
    return found


def read_sample(target: Target, hidden: Collection[str] = ()) -> Sample:
    """The first rows of a target, each value cut to SAMPLE_CHARACTERS characters. Values of `hidden` columns stay in
    the database; a key that has one is left out, too."""
    with connection.cursor() as cursor:
        cursor.execute(_RELATION, {"target": target.target, "rows_relation": target.rows_relation})
        relation = cursor.fetchone()
    if relation is None:
        return Sample(problem=f"The relation {target.rows_relation} is not installed; run manage.py migrate.")
    schema, name, columns = relation
    if not columns:
        return Sample()
    values = sql.SQL(", ").join(_shown(column, hidden) for column in columns)
    query = sql.SQL(
        "SELECT dwh_lineage.key_of(%s, to_jsonb(t))::text, {} FROM (SELECT * FROM {} LIMIT {}) AS t"
    ).format(values, sql.Identifier(schema, name), SAMPLE_ROWS)
    try:
        # A savepoint, so that a query that takes too long spoils nothing else of the page.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(SAMPLE_TIMEOUT_MS)])
            cursor.execute(query, [target.target])
            found = cursor.fetchall()
            return Sample(columns, [row[1:] for row in found], keys=[_known(row[0], hidden) for row in found])
    except DatabaseError as error:
        if isinstance(error.__cause__, QueryCanceled):
            return Sample(problem=f"Reading the first rows took longer than {SAMPLE_TIMEOUT_MS // 1000} s.")
        return Sample(problem=f"The rows cannot be read: {error}")


def _shown(column: str, hidden: Collection[str]) -> sql.Composed:
    if column in hidden:
        return sql.SQL("CASE WHEN {} IS NOT NULL THEN {} END").format(sql.Identifier(column), MASK)
    return sql.SQL("left({}::text, {})").format(sql.Identifier(column), SAMPLE_CHARACTERS)


def _known(key: str | None, hidden: Collection[str]) -> str:
    """A row's key as JSON; empty where the relation has no such columns, or not all of it may be seen."""
    return key if key and None not in json.loads(key).values() and shows_all(key, hidden) else ""


def read_neighbours(target: Target) -> tuple[list[str], list[str]]:
    """The tables and sources that feed a target directly, and those that it feeds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT upstream_table, downstream_table FROM dwh_lineage.table_dependencies"
            " WHERE downstream_table = %(name)s OR upstream_table = %(name)s ORDER BY 1, 2",
            {"name": target.target},
        )
        pairs = cursor.fetchall()
    return [a for a, b in pairs if b == target.target], [b for a, b in pairs if a == target.target]


def _routine_text(routine: str) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_functiondef(coalesce(to_regprocedure(%(name)s)::oid, to_regproc(%(name)s)::oid))",
            {"name": routine},
        )
        row = cursor.fetchone()
    return row[0].strip() if row and row[0] else None


def _read(record: type[T], query: str, parameters: dict[str, Any]) -> list[T]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        names = [column.name for column in cursor.description or ()]
        return [record(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


_COLUMNS = """
    WITH relations AS (
        SELECT coalesce(to_regclass(%(target)s), to_regclass(%(rows_relation)s)) AS shown,
               to_regclass(%(rows_relation)s) AS stored
    ), columns AS (
        SELECT a.attrelid, a.attname, a.attnum, a.atttypid, a.atttypmod, a.attnotnull, a.attrelid <> r.shown AS internal
        FROM relations AS r
        JOIN pg_attribute AS a ON a.attrelid IN (r.shown, r.stored) AND a.attnum > 0 AND NOT a.attisdropped
        WHERE a.attrelid = r.shown OR NOT EXISTS (
            SELECT 1 FROM pg_attribute AS s WHERE s.attrelid = r.shown AND s.attname = a.attname AND s.attnum > 0
        )
    )
    SELECT
        c.attname AS name,
        format_type(c.atttypid, c.atttypmod) AS type,
        -- A view's columns are never NOT NULL; those of the table behind it tell.
        NOT coalesce(s.attnotnull, c.attnotnull) AS nullable,
        coalesce(col_description(c.attrelid, c.attnum), col_description(s.attrelid, s.attnum)) AS description,
        c.internal,
        coalesce(
            (
                SELECT jsonb_agg(
                    jsonb_build_object(
                        'table', l.source_table, 'column', l.source_column, 'kind', l.kind, 'roles', l.roles,
                        'transformation', coalesce(l.transformation, ''), 'is_key', l.is_key
                    ) ORDER BY l.kind, l.source_table, l.source_column
                )
                FROM (
                    -- Declared and read from the code: each once. Through work tables there are edges of their own.
                    SELECT
                        l.source_table, l.source_column, l.kind, bool_or(l.is_key) AS is_key,
                        string_agg(DISTINCT nullif(nullif(l.role, 'value'), ''), ', ') AS roles,
                        coalesce(
                            min(l.transformation) FILTER (WHERE l.origin = 'declared'), min(l.transformation)
                        ) AS transformation
                    FROM dwh_lineage.column_lineage AS l
                    WHERE l.target_table = %(target)s AND l.target_column = c.attname AND l.lineage_id IS NULL
                        AND l.source_table NOT LIKE 'dwh\\_%%'
                    GROUP BY l.source_table, l.source_column, l.kind
                ) AS l
            ),
            '[]'
        )::text AS sources
    FROM columns AS c
    CROSS JOIN relations AS r
    LEFT JOIN pg_attribute AS s ON s.attrelid = r.stored AND s.attname = c.attname AND s.attnum > 0
    ORDER BY c.internal, starts_with(c.attname, '_'), c.attnum
"""

_RELATION = """
    SELECT n.nspname, c.relname, array_agg(a.attname::text ORDER BY starts_with(a.attname, '_'), a.attnum)
            FILTER (WHERE a.attname IS NOT NULL)
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.oid = coalesce(to_regclass(%(target)s), to_regclass(%(rows_relation)s))
    GROUP BY n.nspname, c.relname
"""

_RULES = """
    SELECT r.rule, r.column_name, r.kind, r.message, r.is_check, g.severity,
        coalesce(o.open_breaches, 0)::bigint AS open_breaches
    FROM dwh_lineage.quality_rules AS r
    LEFT JOIN LATERAL (
        SELECT sum(d.delta) AS open_breaches
        FROM dwh_lineage.quality_issues AS i
        JOIN dwh_lineage.issue_deltas AS d ON d.issue_id = i.id
        -- Without a first batch it has no rows: a check that fails, a rule that warns.
        WHERE i.target = r.target AND i.rule = r.rule AND i.first_batch_no IS NOT NULL
    ) AS o ON true
    LEFT JOIN dwh_lineage.governing(%(target)s) AS g ON g.rule = r.rule
    WHERE r.target = %(target)s AND r.active
    ORDER BY r.position
"""

_LOADS = """
    SELECT
        b.batch_no, b.kind, r.run_id, b.source_file, b.completed_at, b.rows_read, b.rows_inserted, b.rows_updated,
        b.rows_deleted, b.rows_unchanged, b.rows_rejected
    FROM dwh_lineage.batches AS b
    LEFT JOIN dwh_lineage.pipeline_runs AS r ON r.batch_id = b.batch_id
    WHERE b.target = %(target)s
    ORDER BY b.batch_no DESC  -- Uses index batches_target_idx
    LIMIT %(limit)s
"""
