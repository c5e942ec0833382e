"""Names of tables and columns, and how they are written into SQL."""

from __future__ import annotations

import re

from psycopg import sql

#: What a declared table or column may be called: PostgreSQL cuts a name at 63 bytes, and ours get prefixes.
NAME = re.compile(r"[a-z][a-z0-9_]{0,44}")


def snake_case(name: str) -> str:
    """CamelCase to snake_case: `DimCustomer` → `dim_customer`, `RawHTTPLog` → `raw_http_log`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def is_name(name: str) -> bool:
    """Whether a table or column may be called so."""
    return NAME.fullmatch(name) is not None


def ident(*parts: str) -> str:
    """An identifier as SQL text, qualified and quoted: `silver.customers`, `"order"`."""
    return ".".join(part if _is_plain(part) else sql.Identifier(part).as_string(None) for part in parts)


def literal(value: object) -> str:
    """A value as SQL text, quoted."""
    return sql.Literal(value).as_string(None)


def _is_plain(name: str) -> bool:
    return NAME.fullmatch(name.lstrip("_")) is not None and name not in _RESERVED


# What PostgreSQL 18 reserves, as pg_get_keywords() lists it (categories R and T).
_RESERVED = frozenset(
    " ".join(
        (
            "all analyse analyze and any array as asc asymmetric authorization binary both case cast",
            "check collate collation column concurrently constraint create cross current_catalog",
            "current_date current_role current_schema current_time current_timestamp current_user",
            "default deferrable desc distinct do else end except false fetch for foreign freeze from",
            "full grant group having ilike in initially inner intersect into is isnull join lateral",
            "leading left like limit localtime localtimestamp natural not notnull null offset on only",
            "or order outer overlaps placing primary references returning right select session_user",
            "similar some symmetric system_user table tablesample then to trailing true union unique",
            "user using variadic verbose when where window with",
        )
    ).split()
)
