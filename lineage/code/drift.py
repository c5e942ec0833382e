"""Where what was declared, what the code says and what runs did are not the same."""

from __future__ import annotations

from dataclasses import dataclass

from lineage.code.cursor import Cursor


@dataclass(frozen=True, slots=True, order=True)
class Drift:
    """One disagreement about a table."""

    target: str
    between: str  # declared and parsed; declared and observed; …
    sentence: str


def find_drift(cursor: Cursor, target: str | None = None) -> list[Drift]:
    """All disagreements, or those about one table. Locks nothing.

    Columns: each declared source of a column should be found in the code that writes the table, and none besides.
    Tables: those that a table declares to read, that its code reads, and that its latest load said it read. A table is
    only asked about what is known of it: code that was not understood, or has never run, disagrees with nobody.
    """
    cursor.execute(_ALL, {"target": target})
    return sorted(
        Drift(name, _QUESTIONS[number][1], _QUESTIONS[number][2].format(*others))
        for number, name, *others in cursor.fetchall()
    )


#: Columns that the engine keeps for itself.
_OWN = "l.target_column NOT LIKE '\\_%%' AND l.target_column NOT IN ('valid_from', 'valid_to', 'is_current', '*')"

_EDGES = f"""
    WITH declared AS (
        SELECT DISTINCT l.target_table, l.target_column, l.source_table, l.source_column, l.kind
        FROM dwh_lineage.column_lineage AS l
        WHERE l.origin = 'declared' AND l.lineage_id IS NULL AND {_OWN}
            AND (%(target)s::text IS NULL OR l.target_table = %(target)s::text)
    ), parsed AS (
        SELECT DISTINCT l.target_table, l.target_column, l.source_table, l.source_column, l.kind
        FROM dwh_lineage.column_lineage AS l
        WHERE l.origin = 'parsed' AND {_OWN} AND l.source_column <> '*' AND l.source_table NOT LIKE 'dwh\\_%%'
            AND (%(target)s::text IS NULL OR l.target_table = %(target)s::text)
    )
"""  # noqa: S608 - constants

_NOT_IN_CODE = f"""
    {_EDGES}
    SELECT d.target_table, d.target_column, d.source_table, d.source_column
    FROM declared AS d
    WHERE EXISTS (SELECT 1 FROM parsed AS p WHERE p.target_table = d.target_table)
        AND NOT EXISTS (
            SELECT 1 FROM dwh_lineage.code_versions AS v
            WHERE v.is_current AND v.understood < v.statements AND d.target_table = ANY (v.writes)
        )
        AND NOT EXISTS (
            SELECT 1 FROM parsed AS p
            WHERE p.target_table = d.target_table AND p.target_column = d.target_column
                AND p.source_table = d.source_table AND p.source_column = d.source_column
        )
"""  # noqa: S608 - constants

_NOT_DECLARED = f"""
    {_EDGES}
    SELECT p.target_table, p.target_column, p.source_table, p.source_column
    FROM parsed AS p
    WHERE p.kind = 'DIRECT'
        AND EXISTS (SELECT 1 FROM declared AS d WHERE d.target_table = p.target_table)
        AND NOT EXISTS (
            SELECT 1 FROM declared AS d
            WHERE d.target_table = p.target_table AND d.target_column = p.target_column
                AND d.source_table = p.source_table AND d.source_column = p.source_column
        )
"""  # noqa: S608 - constants

_TABLES = """
    WITH declared AS (
        SELECT i.consumer AS target, i.source FROM dwh_lineage.target_inputs AS i
        WHERE %(target)s::text IS NULL OR i.consumer = %(target)s::text
    ), parsed AS (
        SELECT DISTINCT l.target_table AS target, l.source_table AS source
        FROM dwh_lineage.column_lineage AS l
        JOIN dwh_lineage.targets AS t ON t.target = l.target_table
        WHERE l.origin = 'parsed' AND l.source_table NOT LIKE 'dwh\\_%%'
            AND (%(target)s::text IS NULL OR l.target_table = %(target)s::text)
    ), observed AS (
        SELECT DISTINCT b.target, l.source_table AS source
        FROM (
            SELECT b.target, max(b.batch_no) AS batch_no FROM dwh_lineage.batches AS b
            WHERE b.kind IN ('load', 'rebuild') AND (%(target)s::text IS NULL OR b.target = %(target)s::text)
            GROUP BY b.target
        ) AS b
        JOIN dwh_lineage.table_lineage AS l ON l.batch_no = b.batch_no
    )
"""


def _pairs(left: str, right: str, also: str = "true") -> str:
    return f"""
    {_TABLES}
    SELECT a.target, a.source, NULL::text, NULL::text FROM {left} AS a
    WHERE EXISTS (SELECT 1 FROM {right} AS b WHERE b.target = a.target)
        AND NOT EXISTS (SELECT 1 FROM {right} AS b WHERE b.target = a.target AND b.source = a.source) AND {also}
    """  # noqa: S608 - constants


_KNOWN = """NOT EXISTS (
    SELECT 1 FROM dwh_lineage.code_versions AS v
    WHERE v.is_current AND v.understood < v.statements AND a.target = ANY (v.writes)
)"""

_QUESTIONS = (
    (
        _NOT_IN_CODE, "declared, not parsed",
        "{0} is declared to be made of {1}.{2}, but the code does not read that for it",
    ),
    (_NOT_DECLARED, "parsed, not declared", "the code makes {0} of {1}.{2}, which is not declared"),
    (
        _pairs("declared", "parsed", _KNOWN), "declared, not parsed",
        "{0} is declared as an input, but the code reads nothing of it",
    ),
    (
        _pairs("parsed", "declared"), "parsed, not declared",
        "the code reads {0}, which is no declared input: its batches are not waited for",
    ),
    (
        _pairs("declared", "observed"), "declared, not observed",
        "{0} is declared as an input, but the latest load did not read it",
    ),
    (
        _pairs("observed", "declared"), "observed, not declared",
        "the latest load read {0}, which is no declared input",
    ),
)  # fmt: skip

_ALL = " UNION ALL ".join(
    f"SELECT {number}, q.* FROM ({query}) AS q"  # noqa: S608 - constants
    for number, (query, _between, _sentence) in enumerate(_QUESTIONS)
)
