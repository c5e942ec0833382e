"""Reads the lineage of what is installed and stores it: each text once, under its fingerprint."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from lineage.code.cursor import Cursor
from lineage.code.installed import Code, Installed, read_installed
from lineage.parsing.routines import Routines, parse_routine
from lineage.parsing.values import ROWS, Edge, Findings, Gap, Source

#: Changes when the parser finds other edges in the same text.
PARSER = "1"
#: Schemas of Assay's own tables. What they decide (corrections, waivers, what waits) is told by traces, row by row.
SUPPORT = ("dwh_lineage", "dwh_etl", "pg_catalog", "information_schema", "pg_temp")
#: Work tables that outlive a session: edges go through them.
STAGING = "dwh_staging"


@dataclass(slots=True)
class Recorded:
    """What a reading found: how many texts there are, and those that were parsed now."""

    codes: int = 0
    parsed: list[str] = field(default_factory=list)


def record_lineage(cursor: Cursor) -> Recorded:
    """Parses each routine and view whose text, or what it depends on, is not the one that was parsed before; replaces
    its edges. To be called in a transaction, by the owner."""
    installed = read_installed(cursor)
    cursor.execute("SELECT name, sql_hash, parsed_as FROM dwh_lineage.code_versions WHERE is_current")
    before = {name: (sql_hash, parsed_as) for name, sql_hash, parsed_as in cursor.fetchall()}
    fingerprints = _Fingerprints(installed)
    found = Recorded(len(installed.codes))
    for code in installed.codes:
        parsed_as = fingerprints.of(code)
        if before.get(code.name) == (code.sql_hash, parsed_as):
            continue
        findings = parse(code, installed)
        _store(cursor, code, parsed_as, findings)
        _replace_edges(cursor, code, storable(findings, installed))
        found.parsed.append(code.name)
    gone = before.keys() - {code.name for code in installed.codes}
    if gone or found.parsed:
        _forget(cursor, sorted(gone))
        _draw_through_staging(cursor)
        cursor.execute(_DEPENDENCIES)
    return found


def parse(code: Code, installed: Installed) -> Findings:
    """What is read from a text. Of a view the catalog knows the columns that it depends on: one that was not found is a
    gap."""
    if "view" not in code.kind:
        return parse_routine(code.routine, installed.schema, installed.routines)
    text = f"CREATE VIEW {code.name} AS {code.routine.body}"
    findings = parse_routine(replace(code.routine, body=text), installed.schema, Routines())
    aliases = installed.schema.aliases
    depends = {Source(aliases.get(source.table, source.table), source.column) for source in code.sources}
    missed = depends - findings.touched
    if missed:
        columns = ", ".join(f"{source.table}.{source.column}" for source in sorted(missed))
        findings.gaps.append(Gap("CREATE VIEW", f"what it does with {columns}"))
    return findings


def storable(findings: Findings, installed: Installed) -> Iterator[Edge]:
    """The edges between tables of the warehouse, and those of the columns that the database generates from others."""
    seen: set[Edge] = set()
    for edge in findings.edges:
        if edge.source.table == edge.table or _is_support(edge.source.table) or _is_support(edge.table):
            continue
        for one in (edge, *_generated(edge, installed)):
            if one not in seen:
                seen.add(one)
                yield one


def _generated(edge: Edge, installed: Installed) -> Iterator[Edge]:
    for (table, column), (expression, sources) in installed.generated.items():
        if table == edge.table and edge.column in sources:
            yield replace(edge, column=column, expression=expression)


def _is_support(table: str) -> bool:
    return table.split(".", 1)[0] in SUPPORT


class _Fingerprints:
    """Of a text with all that its meaning depends on: the columns of the tables and the routines that it names."""

    def __init__(self, installed: Installed) -> None:
        self.installed = installed
        self.routines: dict[str, list[str]] = {}
        for code in installed.codes:
            self.routines.setdefault(code.routine.name, []).append(code.routine.body)
        self.simple: dict[str, list[str]] = {}
        for name in self.routines:
            self.simple.setdefault(name.rpartition(".")[2], []).append(name)
        self.words: dict[str, set[str]] = {}

    def of(self, code: Code) -> str:
        bodies: dict[str, list[str]] = {code.routine.name: [code.routine.body, *code.routine.arguments]}
        tables: dict[str, tuple[str, ...]] = {}
        waiting = [code.routine.body]
        while waiting:
            words = self._words(waiting.pop())
            for word in words & self.simple.keys():
                for name in self.simple[word]:
                    if name not in bodies:
                        bodies[name] = self.routines[name]
                        waiting += self.routines[name]
            tables |= self._tables(words)
        generated = {f"{t}.{c}": e for (t, c), e in self.installed.generated.items() if t in tables}
        said = json.dumps([PARSER, sorted(bodies.items()), sorted(tables.items()), sorted(generated.items())])
        return hashlib.sha256(said.encode()).hexdigest()

    def _words(self, body: str) -> set[str]:
        if body not in self.words:
            self.words[body] = set(re.findall(r"[\w$]+", body))
        return self.words[body]

    def _tables(self, words: set[str]) -> dict[str, tuple[str, ...]]:
        tables = self.installed.schema.tables
        return {name: columns for name, columns in tables.items() if name.rpartition(".")[2] in words}


# --- Storing ----------------------------------------------------------------------------------------------------------
def _store(cursor: Cursor, code: Code, parsed_as: str, findings: Findings) -> None:
    cursor.execute(
        "UPDATE dwh_lineage.code_versions SET is_current = false WHERE name = %s AND sql_hash <> %s AND is_current",
        (code.name, code.sql_hash),
    )
    gaps = [{"statement": gap.statement, "reason": gap.reason} for gap in findings.gaps]
    reads = sorted(table for table in findings.reads if not table.startswith("pg_catalog."))
    cursor.execute(
        _STORE,
        (code.name, code.kind, code.sql_hash, code.text, parsed_as, findings.statements, findings.understood,
         json.dumps(gaps), reads, sorted(findings.writes)),
    )  # fmt: skip


def _replace_edges(cursor: Cursor, code: Code, edges: Iterable[Edge]) -> None:
    cursor.execute("DELETE FROM dwh_lineage.column_lineage WHERE origin = 'parsed' AND routine = %s", (code.name,))
    rows = [(e.source.table, e.source.column, e.table, e.column, e.expression or None, e.kind, e.role) for e in edges]
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        cursor.execute(_EDGES, (*columns, code.name, code.sql_hash))


def _forget(cursor: Cursor, names: list[str]) -> None:
    """Texts that are installed no more keep their versions, not their edges."""
    cursor.execute("DELETE FROM dwh_lineage.column_lineage WHERE origin = 'parsed' AND routine = ANY (%s)", (names,))
    cursor.execute("UPDATE dwh_lineage.code_versions SET is_current = false WHERE name = ANY (%s)", (names,))


def _draw_through_staging(cursor: Cursor) -> None:
    """Edges into and out of stored work tables become edges between what is at their ends."""
    cursor.execute("DELETE FROM dwh_lineage.column_lineage WHERE origin = 'parsed' AND notes = 'through work tables'")
    cursor.execute(_STAGED, (f"{STAGING}.%", f"{STAGING}.%"))
    rows = cursor.fetchall()
    if not rows:
        return
    edges = {
        Edge(Source(s, c), t, d, kind, role, e or ""): (routine, h) for s, c, t, d, e, kind, role, routine, h in rows
    }
    for edge, (routine, sql_hash) in list(_through(edges)):
        cursor.execute(
            _THROUGH,
            (edge.source.table, edge.source.column, edge.table, edge.column, edge.expression or None, edge.kind,
             edge.role, routine, sql_hash),
        )  # fmt: skip


Known = tuple[str, str]


def _through(edges: dict[Edge, Known]) -> Iterator[tuple[Edge, Known]]:
    """The closure over work tables; a value stays DIRECT where it was on both sides."""
    into: dict[str, list[Edge]] = {}
    for edge in edges:
        if edge.table.startswith(f"{STAGING}."):
            into.setdefault(edge.table, []).append(edge)
    done: set[Edge] = set(edges)
    waiting = [(edge, known) for edge, known in edges.items() if edge.source.table.startswith(f"{STAGING}.")]
    while waiting:
        edge, known = waiting.pop()
        for before in into.get(edge.source.table, ()):
            joined = _joined(before, edge)
            if joined is None or joined in done or joined.source.table == joined.table:
                continue
            done.add(joined)
            if joined.source.table.startswith(f"{STAGING}."):
                waiting.append((joined, known))
            elif not joined.table.startswith(f"{STAGING}."):
                yield joined, known


def _joined(before: Edge, after: Edge) -> Edge | None:
    """An edge into a column of a work table and one out of it, as one."""
    if before.column == ROWS:  # what decides on the rows there decides on the rows here
        return replace(before, table=after.table)
    if before.column != after.source.column:
        return None
    if before.kind == after.kind == "DIRECT":
        expression = after.expression if "(" in after.expression or not before.expression else before.expression
        return replace(after, source=before.source, expression=expression)
    return replace(
        after, source=before.source, kind="INDIRECT", role=before.role if after.kind == "DIRECT" else after.role
    )


_STORE = """
    INSERT INTO dwh_lineage.code_versions (
        name, kind, sql_hash, definition, is_current, parsed_as, parsed_at, statements, understood, gaps, reads, writes
    ) VALUES (%s, %s, %s, %s, true, %s, clock_timestamp(), %s, %s, %s::jsonb, %s, %s)
    ON CONFLICT (name, sql_hash) DO UPDATE SET
        definition = excluded.definition, is_current = true, parsed_as = excluded.parsed_as,
        parsed_at = excluded.parsed_at, statements = excluded.statements, understood = excluded.understood,
        gaps = excluded.gaps, reads = excluded.reads, writes = excluded.writes
"""

_EDGES = """
    INSERT INTO dwh_lineage.column_lineage (
        source_table, source_column, target_table, target_column, transformation, kind, role, origin, routine, sql_hash
    )
    SELECT e.*, 'parsed', x.routine, x.sql_hash
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[]) AS e,
        (SELECT %s::text AS routine, %s::text AS sql_hash) AS x
"""

_STAGED = """
    SELECT source_table, source_column, target_table, target_column, transformation, kind, role, routine, sql_hash
    FROM dwh_lineage.column_lineage
    WHERE origin = 'parsed' AND (source_table LIKE %s OR target_table LIKE %s)
    ORDER BY id
"""

_THROUGH = """
    INSERT INTO dwh_lineage.column_lineage (
        source_table, source_column, target_table, target_column, transformation, kind, role, origin, routine, sql_hash,
        notes
    )
    SELECT n.*, 'through work tables'
    FROM (SELECT %s::text AS s, %s::text AS c, %s::text AS t, %s::text AS d, %s::text AS e, %s::text AS kind,
                 %s::text AS role, 'parsed'::text AS origin, %s::text AS routine, %s::text AS sql_hash) AS n
    WHERE NOT EXISTS (
        SELECT 1 FROM dwh_lineage.column_lineage AS l
        WHERE l.origin = 'parsed' AND l.source_table = n.s AND l.source_column = n.c AND l.target_table = n.t
            AND l.target_column = n.d AND l.kind = n.kind
    )
"""

# The graph of tables gets what code does and nobody has declared; what code does no more goes.
_DEPENDENCIES = """
    WITH parsed AS (
        SELECT DISTINCT l.source_table, l.target_table
        FROM dwh_lineage.column_lineage AS l
        WHERE l.origin = 'parsed' AND l.source_table NOT LIKE 'dwh\\_%' AND l.target_table NOT LIKE 'dwh\\_%'
            AND l.source_table <> l.target_table
    ), gone AS (
        DELETE FROM dwh_lineage.table_dependencies AS d
        WHERE d.origin = 'parsed' AND NOT EXISTS (
            SELECT 1 FROM parsed AS p
            WHERE p.source_table = d.upstream_table AND p.target_table = d.downstream_table
        )
    )
    INSERT INTO dwh_lineage.table_dependencies (upstream_table, downstream_table, origin)
    SELECT p.source_table, p.target_table, 'parsed' FROM parsed AS p
    ON CONFLICT (upstream_table, downstream_table) DO NOTHING
"""
