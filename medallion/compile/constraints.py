"""What the database itself holds of a silver table's rules, and its generated columns."""

from __future__ import annotations

from typing import Any

from medallion.compile import text
from medallion.compile.text import Contract
from medallion.naming import ident, literal


def constraints(contract: Contract) -> dict[str, str]:
    """Name → condition: an enum has one of its values.

    What is required is not held here: a person may waive that for a row, and the row has to fit then. A changed
    declaration adds a constraint without a look at the old rows (NOT VALID); the rebuild that follows mends them.
    """
    return {
        constraint_name(column["name"]): f"{ident(column['name'])} IN ({', '.join(map(literal, column['values']))})"
        for column in contract["columns"]
        if "values" in column
    }


def constraint_name(column: str) -> str:
    """The constraint that holds an enum's values."""
    return f"{column}_values"


def in_table(contract: Contract) -> list[str]:
    """Generated columns and constraints, as lines of CREATE TABLE."""
    held = [f"CONSTRAINT {ident(name)} CHECK ({condition})" for name, condition in constraints(contract).items()]
    return [*(generated_column(column) for column in contract.get("generated", [])), *held]


def changes(old: Contract, new: Contract) -> tuple[list[str], list[str]]:
    """(what goes before the columns change, what comes after), as statements."""
    table, gone, come = text.relation(new), [], []
    if constraints(old) != constraints(new) or old["columns"] != new["columns"]:
        gone = [f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {ident(name)};" for name in constraints(old)]
        come = [
            f"ALTER TABLE {table} ADD CONSTRAINT {ident(name)} CHECK ({condition}) NOT VALID;"
            for name, condition in constraints(new).items()
        ]
    # Generated from what may change: always made anew.
    if old.get("generated") != new.get("generated") or old["columns"] != new["columns"]:
        gone += [f"ALTER TABLE {table} DROP COLUMN {ident(column['name'])};" for column in old.get("generated", [])]
        come += [f"ALTER TABLE {table} ADD COLUMN {generated_column(column)};" for column in new.get("generated", [])]
    return gone, come


def generated_column(column: dict[str, Any]) -> str:
    return f"{ident(column['name'])} {column['type']} GENERATED ALWAYS AS ({column['expression']}) STORED"
