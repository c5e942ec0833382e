"""What stands around issues: their source, what is computed from their table, their frequent values, and as what their
texts can be read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from quality.suggesting import Reading

SAMPLED = 200  # latest breaches of an issue in which frequent values are counted, and which are read in each way
TREND = 14  # loads of the table

_AROUND = """
    WITH issues AS MATERIALIZED (
        SELECT i.id, i.target FROM dwh_lineage.quality_issues AS i WHERE i.id = ANY (%s)
    ), targets AS MATERIALIZED (
        SELECT t.target, ARRAY(
            SELECT d.table_name FROM dwh_lineage.get_downstream(t.target) AS d ORDER BY d.level, d.table_name
        ) AS downstream, (
            SELECT b.source_system FROM dwh_lineage.batches AS b
            WHERE b.target = t.contract ->> 'source' AND b.source_system IS NOT NULL
            ORDER BY b.batch_no DESC LIMIT 1  -- Uses index batches_target_idx
        ) AS source, ARRAY(
            SELECT l.completed_at + interval '1 microsecond'
            FROM (
                SELECT b.completed_at FROM dwh_lineage.batches AS b
                WHERE b.target = t.target AND b.completed_at IS NOT NULL
                ORDER BY b.batch_no DESC LIMIT %s  -- Uses index batches_target_idx
            ) AS l
            ORDER BY l.completed_at
        ) AS ends
        FROM dwh_lineage.targets AS t WHERE t.target IN (SELECT i.target FROM issues AS i)
    )
    SELECT i.id, t.source, t.downstream, ARRAY(
        -- The deltas are read once, each counts from the first load on that ended after it.
        SELECT (sum(coalesce(c.delta, 0)) OVER (ORDER BY g.n))::bigint
        FROM generate_series(1, cardinality(t.ends)) AS g (n)
        LEFT JOIN (
            SELECT width_bucket(d.recorded_at, t.ends) + 1 AS n, sum(d.delta) AS delta
            FROM dwh_lineage.issue_deltas AS d WHERE d.issue_id = i.id GROUP BY 1
        ) AS c ON c.n = g.n
        ORDER BY g.n
    ), (
        SELECT jsonb_agg(jsonb_build_array(v.value, v.times) ORDER BY v.times DESC, v.value)
        FROM (
            SELECT b.value, count(*) AS times
            FROM (
                SELECT l.value, l.exception_id FROM dwh_lineage.exception_breaches AS l
                WHERE l.issue_id = i.id
                ORDER BY l.exception_id DESC LIMIT %s  -- Uses index exception_breaches_issue_idx
            ) AS b
            JOIN dwh_lineage.quality_exceptions AS e ON e.id = b.exception_id
            WHERE e.state IN ('open', 'proposed', 'queued')
            GROUP BY b.value ORDER BY times DESC, b.value LIMIT %s
        ) AS v
    )::text, (
        SELECT jsonb_agg(jsonb_build_array(w.how, r.given, r.read) ORDER BY w.place)
        FROM ROWS FROM (jsonb_to_recordset(%s) AS (issue bigint, how text, type text, pattern text))
            WITH ORDINALITY AS w (issue, how, type, pattern, place)
        CROSS JOIN LATERAL (
            SELECT array_agg(s.value ORDER BY s.id) AS given, array_agg(CASE
                WHEN (w.type IS NULL OR pg_input_is_valid(m.text, w.type)) AND (w.pattern IS NULL OR m.text ~ w.pattern)
                THEN m.text
            END ORDER BY s.id) AS read
            FROM (
                SELECT b.id, b.value FROM dwh_lineage.exception_breaches AS b
                WHERE b.issue_id = i.id
                ORDER BY b.exception_id DESC LIMIT %s  -- Uses index exception_breaches_issue_idx
            ) AS s
            CROSS JOIN LATERAL (SELECT dwh_lineage.mended(w.how, s.value) AS text) AS m
            WHERE s.value IS NOT NULL
        ) AS r
        WHERE w.issue = i.id AND r.given IS NOT NULL
    )::text, (
        SELECT ARRAY[coalesce(sum(d.landed), 0), coalesce(sum(d.confirmed), 0), coalesce(sum(d.source_overtook), 0)]
        FROM dwh_lineage.quality_decisions AS d
        WHERE d.target = i.target AND d.verb = 'correct' AND d.selection ->> 'issue' = i.id::text
    )::bigint[]
    FROM issues AS i
    LEFT JOIN targets AS t ON t.target = i.target
"""


@dataclass(frozen=True)
class Around:
    """What stands around an issue. `source`: the system that its table's rows come from."""

    source: str | None = None
    downstream: list[str] = field(default_factory=list)
    trend: list[int] = field(default_factory=list)  # open breaches after each of the latest loads, the oldest first
    values: list[tuple[str | None, int]] = field(default_factory=list)  # frequent in a sample, with their counts
    readings: list[Reading] = field(default_factory=list)
    landed: int = 0  # by corrections of the issue, and of them those that
    confirmed: int = 0  # the source has sent since
    overtaken: int = 0  # and those for which it has sent other values


def surroundings(issues: list[int], ways: list[dict[str, Any]], most: int, sampled: int = SAMPLED) -> dict[int, Around]:
    """What stands around each issue, with its `most` frequent values among `sampled` breaches, and what SAMPLED of
    them are in each of the `ways` (quality/suggesting.py). One query."""
    with connection.cursor() as cursor:
        cursor.execute(_AROUND, [issues, TREND, sampled, most, json.dumps(ways), SAMPLED])
        return {
            issue: Around(
                source,
                downstream or [],
                trend,
                [(value, times) for value, times in json.loads(values or "[]")],
                [(how, given, read) for how, given, read in json.loads(readings or "[]")],
                *corrected,
            )
            for issue, source, downstream, trend, values, readings, corrected in cursor.fetchall()
        }
