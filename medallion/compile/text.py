"""How generated SQL is put together: small pieces that end up as a file a person can review."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from medallion.naming import ident, literal

Contract = dict[str, Any]

INDENT = "    "


def lines(items: Iterable[str], indent: int = 1, separator: str = ",") -> str:
    """Items, one a line."""
    return f"{separator}\n".join(textwrap.indent(item, INDENT * indent) for item in items)


def names(columns: Iterable[str], alias: str = "") -> str:
    """Columns as a list: `a, b` or, with an alias, `t.a, t.b`."""
    return ", ".join(f"{alias}.{ident(column)}" if alias else ident(column) for column in columns)


def indented(sql: str, depth: int = 1) -> str:
    """The lines of a piece of SQL, further in."""
    return "\n".join(INDENT * depth + line if line else line for line in sql.split("\n"))


def row(columns: Iterable[str], alias: str) -> str:
    """Columns as a row value, to be compared."""
    return f"ROW({names(columns, alias)})"


def equal(columns: Iterable[str], left: str, right: str) -> str:
    """Both sides have the same key; keys are never NULL, so `=` can hash."""
    return " AND ".join(f"{left}.{ident(column)} = {right}.{ident(column)}" for column in columns)


def key_text(contract: Contract, values: Mapping[str, str]) -> str:
    """A key as text, the same for equal keys. `values`: SQL of each key column, by name."""
    types = {column["name"]: column["type"] for column in contract["columns"]}
    # 1 and 1.0 are the same number, but not the same text.
    parts = [f"trim_scale({value})" if types[name].startswith("numeric") else value for name, value in values.items()]
    return f"ROW({', '.join(parts)})::text"


def routine(contract: Contract, verb: str) -> str:
    """The name of a table's routine: `dwh_etl.load_silver_customers`."""
    return ident("dwh_etl", f"{verb}_{contract['layer']}_{contract['name']}")


def target(contract: Contract) -> str:
    """`silver.customers`, as metadata names it."""
    return f"{contract['layer']}.{contract['name']}"


def relation(contract: Contract) -> str:
    """The table in SQL."""
    return ident(contract["layer"], contract["name"])


def handwritten(contract: Contract) -> list[str]:
    """The routines that somebody wrote by hand for a table."""
    return list(contract.get("routines", {}).values())


def drop_handwritten(contract: Contract) -> str:
    """Takes them away."""
    return "".join(f"DROP ROUTINE dwh_etl.{ident(name)};\n" for name in contract.get("routines", {}))


def comment(what: str, text: str) -> str:
    """COMMENT ON, or nothing where there is nothing to say."""
    return f"COMMENT ON {what} IS {literal(text)};\n" if text else ""


#: What every generated routine pins, so that the same row gives the same value in every session.
PINNED = "SET search_path = pg_catalog, pg_temp\nSET TimeZone = 'UTC'\nSET DateStyle = 'ISO, YMD'"


def procedure(name: str, arguments: str, declare: str, body: str, doc: str) -> str:
    """A procedure with its head comment."""
    head = textwrap.indent(textwrap.fill(doc, 110), "-- ")
    declared = f"DECLARE\n{textwrap.indent(declare.strip(), INDENT)}\n" if declare.strip() else ""
    return (
        f"{head}\nCREATE OR REPLACE PROCEDURE {name}({arguments})\nLANGUAGE plpgsql\n{PINNED}\n"
        f"SET plan_cache_mode = force_custom_plan\nAS $routine$\n"
        f"{declared}BEGIN\n{textwrap.indent(body.strip(), INDENT)}\nEND\n$routine$;\n"
    )


def register(contract: Contract, warehouse: str, rows_relation: str, routines: Mapping[str, str | None]) -> str:
    """The table's row in `targets`, written or brought up to date."""
    columns = {
        "target": literal(target(contract)),
        "layer": literal(contract["layer"]),
        "kind": literal(contract["kind"]),
        "warehouse": literal(warehouse),
        "description": literal(contract.get("description", "")),
        "contract": literal(json.dumps(contract, sort_keys=True, ensure_ascii=False)) + "::jsonb",
        "rows_relation": literal(rows_relation),
        **{column: literal(name) for column, name in routines.items()},
    }
    updates = [f"{column} = excluded.{column}" for column in columns if column != "target"]
    return (
        f"INSERT INTO dwh_lineage.targets (\n{lines(columns)}\n)\nVALUES (\n{lines(columns.values())}\n)\n"
        f"ON CONFLICT (target) DO UPDATE SET\n{lines(updates)};\n"
    )


def not_skipped(contract: Contract, alias: str) -> str:
    """A row that is not of a batch that somebody decided to skip for this table (dwh_etl.set_watermark)."""
    return (
        f"NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = {literal(target(contract))} "
        f"AND k.batch_no = {alias}._batch_no)"
    )


def unregister(contract: Contract) -> str:
    """Takes the table's metadata away, the ledger of its batches included; refused while others take its batches."""
    return f"SELECT dwh_lineage.forget_target({literal(target(contract))});\n"


def not_pending(contract: Contract, alias: str) -> str:
    """A row whose batch this table has taken."""
    return (
        f"NOT EXISTS (SELECT 1 FROM dwh_lineage.pendings AS p WHERE p.consumer = {literal(target(contract))} "
        f"AND p.batch_no = {alias}._batch_no)"
    )


def inputs(contract: Contract, sources: Iterable[str]) -> str:
    """Makes the table take its sources' batches."""
    return "".join(
        f"SELECT dwh_lineage.register_input({literal(target(contract))}, {literal(source)});\n" for source in sources
    )


def json_object(pairs: list[tuple[str, str]]) -> str:
    """A jsonb object of (name, SQL); jsonb_build_object takes 100 arguments at most, so wide ones come in pieces."""
    pieces = [pairs[start : start + 50] for start in range(0, len(pairs), 50)]
    objects = (lines((f"{literal(name)}, {value}" for name, value in piece), 2) for piece in pieces)
    return " || ".join(f"jsonb_build_object(\n{members}\n    )" for members in objects)
