"""Tests of declarations: rows that a source brings, and what must become of them.

with Trial() as trial:
    trial.given(RawLoans, "loan_no | title\\n1 | Emma\\n2 |")
    trial.expect(Loans, "loan_no | title\\n1 | Emma")
    trial.expect_exceptions(Loans, [{"loan_no": 2, "issues": "title is missing"}])

A trial works in the migrated database behind Django's connection (in pytest: the test database), in a transaction of
its own that is always rolled back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import psycopg
from django.db import connections
from psycopg import sql

from medallion import bronze, declaration

Rows = str | Sequence[Mapping[str, Any]]
Line = tuple[str | None, ...]


class Trial:
    """A warehouse without rows, for one test."""

    def __init__(self, using: str = "default") -> None:
        self._using = using
        self._files = 0

    def __enter__(self) -> Trial:
        parameters = connections[self._using].get_connection_params()
        for django_only in ("cursor_factory", "context"):
            parameters.pop(django_only, None)
        self.connection: psycopg.Connection[Any] = psycopg.connect(**parameters | {"autocommit": True})
        self.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        self.connection.execute("SET LOCAL TimeZone = 'UTC'")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.connection.close()  # which takes back all that happened

    def given(self, table: type[bronze.Table], rows: Rows) -> None:
        """Lets a file arrive: one batch of `rows`, by column of the bronze table. What is not named is NULL.

        Rows are mappings, or a text with a line of names and a line for each row, with | between; a blank is NULL.
        """
        names, lines = _read(rows)
        known = [column.name for column in table.bronze_columns()]
        if strange := [name for name in names if name not in known]:
            raise ValueError(f"{table.target} has no column {strange[0]}. It has: {', '.join(known)}.")
        self._files += 1
        file = f"given {self._files}"
        begin = "SELECT dwh_etl.begin_ingestion(%s, %s, %s, %s, 1)"
        ((batch_no,),) = self.connection.execute(begin, (table.target, table.source.name, file, file)).fetchall()
        copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(*table.rows_relation().split(".")), sql.SQL(", ").join(map(sql.Identifier, names))
        )
        with self.connection.cursor() as cursor, cursor.copy(copy) as stream:
            for line in lines:
                stream.write_row(line)
        self.connection.execute("SELECT dwh_etl.finish_ingestion(%s, %s)", (batch_no, len(lines)))

    def load(self, *tables: type[declaration.Table]) -> None:
        """Brings tables up to date, and all that they are made from. `expect` does it by itself."""
        steps = self.connection.execute(
            "SELECT t.load_routine, t.rebuild_routine, s.step_rebuild "
            "FROM dwh_lineage.plan_steps(%s::text[]) AS s JOIN dwh_lineage.targets AS t ON t.target = s.step_target "
            "ORDER BY s.step_position",
            ([table.target for table in tables],),
        ).fetchall()
        for load, rebuild, anew in steps:
            routine = sql.Identifier(*str(rebuild if anew else load).split("."))
            self.connection.execute(sql.SQL("CALL {}()").format(routine))

    def expect(self, table: type[declaration.Table], rows: Rows) -> None:
        """Loads a silver or gold table; it must hold exactly these rows, in any order, as far as columns are named."""
        __tracebackhide__ = True
        self.load(table)
        names, lines = _read(rows)
        expected = self._cast(table, names, lines)
        relation = sql.Identifier(*table.target.split("."))
        texts = [sql.SQL("r.{}::text").format(sql.Identifier(name)) for name in names]
        query = sql.SQL("SELECT {} FROM {} AS r {}").format(sql.SQL(", ").join(texts), relation, self._members(table))
        found = Counter(self.connection.execute(query).fetchall())
        _compare(table.target, names, Counter(expected), found, self._rejected(table))

    def expect_exceptions(self, table: type[declaration.Table], rows: Rows) -> None:
        """Loads a silver table; exactly these rows must be set aside. `issues`: the messages of the broken rules, as a
        list, or as one text with `; ` between; the other names are columns of the bronze table, as they arrived."""
        __tracebackhide__ = True
        self.load(table)
        names, lines = _read(rows)
        texts = [
            sql.SQL("array_to_string(e.issues, '; ')")
            if name == "issues"
            else sql.SQL("e.source_data ->> {}").format(sql.Literal(name))
            for name in names
        ]
        query = sql.SQL(
            "SELECT {} FROM dwh_lineage.quality_exceptions AS e WHERE e.target_table = %s AND e.state = 'open'"
        ).format(sql.SQL(", ").join(texts))
        found = Counter(self.connection.execute(query, (table.target,)).fetchall())
        _compare(f"Exceptions of {table.target}", names, Counter(lines), found, [])

    def _cast(self, table: type[declaration.Table], names: list[str], lines: list[Line]) -> list[Line]:
        """Expected values as PostgreSQL writes them: 1.5 is 1.50 where the column says so, and a date is a time."""
        types = dict(
            self.connection.execute(
                "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a "
                "WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped",
                (table.target,),
            ).fetchall()
        )
        if strange := [name for name in names if name not in types]:
            known = ", ".join(name for name in types if not name.startswith("_")) or "it is not installed; migrate"
            raise ValueError(f"{table.target} has no column {strange[0]}. It has: {known}.")
        if not lines:
            return []
        row = sql.SQL("({})").format(
            sql.SQL(", ").join(sql.SQL("%s::text::{}::text").format(sql.SQL(types[name])) for name in names)
        )
        values = sql.SQL("VALUES {}").format(sql.SQL(", ").join([row] * len(lines)))
        return self.connection.execute(values, [value for line in lines for value in line]).fetchall()

    def _members(self, table: type[declaration.Table]) -> sql.Composable:
        """Of a dimension the members that stand, not the unknown one."""
        if getattr(table, "kind", "") != "dimension":
            return sql.SQL("")
        surrogate = sql.Identifier(str(getattr(table, "surrogate", "")))
        return sql.SQL("WHERE r.{} > 0 AND r._retired_at IS NULL").format(surrogate)

    def _rejected(self, table: type[declaration.Table]) -> list[str]:
        """The rows that a table has set aside, for who misses one."""
        found = self.connection.execute(
            "SELECT e.source_data::text || ': ' || array_to_string(e.issues, '; ') "
            "FROM dwh_lineage.quality_exceptions AS e "
            "WHERE e.target_table = %s AND e.state = 'open' ORDER BY e.bronze_id",
            (table.target,),
        )
        return [row[0] for row in found]


def _read(rows: Rows) -> tuple[list[str], list[Line]]:
    if isinstance(rows, str):
        cells = [[cell.strip() for cell in line.split("|")] for line in rows.strip().splitlines()]
        names, *lines = cells
        for line in lines:
            if len(line) != len(names):
                raise ValueError(f"The line {' | '.join(line)} has {len(line)} cells; the first has {len(names)}.")
        return names, [tuple(cell or None for cell in line) for line in lines]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return names, [tuple(_text(row.get(name)) for name in names) for row in rows]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _compare(what: str, names: list[str], expected: Counter[Line], found: Counter[Line], rejected: list[str]) -> None:
    __tracebackhide__ = True
    missing, strange = expected - found, found - expected
    if not missing and not strange:
        return
    marked = [("-", line) for line in missing.elements()] + [("+", line) for line in strange.elements()]
    # A row that is nearly right stands beside the one that it should be.
    marked.sort(key=lambda pair: ([cell or "" for cell in pair[1]], pair[0]))
    shown = [("", tuple(names)), *marked]
    widths = [max(len(line[n] or "") for _mark, line in shown) for n in range(len(names))]
    table = "\n".join(
        f"  {mark:1} "
        + " | ".join((cell or "").ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for mark, line in shown
    )
    aside = "".join(f"\n  ! {row}" for row in rejected) if missing else ""
    head = f"{what}: {missing.total()} missing (-), {strange.total()} not expected (+)"
    raise AssertionError(f"{head}{', set aside (!)' if aside else ''}:\n{table}{aside}")
