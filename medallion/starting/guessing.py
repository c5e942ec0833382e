"""What a file's table could be: names, types, rules, the key, the history; each with what speaks for it."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import psycopg
from psycopg import sql

from medallion.naming import ident, is_name
from medallion.profiling import Profile, profile
from medallion.starting.reading import SAMPLE, Look, records
from medallion.suggesting import Suggestion, kind, suggest

Connection = psycopg.Connection[Any]

#: Names of columns that Assay adds, or that mean something in a declaration.
_TAKEN = {"valid_from", "valid_to", "is_current", "self"}
_IDENTIFIES = re.compile(r"(^|_)(id|no|nr|key|code|number|guid|uuid|sku|ref|reference)$|id$")
_CHANGED = re.compile(r"updated|modified|changed|last_(change|edit|update)")
_KEY_COLUMNS = 5


@dataclass(frozen=True)
class Guess:
    """A table of the file. `columns`: bronze column → header. `history`: its code; `why`: what speaks for key and
    history; `left`: headers of columns without a name, which are kept in _extra."""

    look: Look
    name: str
    columns: dict[str, str]
    suggestions: list[Suggestion]
    rows: int
    key: tuple[str, ...]
    history: str
    why: str


def guess(connection: Connection, looks: Sequence[Look], name: str, key: Sequence[str] = ()) -> Guess:
    """Looks at the first records of files with the same header in a temporary table. `key`: columns (headers) that are
    known to be the key."""
    columns = column_names(looks[0].headers)
    relation = _fill(connection, looks, columns)
    with connection.cursor() as cursor:
        profiles = profile(cursor, f"pg_temp.{relation}", list(columns), sample=None)
    known = tuple(column for column, header in columns.items() if header in key)
    chosen, history, why = _history(connection, relation, profiles, known)
    suggestions = [_named(one) for one in suggest(profiles)] if profiles else _unknown(columns)
    rows = profiles[0].rows if profiles else 0
    connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier("pg_temp", relation)))
    return Guess(looks[0], name, columns, suggestions, rows, chosen, history, why)


def column_names(headers: Sequence[str]) -> dict[str, str]:
    """A name for each header that has one: snake case, each once."""
    names: dict[str, str] = {}
    for header in headers:
        if header:
            names[_free(snake(header, "c"), {*names, *_TAKEN})] = header
    return names


def snake(text: str, prefix: str) -> str:
    """Any text as a name: `Contract ID` → `contract_id`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    name = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")[:40].strip("_")
    if not is_name(name):
        name = f"{prefix}_{name}".rstrip("_")
    return f"{name}_" if keyword.iskeyword(name) else name


def _free(name: str, taken: Collection[str]) -> str:
    if name not in taken:
        return name
    return next(free for number in range(2, 10_000) if (free := f"{name}_{number}") not in taken)


def _fill(connection: Connection, looks: Sequence[Look], columns: dict[str, str]) -> str:
    relation = "looked_at"
    places = [number for number, header in enumerate(looks[0].headers) if header]
    names = [sql.Identifier(name) for name in columns]
    made = sql.SQL(", ").join(sql.SQL("{} text").format(name) for name in names)
    connection.execute(sql.SQL("CREATE TEMP TABLE {} ({}, _file int)").format(sql.Identifier(relation), made))
    copy = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier("pg_temp", relation))
    with connection.cursor() as cursor, cursor.copy(copy) as stream:
        for number, look in enumerate(looks):
            for record in records(look, max(1000, SAMPLE // len(looks))):
                stream.write_row([*(record[place] for place in places), number])
    connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier("pg_temp", relation)))
    return relation


def _named(suggestion: Suggestion) -> Suggestion:
    name = suggestion.name
    return replace(suggestion, name=f"{name}_") if keyword.iskeyword(name) or name in _TAKEN else suggestion


def _unknown(columns: dict[str, str]) -> list[Suggestion]:
    return [Suggestion(name, f"Text({f'trim({ident(name)})'!r})", ("no rows to look at",)) for name in columns]


def _history(
    connection: Connection, relation: str, profiles: Sequence[Profile], known: tuple[str, ...]
) -> tuple[tuple[str, ...], str, str]:
    """(key, history, why)"""
    if not profiles or len(profiles) < 2:
        return (), "Append()", "too little to tell rows apart by"
    whole = {one.column: one for one in profiles if one.filled == one.rows and _is_sure(one)}
    dates = [
        one for one in whole.values() if kind(one).startswith(("Date", "Timestamp")) and _CHANGED.search(one.column)
    ]
    for time in dates:
        for name in _candidates(whole):
            if name != time.column and _is_key(connection, relation, (name, time.column)) and len(profiles) > 2:
                why = f"{name} and {time.column} tell all rows of a file apart; {time.column} says since when"
                return (name,), f'SCD2(effective="{time.column}")', why
    for key in filter(None, (known, *_keys(whole))):
        if len(key) < len(profiles) and set(key) <= set(whole) and _is_key(connection, relation, key):
            why = (
                "is the table's primary key"
                if key == known
                else f"no two rows of a file have the same (of {profiles[0].rows:,})"
            )
            return key, "SCD1()", why
    return (), "Append()", "no column, and no two that look like a key, differ on all rows"


def _is_sure(one: Profile) -> bool:
    """A key must be read on every row."""
    found = kind(one)
    return found == "Text" or one.fits.get(found, 0) == one.filled


def _candidates(whole: dict[str, Profile]) -> list[str]:
    """Columns by which rows may be told apart, the likeliest first: no amounts and no times."""
    able = [name for name, one in whole.items() if kind(one) in ("Text", "Integer", "BigInt", "Uuid")]
    able = [name for name in able if (whole[name].longest or 0) <= 60]
    return sorted(able, key=lambda name: not _IDENTIFIES.search(name))


def _keys(whole: dict[str, Profile]) -> Iterator[tuple[str, ...]]:
    candidates = _candidates(whole)
    yield from ((name,) for name in candidates)
    likely = [name for name in candidates if _IDENTIFIES.search(name)][:_KEY_COLUMNS]
    yield from combinations(likely, 2)
    yield from combinations(likely, 3)


def _is_key(connection: Connection, relation: str, key: tuple[str, ...]) -> bool:
    names = sql.SQL(", ").join(map(sql.Identifier, key))
    # Each file by itself: the next one may say something new of the same things.
    query = sql.SQL("SELECT NOT EXISTS (SELECT 1 FROM {table} GROUP BY {names}, _file HAVING count(*) > 1)")
    row = connection.execute(query.format(names=names, table=sql.Identifier("pg_temp", relation))).fetchone()
    return bool(row and row[0])
