"""What is installed: the columns of all relations, routines, views, generated columns, as the catalog has them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lineage.code.cursor import Cursor
from lineage.parsing.routines import Routine, Routines
from lineage.parsing.scopes import Schema
from lineage.parsing.values import Source


@dataclass(frozen=True, slots=True)
class Code:
    """A routine or a view: its name with schema (and arguments, where several have the name), its text, and the
    fingerprint of that text."""

    name: str
    kind: str  # function, procedure, view, materialized view
    text: str
    routine: Routine
    sources: frozenset[Source] = frozenset()  # of a view: the columns that it depends on

    @property
    def sql_hash(self) -> str:
        """The same as dwh_lineage.sql_hash gives."""
        return hashlib.sha256(self.routine.body.encode()).hexdigest()


@dataclass(slots=True)
class Installed:
    """All of it. `generated`: (table, column) → (expression, the columns of the table that it is made of)."""

    schema: Schema = field(default_factory=Schema)
    routines: Routines = field(default_factory=Routines)
    codes: list[Code] = field(default_factory=list)
    generated: dict[tuple[str, str], tuple[str, list[str]]] = field(default_factory=dict)


def read_installed(cursor: Cursor) -> Installed:
    """Reads the catalog, in a transaction. Locks nothing."""
    schema = _schema(cursor)
    ((path,),) = _read(cursor, "SELECT current_setting('search_path')")
    # PostgreSQL leaves out of a view's text the schemas that the session would search: the text, and so its
    # fingerprint, would be another one for each session.
    cursor.execute("SELECT set_config('search_path', 'pg_catalog', true)")
    rows = _read(cursor, _ROUTINES)
    codes = [_routine(row) for row in rows]
    by_name: dict[str, list[Routine]] = {}
    for code in codes:
        by_name.setdefault(code.routine.name, []).append(code.routine)
    codes += [_view(row) for row in _read(cursor, _VIEWS)]
    generated: dict[tuple[str, str], tuple[str, list[str]]] = {}
    for table, column, expression, source in _read(cursor, _GENERATED):
        generated.setdefault((table, column), (expression, []))[1].append(source)
    cursor.execute("SELECT set_config('search_path', %s, true)", (path,))
    return Installed(schema, Routines(by_name, schema.path), codes, generated)


def _schema(cursor: Cursor) -> Schema:
    tables: Mapping[str, tuple[str, ...]] = {name: tuple(columns) for name, columns in _read(cursor, _RELATIONS)}
    aliases = dict(_read(cursor, _ALIASES))
    ((path,),) = _read(cursor, "SELECT current_schemas(false) || 'pg_catalog'::name")
    return Schema(tables, aliases, tuple(path))


def _routine(row: tuple[Any, ...]) -> Code:
    name, kind, language, body, text, names, modes, is_doubled, signature, tables = row
    names = [(one or "").lower() for one in names or []]
    modes = modes or ["i"] * len(names)
    pairs = list(zip(names, modes, strict=True))
    returned = tuple(n for n, mode in pairs if mode == "t")
    arguments = tuple(n for n, mode in pairs if mode in "ibv")
    outs = tuple(n for n, mode in pairs if mode in "ob")
    # A trigger's function knows the row before and after.
    others = ("new", "old", *_TRIGGER_NAMES) if tables is not None else ()
    routine = Routine(name, language, body, arguments, (*outs, *others), returned, kind)
    return Code(f"{name}({signature})" if is_doubled else name, kind, text, routine)


def _view(row: tuple[Any, ...]) -> Code:
    name, kind, body, sources = row
    pairs = [source.rsplit(".", 1) for source in sources or []]
    depends = frozenset(Source(table, column) for table, column in pairs)
    text = f"CREATE {kind.upper()} {name} AS\n{body}"
    return Code(name, kind, text, Routine(name, "sql", body, kind=kind), depends)


def _read(cursor: Cursor, query: str) -> list[Any]:
    cursor.execute(query)
    return list(cursor.fetchall())


_TRIGGER_NAMES = (
    "tg_name", "tg_when", "tg_level", "tg_op", "tg_relid", "tg_relname", "tg_table_name", "tg_table_schema", "tg_nargs",
    "tg_argv",
)  # fmt: skip

_RELATIONS = """
    SELECT n.nspname || '.' || c.relname, array_agg(a.attname::text ORDER BY a.attnum)
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
        AND n.nspname NOT IN ('pg_toast', 'information_schema') AND n.nspname !~ '^pg_temp_'
    GROUP BY c.oid, n.nspname, c.relname
"""

# A partition is its table; what stands behind a bronze view is the bronze table.
_ALIASES = """
    SELECT pn.nspname || '.' || p.relname, rn.nspname || '.' || r.relname
    FROM pg_class AS p
    JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
    JOIN pg_class AS r ON r.oid = pg_partition_root(p.oid)
    JOIN pg_namespace AS rn ON rn.oid = r.relnamespace
    WHERE p.relispartition
    UNION
    SELECT t.rows_relation, t.target FROM dwh_lineage.targets AS t WHERE t.rows_relation <> t.target
"""

_ROUTINES = """
    SELECT
        n.nspname || '.' || p.proname,
        CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
        l.lanname,
        coalesce(pg_get_function_sqlbody(p.oid), p.prosrc),
        pg_get_functiondef(p.oid),
        coalesce(p.proargnames, array_fill(''::text, ARRAY[cardinality(p.proargtypes::oid[])])),
        p.proargmodes::text[],
        count(*) OVER (PARTITION BY p.pronamespace, p.proname) > 1,
        pg_get_function_identity_arguments(p.oid),
        CASE WHEN p.prorettype = 'trigger'::regtype THEN true END
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    JOIN pg_language AS l ON l.oid = p.prolang
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND l.lanname IN ('sql', 'plpgsql')
        AND p.prokind IN ('f', 'p')
        AND NOT EXISTS (SELECT 1 FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
    ORDER BY 1, 9
"""

_VIEWS = """
    SELECT
        n.nspname || '.' || c.relname,
        CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END,
        pg_get_viewdef(c.oid),
        (
            SELECT array_agg(DISTINCT sn.nspname || '.' || s.relname || '.' || a.attname)
            FROM pg_rewrite AS w
            JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refobjsubid > 0
            JOIN pg_class AS s ON d.refclassid = 'pg_class'::regclass AND s.oid = d.refobjid AND s.oid <> c.oid
            JOIN pg_namespace AS sn ON sn.oid = s.relnamespace
            JOIN pg_attribute AS a ON a.attrelid = s.oid AND a.attnum = d.refobjsubid
            WHERE w.ev_class = c.oid
        )
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        AND NOT EXISTS (SELECT 1 FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1
"""

# Exact: pg_depend names the columns that each expression reads.
_GENERATED = """
    SELECT n.nspname || '.' || c.relname, a.attname, pg_get_expr(f.adbin, f.adrelid), s.attname
    FROM pg_attrdef AS f
    JOIN pg_attribute AS a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attgenerated <> ''
    JOIN pg_class AS c ON c.oid = f.adrelid AND NOT c.relispartition
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = f.adrelid AND d.refobjsubid > 0
        -- PostgreSQL records a generated column's reads as its own dependencies on the table's columns.
        AND ((d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid)
            OR (d.classid = 'pg_class'::regclass AND d.objid = f.adrelid AND d.objsubid = f.adnum))
    JOIN pg_attribute AS s ON s.attrelid = f.adrelid AND s.attnum = d.refobjsubid AND s.attnum <> a.attnum
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
    GROUP BY 1, 2, 3, 4
    ORDER BY 1, 2, 4
"""
