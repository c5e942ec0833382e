"""Personal data: which columns hold some, and a mask over them for people who may not see it.

Declarations mark columns (`pii`). A column that nobody marked holds personal data where what it is made of does, by its
values (DIRECT edges), or where what is made of it is marked: the raw column behind a marked one holds the same. The way
ends at the first mark, so `pii=False` on a count or a hash keeps it open, and what is made of it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import connection
from django.http import HttpRequest

from lineage.permissions import targets_of

MASK = "•••"
PERMISSION = "lineage.view_personal_data"
#: Columns that hold a whole record: masked where any column of their table is.
WHOLE = ("_extra", "_raw_payload")

Hidden = Mapping[str, Collection[str]]


def hidden_from(request: HttpRequest, tables: Iterable[str]) -> dict[str, set[str]]:
    """The columns of tables that must be masked for who asks: none where the permission holds."""
    seen = targets_of(request.user, PERMISSION)
    return {} if seen is None else personal_columns(name for name in tables if name not in seen)


def personal_columns(tables: Iterable[str]) -> dict[str, set[str]]:
    """The columns of tables that hold personal data. One query, which locks nothing."""
    found: dict[str, set[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_PERSONAL, {"tables": list(tables)})
        for table, column in cursor.fetchall():
            found.setdefault(table, set(WHOLE)).add(column)
    return found


def masked(row: Mapping[str, Any], hidden: Collection[str]) -> dict[str, Any]:
    """A row with a mask over what must not be seen; what is NULL stays so."""
    return {name: MASK if name in hidden and value is not None else value for name, value in row.items()}


def shows_all(key: str, hidden: Collection[str]) -> bool:
    """Whether a row's key (JSON) holds nothing that must not be seen."""
    return not (json.loads(key).keys() & set(hidden))


_PERSONAL = """
    WITH RECURSIVE seeds (t, c) AS (
        SELECT l.target_table, l.target_column FROM dwh_lineage.column_lineage AS l
        WHERE l.target_table = ANY (%(tables)s) AND l.lineage_id IS NULL
        UNION
        SELECT l.source_table, l.source_column FROM dwh_lineage.column_lineage AS l
        WHERE l.source_table = ANY (%(tables)s) AND l.lineage_id IS NULL
        UNION
        SELECT t.target, p.name
        FROM dwh_lineage.targets AS t CROSS JOIN LATERAL jsonb_object_keys(t.contract #> '{about,pii}') AS p (name)
        WHERE t.target = ANY (%(tables)s)
    ), upward (root_t, root_c, t, c, mark) AS (
        SELECT s.t, s.c, s.t, s.c, (
            SELECT (m.contract #>> ARRAY['about', 'pii', s.c])::boolean
            FROM dwh_lineage.targets AS m WHERE m.target = s.t
        ) FROM seeds AS s
        UNION
        SELECT u.root_t, u.root_c, l.source_table, l.source_column, (
            SELECT (m.contract #>> ARRAY['about', 'pii', l.source_column])::boolean
            FROM dwh_lineage.targets AS m WHERE m.target = l.source_table
        )
        FROM upward AS u
        JOIN dwh_lineage.column_lineage AS l
            ON l.target_table = u.t AND l.target_column = u.c AND l.kind = 'DIRECT' AND l.lineage_id IS NULL
        WHERE u.mark IS NULL
    ), downward (root_t, root_c, t, c, mark) AS (
        SELECT u.root_t, u.root_c, u.t, u.c, u.mark FROM upward AS u WHERE u.t = u.root_t AND u.c = u.root_c
        UNION
        SELECT d.root_t, d.root_c, l.target_table, l.target_column, (
            SELECT (m.contract #>> ARRAY['about', 'pii', l.target_column])::boolean
            FROM dwh_lineage.targets AS m WHERE m.target = l.target_table
        )
        FROM downward AS d
        JOIN dwh_lineage.column_lineage AS l
            ON l.source_table = d.t AND l.source_column = d.c AND l.kind = 'DIRECT' AND l.lineage_id IS NULL
        WHERE d.mark IS NULL
    )
    SELECT u.root_t, u.root_c FROM upward AS u WHERE u.mark
    UNION
    SELECT d.root_t, d.root_c FROM downward AS d WHERE d.mark
"""
