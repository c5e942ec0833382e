"""Column lineage of single constructs of SQL: each gives the edges that `golden.txt` says, no more and no fewer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lineage.parsing.routines import Routine, parse_routine
from lineage.parsing.scopes import Schema
from lineage.parsing.values import Findings

SCHEMA = Schema(
    {
        "public.orders": ("id", "customer_id", "amount", "status", "at", "items", "tags"),
        "public.customers": ("id", "name", "email", "city", "updated"),
        "public.lines": ("order_id", "no", "product", "qty", "price"),
        "public.extras": ("order_id", "no", "detail"),
        "public.nodes": ("id", "parent", "label"),
        "public.people": ("id", "name", "city", "source"),
        "public.totals": ("customer", "n", "total", "latest", "note"),
        "public.log": ("id", "what"),
    }
)
Case = tuple[str, str, list[str]]


def cases() -> list[Case]:
    text = (Path(__file__).parent / "golden.txt").read_text(encoding="utf-8")
    found = []
    for piece in re.split(r"^== ", text, flags=re.M)[1:]:
        head, expected = piece.split("\n--\n")
        name, sql = head.split("\n", 1)
        found.append((name, sql.strip(), [line for line in expected.splitlines() if line]))
    return found


def said(findings: Findings) -> list[str]:
    """The edges as the golden set writes them."""
    lines = []
    for edge in findings.edges:
        target, source = edge.table.removeprefix("public."), edge.source.table.removeprefix("public.")
        sign = "=" if edge.kind == "DIRECT" else "<"
        role = "" if edge.kind == "DIRECT" else f" {edge.role}"
        lines.append(f"{target}.{edge.column} {sign} {source}.{edge.source.column}{role}")
    return sorted(set(lines))


@pytest.mark.parametrize(("name", "sql", "expected"), cases(), ids=[case[0] for case in cases()])
def test_a_construct_gives_its_edges_and_no_others(name: str, sql: str, expected: list[str]) -> None:
    arguments = ("_batch_id", "in_table")
    language = "plpgsql" if name.startswith("plpgsql") else "sql"
    findings = parse_routine(Routine("f", language, sql, arguments), SCHEMA)
    edges = [line for line in expected if not line.startswith("? ")]
    reasons = [line.removeprefix("? ") for line in expected if line.startswith("? ")]
    assert said(findings) == sorted(edges)
    assert len(findings.gaps) == len(reasons)
    for gap, reason in zip(findings.gaps, reasons, strict=True):
        assert gap.reason.startswith(reason)
    assert findings.understood == findings.statements - len(reasons)


def test_the_golden_set_is_large_and_no_case_of_it_is_silently_empty() -> None:
    found = cases()
    assert len(found) >= 40
    assert [name for name, _, expected in found if not expected] == ["plpgsql utility statements move nothing"]
