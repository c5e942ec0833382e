"""The search over tables, columns and docs: names first, then what stands in descriptions, owners and tags.

`targets.search_text` holds all that is looked through, so a search is one look at a compact text for each table.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from django.db import connection

from lineage.graph import layer_of

MOST = 60
#: A longer text is no search.
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Hit:
    """A table, or one of its columns (`column`), or a source or consumer (`kind` is its layer then)."""

    table: str
    column: str
    layer: str
    kind: str
    doc: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was found; `more`: there is more than that."""

    tables: list[Hit]
    columns: list[Hit]
    more: bool

    @property
    def total(self) -> int:
        return len(self.tables) + len(self.columns)


def search(text: str, seen: frozenset[str] | None) -> Found:
    """Tables and columns that hold all words of a text in their names, descriptions, owners or tags; of tables, those
    `seen` alone (None: all). Two queries."""
    words = [word for word in re.split(r"[\s.\0]+", text[:LONGEST].lower()) if word]
    if not words:
        return Found([], [], False)
    tables, columns = [], []
    for name, layer, kind, doc, declared in _matching(words, seen):
        known = f"{name} {doc}".lower()
        tables.append(Hit(name, "", layer, kind, doc))
        columns += [
            Hit(name, column, layer, kind, said or "")
            for column, said in json.loads(declared)
            if _is_of(words, known, f"{column} {said or ''}".lower())
        ]
    tables += [Hit(name, "", layer_of(name, fed=fed), "", "") for name, fed in _outside(words)]
    tables.sort(key=lambda hit: _rank(words, hit.table, hit.table))
    columns.sort(key=lambda hit: _rank(words, hit.column, f"{hit.column} {hit.table}"))
    return Found(tables[:MOST], columns[:MOST], len(tables) > MOST or len(columns) > MOST)


def _is_of(words: list[str], table: str, column: str) -> bool:
    """Whether a column is meant: it has one of the words, and its table has the others."""
    return any(word in column for word in words) and all(word in column or word in table for word in words)


def _rank(words: list[str], name: str, whole: str) -> tuple[bool, bool, bool, int, str]:
    """The very name first, then names that begin so, names that hold it, shorter ones, the alphabet."""
    last = name.rpartition(".")[2]
    return (
        last != words[-1],
        not last.startswith(words[-1]),
        not all(word in whole for word in words),
        len(whole),
        whole,
    )


def _matching(words: list[str], seen: frozenset[str] | None) -> list[tuple[str, str, str, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(_MATCHING, {
            "patterns": _patterns(words), "last": words[-1], "size": MOST + 1,
            "seen": None if seen is None else sorted(seen),
        })  # fmt: skip
        return list(cursor.fetchall())


def _outside(words: list[str]) -> list[tuple[str, bool]]:
    """The sources and consumers: they have a name alone."""
    with connection.cursor() as cursor:
        cursor.execute(_OUTSIDE, {"patterns": _patterns(words), "size": MOST + 1})
        return list(cursor.fetchall())


def _patterns(words: list[str]) -> list[str]:
    return ["%{}%".format(re.sub(r"([%_\\])", r"\\\1", word)) for word in words]


_MATCHING = """
    SELECT t.target, t.layer, t.kind, t.description, (
        SELECT coalesce(jsonb_agg(jsonb_build_array(c.column_of ->> 'name', c.column_of ->> 'doc')), '[]')
        FROM (
            SELECT jsonb_path_query(t.contract, '$.columns[*]')
            UNION ALL
            SELECT jsonb_path_query(t.contract, '$.generated[*]')
        ) AS c (column_of)
    )::text
    FROM (
        SELECT * FROM dwh_lineage.targets AS t
        WHERE t.search_text LIKE ALL (%(patterns)s) AND (%(seen)s::text[] IS NULL OR t.target = ANY (%(seen)s))
        ORDER BY split_part(t.target, '.', 2) <> %(last)s, NOT starts_with(split_part(t.target, '.', 2), %(last)s),
            NOT t.target LIKE ALL (%(patterns)s), length(t.target), t.target
        LIMIT %(size)s
    ) AS t
"""

_OUTSIDE = """
    SELECT e.name, bool_or(e.is_fed)
    FROM (
        SELECT d.upstream_table AS name, false AS is_fed FROM dwh_lineage.table_dependencies AS d
        WHERE lower(d.upstream_table) LIKE ALL (%(patterns)s)
        UNION ALL
        SELECT d.downstream_table, true FROM dwh_lineage.table_dependencies AS d
        WHERE lower(d.downstream_table) LIKE ALL (%(patterns)s)
    ) AS e
    WHERE NOT EXISTS (SELECT 1 FROM dwh_lineage.targets AS t WHERE t.target = e.name)
    GROUP BY e.name
    ORDER BY length(e.name), e.name
    LIMIT %(size)s
"""
