"""What a run read and wrote, by the lineage that its loads recorded; and where two runs differ."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from lineage.models import PipelineRun

COUNTS = ("read", "inserted", "updated", "deleted", "unchanged", "rejected")
LONGEST_DIFF = 400


@dataclass(frozen=True, slots=True)
class RunEdge:
    """What the loads of a run took from one table to another, all together. `codes`: the texts that did it, by hash."""

    source: str
    target: str
    read: int | None
    inserted: int | None
    updated: int | None
    deleted: int | None
    unchanged: int | None
    rejected: int | None
    took: timedelta | None
    codes: list[str]

    @property
    def counts(self) -> list[int | None]:
        """In the order of COUNTS."""
        return [self.read, self.inserted, self.updated, self.deleted, self.unchanged, self.rejected]


@dataclass(frozen=True, slots=True)
class Pair:
    """An edge in two runs; None where a run did not draw it."""

    before: RunEdge | None
    after: RunEdge | None

    @property
    def source(self) -> str:
        return self._either.source

    @property
    def target(self) -> str:
        return self._either.target

    @property
    def counts(self) -> list[tuple[int | None, int | None]]:
        """Before and after, in the order of COUNTS."""
        nothing = [None] * len(COUNTS)
        before = self.before.counts if self.before else nothing
        return list(zip(before, self.after.counts if self.after else nothing, strict=True))

    @property
    def times(self) -> tuple[timedelta | None, timedelta | None]:
        """How long it took, before and after."""
        return (self.before.took if self.before else None, self.after.took if self.after else None)

    @property
    def is_other_code(self) -> bool:
        return bool(self.before and self.after and self.before.codes != self.after.codes)

    @property
    def differs(self) -> bool:
        return self.is_other_code or any(before != after for before, after in self.counts)

    @property
    def _either(self) -> RunEdge:
        edge = self.after or self.before
        assert edge is not None  # noqa: S101 - one of two runs drew it
        return edge


@dataclass(frozen=True, slots=True)
class CodeChange:
    """Code of one name that two runs ran in different versions, as a unified diff."""

    name: str
    before: str
    after: str
    lines: list[tuple[str, str]]  # kind ("+", "-", "@", " "), line
    left_out: int


def read_edges(run: PipelineRun, seen: frozenset[str] | None) -> list[RunEdge]:
    """The edges of a run into the tables `seen` (None: into all), by target. Uses index table_lineage_batch_idx."""
    with connection.cursor() as cursor:
        cursor.execute(_EDGES, [run.batch_id])
        edges = [RunEdge(*row) for row in cursor.fetchall()]
    return edges if seen is None else [edge for edge in edges if edge.target in seen]


def compare(before: Iterable[RunEdge], after: Iterable[RunEdge]) -> list[Pair]:
    """The edges of two runs side by side, those that differ first."""
    first, second = ({(edge.source, edge.target): edge for edge in edges} for edges in (before, after))
    pairs = [Pair(first.get(ends), second.get(ends)) for ends in sorted({*first, *second})]
    return sorted(pairs, key=lambda pair: (not pair.differs, pair.target, pair.source))


def changed_code(pairs: Iterable[Pair]) -> list[CodeChange]:
    """The code that is not the same in both runs, with what differs."""
    before, after = set[str](), set[str]()
    for pair in pairs:
        if pair.is_other_code and pair.before and pair.after:
            before.update(pair.before.codes)
            after.update(pair.after.codes)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT v.name, v.sql_hash, v.definition FROM dwh_lineage.code_versions AS v"
            " WHERE v.sql_hash = ANY (%s) ORDER BY v.name, v.first_seen_at",
            [sorted(before ^ after)],
        )
        texts = {(name, sql_hash): text for name, sql_hash, text in cursor.fetchall()}
    old = {name: (sql_hash, text) for (name, sql_hash), text in texts.items() if sql_hash in before}
    new = {name: (sql_hash, text) for (name, sql_hash), text in texts.items() if sql_hash in after}
    return [_change(name, *old[name], *new[name]) for name in sorted(old.keys() & new.keys())]


def _change(name: str, before: str, old: str, after: str, new: str) -> CodeChange:
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=3))[2:]
    shown = [(line[:1], line) for line in lines[:LONGEST_DIFF]]
    return CodeChange(name, before, after, shown, max(len(lines) - LONGEST_DIFF, 0))


_EDGES = """
    SELECT l.source_table, l.target_table, sum(l.rows_read)::bigint, sum(l.rows_inserted)::bigint,
        sum(l.rows_updated)::bigint, sum(l.rows_deleted)::bigint, sum(l.rows_unchanged)::bigint,
        sum(l.rows_rejected)::bigint, sum(l.completed_at - l.started_at),
        coalesce(array_agg(DISTINCT l.sql_hash) FILTER (WHERE l.sql_hash IS NOT NULL), '{}')
    FROM dwh_lineage.table_lineage AS l
    WHERE l.batch_id = %s
    GROUP BY l.source_table, l.target_table
    ORDER BY l.target_table, l.source_table
"""
