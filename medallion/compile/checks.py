"""A gold table's checks: measured on pg_temp.computed, before anything is written."""

from __future__ import annotations

from typing import Any

from medallion.compile import text
from medallion.compile.text import Contract
from medallion.naming import ident, literal

Definition = dict[str, Any]


def ask(contract: Contract) -> str:
    """Measures, raises AS070 where a check fails, and else records what was measured; nothing without checks."""
    if not contract.get("checks"):
        return ""
    target = literal(text.target(contract))
    return (
        f"{_measure(contract)}PERFORM dwh_etl.require_checks({target}, l_load.taken);\n"
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
            f"{computed}{_measure(contract)}"
            f"PERFORM dwh_etl.record_checks({target}, coalesce(in_batch_id, gen_random_uuid()));",
            f"Records what the checks of {text.target(contract)} measure on what a load would write, and loads "
            "nothing: to be called after a load that they refused. Takes the run's id.",
        )
    ]


def _measure(contract: Contract) -> str:
    """pg_temp.measured: a row for each check."""
    generated = [f"({column['expression']}) AS {ident(column['name'])}" for column in contract.get("generated", [])]
    rows = f"SELECT {', '.join(['c.*', *generated])} FROM pg_temp.computed AS c"
    measured = [
        f"SELECT {literal(_name(check))} AS name, coalesce(({_value(check)}), 0)::numeric AS value, "
        f"{_limit(check)} AS threshold, {literal(_sentence(check))} AS sentence"
        for check in contract["checks"]
    ]
    union = "\nUNION ALL\n".join(measured)
    return (
        "DROP TABLE IF EXISTS pg_temp.measured;\nCREATE TEMP TABLE measured ON COMMIT DROP AS\n"
        f"WITH r AS (\n    {rows}\n)\n{union};\n"
    )


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
    column = f"r.{ident(check['column'])}"
    return f"SELECT count(*) FROM r WHERE {column} < {literal(check['low'])} OR {column} > {literal(check['high'])}"


def _nowhere(check: Definition) -> str:
    column = f"r.{ident(check['column'])}"
    members = f"SELECT 1 FROM {ident(*check['table'].split('.'))} AS d WHERE d.{ident(check['key'])} = {column}"
    missing = f"NOT EXISTS ({members})"
    if "max_unknown" not in check:
        return f"SELECT count(*) FROM r WHERE {missing}"
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
