"""Columns and what they are made of, as the declarations say it."""

from __future__ import annotations

from collections.abc import Iterable

import sqlglot
from sqlglot import exp

from medallion.compile import text
from medallion.compile.text import Contract
from medallion.naming import literal

Edge = tuple[str, str, str, str, bool]


def columns_of(expression: str) -> list[str]:
    """The columns that an SQL expression reads, each once; ParseError where it is none."""
    tree = sqlglot.parse_one(expression, read="postgres")
    return list(dict.fromkeys(column.name for column in tree.find_all(exp.Column)))


def silver_columns(contract: Contract) -> str:
    """The edges of a silver table's columns: the values from their expressions, and what its filters read."""
    key, effective = contract.get("key", []), contract.get("effective")
    edges: list[Edge] = []
    for column in contract["columns"]:
        stored = "valid_from" if column["name"] == effective and contract["kind"] == "scd2" else column["name"]
        for source in columns_of(column["expression"]):
            edges.append((source, stored, column["expression"], "DIRECT", column["name"] in key))
    by_name = {column["name"]: column for column in contract["columns"]}
    for column in contract.get("generated", []):
        for name in columns_of(column["expression"]):
            sources = columns_of(by_name[name]["expression"]) if name in by_name else []
            edges += [(source, column["name"], column["expression"], "DIRECT", False) for source in sources]
    for condition in filter(None, (contract.get("where"), contract.get("deleted_when"))):
        edges += [(source, "*", condition, "INDIRECT", False) for source in columns_of(condition)]
    return declared(text.target(contract), [(contract["source"], *edge) for edge in edges])


def declared(target: str, edges: Iterable[tuple[str, str, str, str, str, bool]]) -> str:
    """Replaces the declared edges of a table: (source table, source column, column, expression, kind, is key)."""
    values = [
        f"({literal(source)}, {literal(source_column)}, {literal(target)}, {literal(column)}, {literal(expression)}, "
        f"{literal(kind)}, {str(is_key).lower()})"
        for source, source_column, column, expression, kind, is_key in dict.fromkeys(edges)
    ]
    clear = f"DELETE FROM dwh_lineage.column_lineage WHERE target_table = {literal(target)} AND lineage_id IS NULL;\n"
    if not values:
        return clear
    return (
        f"{clear}INSERT INTO dwh_lineage.column_lineage (\n    source_table, source_column, target_table, "
        f"target_column, transformation, kind, is_key\n)\nVALUES\n{text.lines(values)};\n"
    )
