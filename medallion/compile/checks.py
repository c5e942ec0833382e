"""A gold table's checks: measured on pg_temp.computed, before anything is written."""

from __future__ import annotations

from typing import Any

from medallion.compile import by_keys as keys
from medallion.compile import text
from medallion.compile.stars import is_dimension, names
from medallion.compile.text import Contract
from medallion.naming import ident, literal

Definition = dict[str, Any]

COMPUTED = "pg_temp.computed"


def ask(contract: Contract, by_keys: bool = False) -> str:
    """Measures, raises AS070 where a check fails, and else records what was measured; nothing without checks. by_keys:
    where l_full is NULL, pg_temp.computed has the touched keys alone."""
    if not contract.get("checks"):
        return ""
    target = literal(text.target(contract))
    measured = f"DROP TABLE IF EXISTS pg_temp.measured;\n{_measure(contract, COMPUTED)}"
    if by_keys:
        measured = keys.either(_measure(contract, COMPUTED, _after_load(contract)), _measure(contract, COMPUTED))
        measured = f"DROP TABLE IF EXISTS pg_temp.measured;\n{measured}"
    return (
        f"{measured}PERFORM dwh_etl.require_checks({target}, l_load.taken);\n"
        f"PERFORM dwh_etl.record_checks({target}, l_batch_id);\n"
    )


def evidence(contract: Contract, computed: str) -> list[str]:
    """`dwh_etl.evidence_gold_x`, where there are checks."""
    if not contract.get("checks"):
        return []
    target = literal(text.target(contract))
    return [
        text.procedure(
            text.routine(contract, "evidence"),
            "in_batch_id uuid DEFAULT NULL",
            "",
            f"{computed}DROP TABLE IF EXISTS pg_temp.measured;\n{_measure(contract, COMPUTED)}"
            f"PERFORM dwh_etl.record_checks({target}, coalesce(in_batch_id, gen_random_uuid()));",
            f"Records what the checks of {text.target(contract)} measure on what a load would write, and loads "
            "nothing: to be called after a load that they refused. Takes the run's id.",
        )
    ]


def _measure(contract: Contract, changed: str, whole: str = "") -> str:
    """pg_temp.measured: a row for each check. changed: the rows that may be new; whole: the table as it will be, where
    that is more."""
    measured = [
        f"SELECT {literal(_name(check))} AS name, coalesce(({_value(check)}), 0)::numeric AS value, "
        f"{_limit(check)} AS threshold, {literal(_sentence(check))} AS sentence"
        for check in contract["checks"]
    ]
    generated = [f"({column['expression']}) AS {ident(column['name'])}" for column in contract.get("generated", [])]
    rows = [f"c AS (\n    SELECT {', '.join(['c.*', *generated])} FROM {changed} AS c\n)"]
    rows.append(f"r AS (\n    SELECT * FROM c{whole}\n)")
    union = "\nUNION ALL\n".join(measured)
    return f"CREATE TEMP TABLE measured ON COMMIT DROP AS\nWITH {', '.join(rows)}\n{union};\n"


def _after_load(contract: Contract) -> str:
    """The rows that a load by keys leaves as they are."""
    made = [column["name"] for column in contract.get("generated", [])]
    columns = text.names([*names(contract), *made], "g")
    members = f"g._retired_at IS NULL AND g.{ident(contract['surrogate'])} > 0 AND " if is_dimension(contract) else ""
    return (
        f"\n    UNION ALL\n    SELECT {columns} FROM {text.relation(contract)} AS g\n"
        f"    WHERE {members}NOT {keys.is_touched(contract, 'g')}"
    )


def _rows(check: Definition) -> str:
    """What a check looks at: a value that was right stays right, but a sum, a share or a double is one of all rows."""
    return "c" if check["kind"] == "between" or (check["kind"] == "references" and "max_unknown" not in check) else "r"


def _name(check: Definition) -> str:
    said = check.get("name") or check.get("column") or "_".join(check["columns"])
    return f"{check['kind']}_{said}"


def _value(check: Definition) -> str:
    """SQL of the measured number, over the rows r."""
    if check["kind"] == "between":
        return _outside(check)
    if check["kind"] == "references":
        return _nowhere(check)
    if check["kind"] == "unique":
        columns, where = text.names(check["columns"]), f" WHERE {check['where']}" if "where" in check else ""
        return f"SELECT count(*) FROM (SELECT FROM r{where} GROUP BY {columns} HAVING count(*) > 1) AS d"
    own, other = f"(SELECT {check['own']} FROM r)", f"({check['other']})"
    return f"SELECT abs(coalesce({own}, 0) - coalesce({other}, 0))"


def _outside(check: Definition) -> str:
    column = ident(check["column"])
    return f"SELECT count(*) FROM c WHERE {column} < {literal(check['low'])} OR {column} > {literal(check['high'])}"


def _nowhere(check: Definition) -> str:
    column = f"{_rows(check)}.{ident(check['column'])}"
    members = f"SELECT 1 FROM {ident(*check['table'].split('.'))} AS d WHERE d.{ident(check['key'])} = {column}"
    missing = f"NOT EXISTS ({members})"
    if "max_unknown" not in check:
        return f"SELECT count(*) FROM {_rows(check)} WHERE {missing}"
    share = (
        "100.0 * count(*) / nullif((SELECT count(*) FROM r), 0)" if check["max_unknown"].endswith("%") else "count(*)"
    )
    return f"SELECT {share} FROM r WHERE {column} = -1 OR {missing}"


def _limit(check: Definition) -> str:
    said = check.get("max_unknown", check.get("within", 0))
    return f"{str(said).removesuffix('%')}::numeric"


def _sentence(check: Definition) -> str:
    """What the measured number is, for people; {} stands for it."""
    if check["kind"] == "between":
        return f"{{}} rows have a value of {check['column']} outside of {check['low']} to {check['high']}"
    if check["kind"] == "unique":
        return f"{{}} combinations of {', '.join(check['columns'])} are there more than once"
    if check["kind"] == "reconciles":
        return f"{check['name']}: {check['own']} is {{}} away from {check['other']}"
    unit = " percent of the" if str(check.get("max_unknown", "")).endswith("%") else ""
    return f"{{}}{unit} rows have a {check['column']} that leads nowhere in {check['table']}"
