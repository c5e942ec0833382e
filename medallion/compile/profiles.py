"""The query of a profile: every value counted once, and everything else derived from these counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medallion.compile.casts import cast
from medallion.naming import ident, literal


def query(source: str, names: Sequence[str], kinds: Mapping[str, dict[str, Any]], most: int) -> str:
    """A row for each column of `source` (FROM and LIMIT): what medallion.profiling.Profile holds. kinds: name → column
    of a contract whose cast is tried; most: how many values and patterns."""
    values = ", ".join(f"({number}, r.{ident(name)}::text)" for number, name in enumerate(names))
    fits = ", ".join(
        f"{literal(kind)}, coalesce(sum(d.n) FILTER (WHERE {cast(column, 'd.given')} IS NOT NULL), 0)"
        for kind, column in kinds.items()
    )
    return f"""
WITH rows AS MATERIALIZED (
    SELECT {", ".join(ident(name) for name in names)} FROM {source}
), counted AS MATERIALIZED (
    SELECT c.no, c.value, nullif(btrim(c.value), '') AS given, count(*) AS n
    FROM rows AS r CROSS JOIN LATERAL (VALUES {values}) AS c (no, value)
    GROUP BY c.no, c.value
), shaped AS MATERIALIZED (
    SELECT d.*, left(
            regexp_replace(regexp_replace(regexp_replace(d.given, '[0-9]', '9', 'g'), '[[:upper:]]+', 'A', 'g'),
            '[[:lower:]]+', 'a', 'g'), 40
        ) AS pattern,
        dwh_etl.to_numeric(d.given) AS number
    FROM counted AS d
), ranked AS (
    SELECT s.no, s.given, sum(s.n) AS n, row_number() OVER (PARTITION BY s.no ORDER BY sum(s.n) DESC, s.given) AS rank
    FROM shaped AS s WHERE s.given IS NOT NULL GROUP BY s.no, s.given
), alike AS (
    SELECT s.no, s.pattern, sum(s.n) AS n,
        row_number() OVER (PARTITION BY s.no ORDER BY sum(s.n) DESC, s.pattern) AS rank
    FROM shaped AS s WHERE s.given IS NOT NULL GROUP BY s.no, s.pattern
)
SELECT d.no, sum(d.n)::bigint, coalesce(sum(d.n) FILTER (WHERE d.value IS NULL), 0)::bigint,
    coalesce(sum(d.n) FILTER (WHERE d.value IS NOT NULL AND d.given IS NULL), 0)::bigint,
    count(DISTINCT d.given), min(d.given COLLATE "C"), max(d.given COLLATE "C"),
    min(d.number)::text, max(d.number)::text, min(char_length(d.given)), max(char_length(d.given)),
    coalesce((SELECT jsonb_agg(jsonb_build_array(left(t.given, 200), t.n) ORDER BY t.rank) FROM ranked AS t
              WHERE t.no = d.no AND t.rank <= {most}), '[]'),
    coalesce((SELECT jsonb_agg(jsonb_build_array(a.pattern, a.n) ORDER BY a.rank) FROM alike AS a
              WHERE a.no = d.no AND a.rank <= {most}), '[]'),
    jsonb_build_object({fits})
FROM shaped AS d
GROUP BY d.no
ORDER BY d.no"""
