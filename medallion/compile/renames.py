"""Columns that have another name than before (`renamed_from`): renamed in place, with what hangs on them.

A name is no part of what a column says. So the old contract is taken with the new names, the database is given them,
and what still differs is then an ordinary change. Without that, a renamed column would be one that goes, with all
waivers of its rules, and another that comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlglot
from sqlglot import exp

from medallion.compile import evaluate, horizon, text
from medallion.compile.constraints import constraint_name
from medallion.compile.stated import version
from medallion.compile.text import Contract
from medallion.naming import ident, literal
from quality.rules import NOT_ASKED

Names = dict[str, str]


def settled(contract: Contract) -> Contract:
    """A contract without what only says how it came about: what migrations install and compare."""
    if contract["layer"] == "gold":
        return contract
    columns = [{k: v for k, v in column.items() if k != "renamed_from"} for column in contract["columns"]]
    return {**contract, "columns": columns}


def between(old: Contract, new: Contract) -> Names:
    """Old name → new name, of the columns that the new declaration calls otherwise."""
    if new["layer"] == "gold":
        return {}
    before, after = ({column["name"] for column in contract["columns"]} for contract in (old, new))
    return {
        column["renamed_from"]: column["name"]
        for column in new["columns"]
        if column.get("renamed_from") in before - after and column["name"] not in before
    }


def lost(old: Contract, new: Contract) -> bool:
    """Whether the new table lacks a column that the old one has, or has another type there."""
    before, after = (
        {column["name"]: column.get("type") for column in contract.get("columns", [])} for contract in (old, new)
    )
    return any(name not in after or after[name] != kind for name, kind in before.items())


def reversed_names(names: Names) -> Names:
    """The way back."""
    return {new: old for old, new in names.items()}


def renamed(old: Contract, new: Contract, names: Names) -> Contract:
    """The old contract with the new names. A rule that asks the same of its column says it with the new name, too."""
    if not names:
        return old
    by_name = {column["name"]: column for column in new["columns"]}
    columns = [_column(column, by_name.get(names.get(column["name"], ""))) for column in old["columns"]]
    taken: Contract = {**old, "columns": columns}
    for part in ("key", "tracked"):
        if part in old:
            taken[part] = [names.get(name, name) for name in old[part]]
    if "generated" in old:
        taken["generated"] = _generated(old["generated"], new.get("generated", []), names)
    for part in ("effective", "sequence"):
        if part in old:
            taken[part] = names.get(old[part], old[part])
    return taken


def _column(column: dict[str, Any], new: dict[str, Any] | None) -> dict[str, Any]:
    if new is None:
        return column
    rules = column.get("rules", [])
    pairs = zip(rules, new.get("rules", []), strict=False)
    same = [new_rule if _asked(rule) == _asked(new_rule) else rule for rule, new_rule in pairs]
    taken = {**column, "name": new["name"]}
    return taken | {"rules": [*same, *rules[len(same) :]]} if rules else taken


def _generated(old: list[Contract], new: list[Contract], names: Names) -> list[Contract]:
    """Generated columns that read renamed ones, and else say what they said: PostgreSQL follows the names by itself."""
    after = {column["name"]: column for column in new}

    def said(column: Contract, names: Names) -> str:
        tree = sqlglot.parse_one(column["expression"], read="postgres")
        for found in tree.find_all(exp.Column):
            found.set("this", exp.to_identifier(names.get(found.name, found.name)))
        return tree.sql(dialect="postgres")

    return [
        {**column, "expression": same["expression"]}
        if (same := after.get(column["name"])) and said(column, names) == said(same, {})
        else column
        for column in old
    ]


def _asked(rule: dict[str, Any]) -> dict[str, Any]:
    """What a rule asks, whatever its column is called."""
    return {name: value for name, value in rule.items() if name not in ("condition", *NOT_ASKED)}


def statements(old: Contract, new: Contract, names: Names) -> str:
    """SQL that gives the installed table the new names; `old` has the old ones."""
    if not names:
        return ""
    made = _of_bronze(new, names) if new["layer"] == "bronze" else _of_silver(old, names)
    rules = _rules(old, renamed(old, new, names), names) if new["layer"] == "silver" else ()
    return "".join([*made, *rules])


def _of_bronze(contract: Contract, names: Names) -> Iterator[str]:
    for old, new in names.items():
        yield (
            f"CALL dwh_etl.rename_bronze_column({literal(text.target(contract))}, {literal(old)}, {literal(new)});\n"
        )


def _of_silver(contract: Contract, names: Names) -> Iterator[str]:
    """The stored columns, in the table and in its base. What SCD2 takes for `effective` is stored as valid_from."""
    columns = {column["name"]: column for column in contract["columns"]}
    for old, new in names.items():
        is_effective = old == contract.get("effective")
        if not (is_effective and contract["kind"] == "scd2"):
            yield f"ALTER TABLE {text.relation(contract)} RENAME COLUMN {ident(old)} TO {ident(new)};\n"
        if horizon.has_base(contract) and not is_effective:
            yield f"ALTER TABLE {horizon.base(contract)} RENAME COLUMN {ident(old)} TO {ident(new)};\n"
        if "values" in columns[old]:
            before, after = ident(constraint_name(old)), ident(constraint_name(new))
            yield f"ALTER TABLE {text.relation(contract)} RENAME CONSTRAINT {before} TO {after};\n"


def _rules(old: Contract, taken: Contract, names: Names) -> Iterator[str]:
    """The rules of the renamed columns, each with its waivers and exceptions."""
    after = {rule.name: rule for rule in evaluate.rules(taken)}
    for rule in evaluate.rules(old):
        if rule.column not in names:
            continue
        column = names[rule.column]
        same = after[f"{column}:{rule.name.split(':', 1)[1]}"]
        given = (
            text.target(old), rule.name, version(rule.definition), rule.message, same.name, version(same.definition), same.message, column,
        )  # fmt: skip
        yield f"SELECT dwh_lineage.rename_rule({', '.join(map(literal, given))});\n"


def retitled(old: Contract, new: Contract) -> str:
    """SQL that lets the issues of a rule that says something else now say that, too."""
    if new["layer"] != "silver" or old["layer"] != "silver":
        return ""
    after = {rule.name: rule.message for rule in evaluate.rules(new)}
    table = literal(text.target(new))
    return "".join(
        f"UPDATE dwh_lineage.quality_issues SET title = {literal(after[rule.name])}\n"
        f"WHERE target = {table} AND rule = {literal(rule.name)} AND title = {literal(rule.message)};\n"
        for rule in evaluate.rules(old)
        if after.get(rule.name, rule.message) != rule.message
    )
