"""The fold horizon: history before it is settled, since bronze rows that made it are gone (bronze.Table.retention).

A table's horizon (`dwh_lineage.targets.fold_horizon`, NULL: none) moves when partitions are dropped. What the fold
needs of the rows before it stands in the table's *base*: for each key the values that held at the horizon, as an event;
and the events of dropped rows that take effect only later. So a fold begins with the base, takes the events since the
horizon from bronze, and touches nothing that is older.
"""

from __future__ import annotations

from medallion.compile import text
from medallion.compile.text import Contract
from medallion.naming import ident, literal

#: An event of the base, but for its key and values.
EVENT = {
    "_bronze_id": "bigint",
    "_effective": "timestamptz",
    "_deleted": "boolean",
    "_file": "text",
    "_checksum": "text",
}


def base(contract: Contract) -> str:
    """The table that holds the base."""
    return ident("dwh_staging", f"{contract['layer']}_{contract['name']}_base")


def has_base(contract: Contract) -> bool:
    """Whether a table folds; an append table keeps its rows and asks nothing of those before."""
    return bool(contract["kind"] != "append")


def create_base(contract: Contract, columns: list[str]) -> str:
    """The base, empty. columns: the key and the attributes."""
    types = {column["name"]: column["type"] for column in contract["columns"]}
    key, stored = contract["key"], [f"{name} {kind}" for name, kind in EVENT.items()]
    stored += [f"{ident(name)} {types[name]}" + (" NOT NULL" if name in key else "") for name in columns]
    where = f"What {text.target(contract)} folds in place of bronze rows that are gone"
    return (
        f"CREATE TABLE {base(contract)} (\n{text.lines(stored)}\n);\n"
        f"{text.comment(f'TABLE {base(contract)}', where)}CREATE INDEX ON {base(contract)} ({text.names(key)});\n"
    )


def value(contract: Contract) -> str:
    """SQL of a table's horizon. It refers to nothing around it, so a statement asks once."""
    return f"(SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = {literal(text.target(contract))})"


def is_live(contract: Contract, effective: str) -> str:
    """SQL: a time is not before the horizon."""
    return f"coalesce({effective} >= {value(contract)}, true)"


def events(contract: Contract, columns: list[str]) -> str:
    """The base as events."""
    return f"SELECT {', '.join(f'z.{name}' for name in EVENT)}, {text.names(columns, 'z')}\nFROM {base(contract)} AS z"


def add(contract: Contract, columns: list[str], late: bool = False, keys: str = "") -> str:
    """Adds the base to pg_temp.fold_events. late: only that of the late keys in pg_temp.touched. keys: SQL of an array;
    only that of these keys, as text."""
    touched = f"SELECT 1 FROM pg_temp.touched AS t WHERE t._late AND {text.equal(contract['key'], 't', 'z')}"
    where = f"\nWHERE EXISTS ({touched})" if late else ""
    if keys:
        key = text.key_text(contract, {name: f"z.{ident(name)}" for name in contract["key"]})
        where = f"\nWHERE {key} = ANY ({keys})"
    return f"INSERT INTO pg_temp.fold_events\n{events(contract, columns)}{where};\n"
