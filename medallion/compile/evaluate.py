"""The one place where a bronze row becomes typed values and broken rules. Loads, rebuilds, the accounting line and
previews all call the function that is compiled here, so they cannot disagree."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from medallion.compile import freeze, overlay, text
from medallion.compile.casts import cast, is_cast
from medallion.compile.text import Contract
from medallion.naming import ident
from quality.rules import Severity


@dataclass(frozen=True)
class CompiledRule:
    """A rule with its number in the load routine. `broken` is SQL over the typed row, TRUE where the rule is broken."""

    position: int
    name: str
    column: str | None
    kind: str
    definition: dict[str, Any]
    message: str
    holds: str
    broken: str
    #: Whether a row that only deletes its key must hold it too.
    binds_deletes: bool
    #: Whether it is an enum's own rule, which the table holds too.
    is_enum: bool = False

    @property
    def can_be_waived(self) -> bool:
        """Whether a person may set it aside: not a cast, not an enum, not a key, not the time that orders history."""
        return not (self.kind == "castable" or self.is_enum or self.binds_deletes)

    @property
    def severity(self) -> str:
        """What follows where it is broken; a row that the table could not hold is always kept out."""
        declared = str(self.definition.get("severity", Severity.QUARANTINE))
        return declared if self.can_be_waived or declared != Severity.WARN else Severity.QUARANTINE

    @property
    def threshold(self) -> str | None:
        """How many rows of a batch may break it: a number, or a share as in "1%"."""
        limit = self.definition.get("limit")
        return None if limit is None else str(limit)


def rules(contract: Contract) -> list[CompiledRule]:
    """All rules of a silver table: casts, the key, the effective time, what the columns declare, the horizon."""
    counter = itertools.count(1)
    return [CompiledRule(next(counter), **found) for found in _found(contract)]


def _found(contract: Contract) -> Iterator[dict[str, Any]]:
    vital = {*contract.get("key", []), contract.get("effective")}
    for column in contract["columns"]:
        name, typed = column["name"], ident(column["name"])
        given = ident(f"text.{name}")
        castable = f"({given} IS NULL OR {typed} IS NOT NULL)"
        has_cast = is_cast(column)
        if has_cast:
            yield {
                "name": f"{name}:castable", "column": name, "kind": "castable",
                "definition": {"kind": "castable", "type": column["type"], **column.get("cast", {})},
                "message": f"{name} is no {_kind_of_value(column)}",
                "holds": castable, "broken": f"NOT {castable}", "binds_deletes": name in vital,
            }  # fmt: skip
        declared = list(column.get("rules", []))
        if name in vital and not any(rule["kind"] == "required" for rule in declared):
            declared.insert(0, _required(name, typed))
        for number, rule in enumerate(declared):
            same = [other["kind"] for other in declared[:number]].count(rule["kind"])
            asked = f"({rule['condition']}) IS TRUE"
            yield {
                "name": f"{name}:{rule['kind']}" + (f"_{same + 1}" if same else ""),
                "column": name, "kind": rule["kind"], "definition": rule, "message": rule["message"],
                "holds": asked,
                # A value that could not be cast breaks that rule, and no other.
                "broken": f"NOT ({asked})" + (f" AND {castable}" if has_cast else ""),
                "binds_deletes": name in vital and rule["kind"] == "required",
                "is_enum": "values" in column and rule["kind"] == "one_of",
            }  # fmt: skip
    if before_horizon := freeze.rule(contract):
        yield before_horizon


def _required(name: str, typed: str) -> dict[str, Any]:
    return {"kind": "required", "message": f"{name} is missing", "condition": f"{typed} IS NOT NULL"}


def _kind_of_value(column: dict[str, Any]) -> str:
    sql_type, options = column["type"], column.get("cast", {})
    if "of" in options:
        return f"list of {options['of']['type']} with {options['delimiter']} between"
    if "formats" in options:
        return f"{_NAMED.get(sql_type, sql_type)} written {' or '.join(options['formats'])}"
    if "scale" in options:
        return f"number with at most {options['scale']} places after the point"
    return _NAMED.get(sql_type, str(sql_type))


_NAMED = {
    "timestamptz": "timestamp", "numeric": "number", "smallint": "small whole number", "integer": "whole number",
    "bigint": "whole number", "jsonb": "JSON value",
}  # fmt: skip


def create_function(contract: Contract) -> str:
    """`dwh_etl.evaluate_silver_x(in_batches, in_keys, in_rows)`: one row for each bronze row that the table takes."""
    columns = contract["columns"]
    returned = [
        "_bronze_id bigint", "_batch_no bigint", "_ingested_at timestamptz", "_deleted boolean",
        *(f"{ident(column['name'])} {column['type']}" for column in columns),
        "_broken smallint[]", "_warned smallint[]", "_source_id text", "_seen jsonb", "_source_data jsonb",
    ]  # fmt: skip
    name = text.routine(contract, "evaluate")
    return f"""\
-- Bronze rows of {contract["source"]} as {text.target(contract)} sees them: each expression and rule evaluated once.
-- in_batches: bronze batches, NULL for all. in_keys: keys as row text, NULL for all. in_rows: bronze ids, NULL for all.
-- _broken: positions of the broken rules, NULL for a good row; _warned: of those that only warn; _source_id, _seen,
-- _source_data: only for a row that breaks a rule.
-- No side effects; inlined into the statement that calls it (so no SET here: its callers pin the session's settings).
CREATE OR REPLACE FUNCTION {name}(in_batches bigint[], in_keys text[], in_rows bigint[] DEFAULT NULL)
RETURNS TABLE (
{text.lines(returned)}
)
LANGUAGE sql
STABLE
AS $routine$
{_select(contract)}
$routine$;
"""


def _select(contract: Contract) -> str:
    """Layers of subqueries, each fenced by OFFSET 0: without it the planner would pull them up and evaluate an
    expression once for each place that uses it."""
    columns = contract["columns"]
    compiled = rules(contract)
    raw = [ident(f"raw.{name}") for name in contract["source_columns"]]
    typed = [ident(column["name"]) for column in columns]
    given = [ident(f"text.{column['name']}") for column in columns]
    meta = ["_bronze_id", "_batch_no", "_ingested_at", "_deleted"]
    return f"""\
SELECT
{
        text.lines(
            [
                *(f"j.{name}" for name in [*meta, *typed]),
                *overlay.broken(contract, [r.position for r in compiled if r.severity == Severity.WARN]),
                _source_id(contract),
                _seen(columns),
                _source_data(contract),
            ]
        )
    }
FROM (
    SELECT
{text.lines([f"v.{name}" for name in [*meta, "_arrived", *raw, *given, *typed]] + [_broken(compiled, contract)], 2)}
    FROM (
        SELECT
{text.lines([f"t.{name}" for name in [*meta, "_arrived", *raw, *given]] + [_typed(column) for column in columns], 3)}
        FROM (
            SELECT
{text.lines([*_taken(contract), *(_given(column) for column in columns)], 4)}
            FROM {textwrap.indent(overlay.rows(contract), " " * 12).lstrip()} AS r
            WHERE (in_batches IS NULL OR r._batch_no = ANY (in_batches))
                AND (in_batches IS NULL OR r._bronze_id BETWEEN
                    (SELECT min(b.first_bronze_id) FROM dwh_lineage.batches AS b WHERE b.batch_no = ANY (in_batches))
                    AND (SELECT max(b.last_bronze_id) FROM dwh_lineage.batches AS b
                         WHERE b.batch_no = ANY (in_batches)))
                AND (in_rows IS NULL OR r._bronze_id = ANY (in_rows))
                -- For the BRIN index, which knows ranges alone.
                AND (in_rows IS NULL OR r._bronze_id BETWEEN
                    (SELECT min(u.id) FROM unnest(in_rows) AS u (id))
                    AND (SELECT max(u.id) FROM unnest(in_rows) AS u (id)))
                AND ({wanted(contract)})
            OFFSET 0
        ) AS t
        WHERE {_key_filter(contract)}
        OFFSET 0
    ) AS v
    OFFSET 0
) AS j"""


def _taken(contract: Contract) -> list[str]:
    deleted = contract.get("deleted_when")
    return [
        "r._bronze_id",
        "r._batch_no",
        "r._ingested_at",
        (f"({deleted}) IS TRUE" if deleted else "false") + " AS _deleted",
        "r._arrived",
        *(f"r.{ident(name)} AS {ident(f'raw.{name}')}" for name in contract["source_columns"]),
    ]


def _given(column: dict[str, Any]) -> str:
    expression = column["expression"]
    if is_cast(column):
        expression = f"nullif(btrim({expression}), '')"  # a blank is no wrong number, it is none
    return f"{expression} AS {ident('text.' + column['name'])}"


def _typed(column: dict[str, Any]) -> str:
    return f"{cast(column, 't.' + ident('text.' + column['name']))} AS {ident(column['name'])}"


def wanted(contract: Contract) -> str:
    """Whether the table takes an effective row `r` at all, as SQL."""
    return f"({contract['where']}) IS TRUE" if contract.get("where") else "true"


def _key_filter(contract: Contract) -> str:
    if not contract.get("key"):
        return "true"
    by_name = {column["name"]: column for column in contract["columns"]}
    given = {name: cast(by_name[name], f"t.{ident('text.' + name)}") for name in contract["key"]}
    return f"(in_keys IS NULL OR {text.key_text(contract, given)} = ANY (in_keys))"


def _broken(compiled: list[CompiledRule], contract: Contract) -> str:
    """The positions of the rules that a row breaks. A row that deletes needs a good key and a good time, whatever else
    is wrong with it."""
    if not compiled:
        return "NULL::smallint[] AS _broken"
    vital = [rule for rule in compiled if rule.binds_deletes or not contract.get("deleted_when")]
    others = [rule for rule in compiled if rule not in vital]
    holds = "\n        AND ".join(rule.holds for rule in vital)
    if others:
        alive = "\n            AND ".join(rule.holds for rule in others)
        holds += f"\n        AND (v._deleted OR (\n            {alive}\n        ))"
    broken = ",\n        ".join(
        f"CASE WHEN {'NOT v._deleted AND ' if rule in others else ''}{rule.broken} THEN {rule.position}::smallint END"
        for rule in compiled
    )
    # The list is made only for rows that need one; good rows pay for the conditions alone.
    return f"CASE WHEN {holds} THEN NULL\n    ELSE array_remove(ARRAY[\n        {broken}\n    ], NULL) END AS _broken"


def _source_id(contract: Contract) -> str:
    key = contract.get("key")
    if not key:
        return "NULL::text AS _source_id"
    given = ", ".join("j." + ident(f"text.{name}") for name in key)
    return f"CASE WHEN j._broken IS NOT NULL THEN concat_ws('|', {given}) END AS _source_id"


def _seen(columns: list[dict[str, Any]]) -> str:
    pairs = [(column["name"], f"j.{ident('text.' + column['name'])}") for column in columns]
    return f"CASE WHEN j._broken IS NOT NULL THEN {text.json_object(pairs)} END AS _seen"


def _source_data(contract: Contract) -> str:
    columns = contract["source_columns"]
    came = text.json_object([(name, f"j._arrived[{place}]") for place, name in enumerate(columns, start=1)])
    raw = text.json_object([(name, f"j.{ident('raw.' + name)}") for name in columns])
    return f"""CASE WHEN j._broken IS NULL THEN NULL
        WHEN j._arrived IS NOT NULL THEN {came}
        ELSE {raw} END AS _source_data"""
