"""What checks measure, as SQL: a row (name, value, low, high, total, details) for each check.

value: what was measured; low, high: its bounds, where the measurement knows them; total: of how many rows. Checks that
count rows are held to a threshold, in rows or in percent of the total, which a person may change
(dwh_lineage.governing); it is no part of the measurement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from medallion.compile import text
from medallion.compile.text import Contract
from medallion.naming import ident, literal

Definition = dict[str, Any]

COLUMNS = "name text, value numeric, low numeric, high numeric, total numeric, details jsonb"
#: Checks whose value is a number of rows.
COUNTED = ("between", "references", "unique", "not_null")


@dataclass(frozen=True)
class Place:
    """Where it is measured: SQL of the table's rows, of how many rows the load read, of the batches that it takes."""

    rows: str
    read: str
    taken: str


def name(check: Definition) -> str:
    """The check's name within its table."""
    if "name" in check:
        return f"{check['kind']}_{check['name']}"
    return "_".join([check["kind"], *([check["column"]] if "column" in check else check.get("columns", []))])


def sentence(check: Definition) -> str:
    """What the measured number is, for people; {} stands for it."""
    return _SENTENCES[check["kind"]](check)


def threshold(check: Definition) -> str | None:
    """What the check allows: a number, or a share as in "1%"; None where its bounds are measured."""
    if check["kind"] in COUNTED:
        return str(check.get("max_unknown", check.get("limit", 0)))
    found = {"freshness": None, "drift": check.get("max_psi"), "reconciles": check.get("within"),
             "schema_drift": 0, "accounting_gap": 0}.get(check["kind"])  # fmt: skip
    return None if found is None else str(found)


def measured(contract: Contract, place: Place) -> str:
    """A SELECT of one row for each check of a table."""
    return "\nUNION ALL\n".join(_row(contract, check, place) for check in contract["checks"])


def _row(contract: Contract, check: Definition, place: Place) -> str:
    value = {**_VALUES, "schema_drift": _schema_drift, "accounting_gap": _accounting}[check["kind"]]
    return (
        f"SELECT {literal(name(check))}, m.value::numeric, m.low::numeric, m.high::numeric, m.total::numeric, "
        "m.details\n"
        f"FROM (\n{text.indented(value(contract, check, place))}\n) AS m (value, low, high, total, details)"
    )


def _rows(check: Definition, place: Place) -> str:
    """The rows that a check concerns, as r."""
    if "where" not in check:
        return f"({place.rows}) AS r"
    return f"(SELECT w.* FROM ({place.rows}) AS w WHERE {check['where']}) AS r"


def _counted(check: Definition, place: Place, failing: str) -> str:
    return f"SELECT count(*) FILTER (WHERE {failing}), NULL, NULL, count(*), NULL::jsonb FROM {_rows(check, place)}"


def _outside(contract: Contract, check: Definition, place: Place) -> str:
    column = f"r.{ident(check['column'])}"
    return _counted(check, place, f"{column} < {literal(check['low'])} OR {column} > {literal(check['high'])}")


def _nowhere(contract: Contract, check: Definition, place: Place) -> str:
    column = f"r.{ident(check['column'])}"
    members = f"SELECT 1 FROM {ident(*check['table'].split('.'))} AS d WHERE d.{ident(check['key'])} = {column}"
    missing = f"{column} IS NOT NULL AND NOT EXISTS ({members})"
    return _counted(check, place, f"{column} = -1 OR ({missing})" if "max_unknown" in check else missing)


def _absent(contract: Contract, check: Definition, place: Place) -> str:
    return _counted(check, place, " OR ".join(f"r.{ident(column)} IS NULL" for column in check["columns"]))


def _doubled(contract: Contract, check: Definition, place: Place) -> str:
    return (
        f"SELECT count(*) FILTER (WHERE d.n > 1), NULL, NULL, coalesce(sum(d.n), 0), NULL::jsonb\n"
        f"FROM (SELECT count(*) AS n FROM {_rows(check, place)} GROUP BY {text.names(check['columns'], 'r')}) AS d"
    )


def _bounds(check: Definition) -> str:
    return ", ".join("NULL" if check.get(bound) is None else f"{check[bound]}" for bound in ("low", "high"))


def _row_count(contract: Contract, check: Definition, place: Place) -> str:
    return f"SELECT count(*), {_bounds(check)}, count(*), NULL::jsonb FROM {_rows(check, place)}"


def _volume(contract: Contract, check: Definition, place: Place) -> str:
    usual = f"{literal(text.target(contract))}, {literal(name(check))}, {check['last']}, {check['within']}"
    return (
        f"SELECT {place.read}, u.low, u.high, {place.read}, jsonb_build_object('median', u.median)\n"
        f"FROM dwh_etl.usual_range({usual}) AS u"
    )


def _freshness(contract: Contract, check: Definition, place: Place) -> str:
    newest = f"max(r.{ident(check['column'])})"
    return (
        f"SELECT extract(epoch FROM now() - {newest}), NULL, extract(epoch FROM interval {literal(check['within'])}), "
        f"count(*), jsonb_build_object('newest', {newest})\nFROM {_rows(check, place)}"
    )


def _drift(contract: Contract, check: Definition, place: Place) -> str:
    rows = f"SELECT r.{ident(check['column'])} AS value FROM {_rows(check, place)}"
    return (
        f"SELECT d.psi, NULL, NULL, d.total, d.details\nFROM dwh_etl.measure_drift({literal(text.target(contract))}, "
        f"{literal(name(check))}, {literal(rows)}, {check['last']}) AS d"
    )


def _schema_drift(contract: Contract, check: Definition, place: Place) -> str:
    return (
        "SELECT d.changed, NULL, NULL, NULL, d.details\n"
        f"FROM dwh_etl.measure_schema({literal(text.target(contract))}, {literal(name(check))}, "
        f"{literal(contract['source'])}, {place.taken}) AS d"
    )


def _reconciled(contract: Contract, check: Definition, place: Place) -> str:
    own, other = f"(SELECT {check['own']} FROM {_rows(check, place)})", f"({check['other']})"
    return (
        f"SELECT abs(coalesce(x.own, 0) - coalesce(x.other, 0)), NULL, NULL, NULL, "
        f"jsonb_build_object('own', x.own, 'other', x.other)\nFROM (SELECT {own}, {other}) AS x (own, other)"
    )


def _accounting(contract: Contract, check: Definition, place: Place) -> str:
    outcomes = f"{text.routine(contract, 'outcomes')}()"
    return f"SELECT count(*) FILTER (WHERE o.outcome IS NULL), NULL, NULL, count(*), NULL::jsonb FROM {outcomes} AS o"


def _sql(contract: Contract, check: Definition, place: Place) -> str:
    return f"SELECT ({check['query']}), {_bounds(check)}, NULL, NULL::jsonb"


_VALUES: dict[str, Callable[[Contract, Definition, Place], str]] = {
    "between": _outside, "references": _nowhere, "not_null": _absent, "unique": _doubled, "row_count": _row_count,
    "volume": _volume, "freshness": _freshness, "drift": _drift, "reconciles": _reconciled, "sql": _sql,
}  # fmt: skip


def _of(check: Definition) -> str:
    """Of which rows a check speaks."""
    return f" where {check['where']}" if "where" in check else ""


_SENTENCES: dict[str, Callable[[Definition], str]] = {
    "between": lambda c: f"{{}} rows{_of(c)} have a value of {c['column']} outside of {c['low']} to {c['high']}",
    "references": lambda c: f"{{}} rows{_of(c)} have a {c['column']} that leads nowhere in {c['table']}",
    "unique": lambda c: f"{{}} combinations of {', '.join(c['columns'])} are there more than once{_of(c)}",
    "not_null": lambda c: f"{{}} rows{_of(c)} lack a value of {' or '.join(c['columns'])}",
    "row_count": lambda c: f"it has {{}} rows{_of(c)}",
    "volume": lambda c: "the load read {} rows",
    "freshness": lambda c: f"the newest {c['column']} is {{}} seconds old",
    "drift": lambda c: f"the values of {c['column']}{_of(c)} have moved by a stability index of {{}}",
    "schema_drift": lambda c: "{} columns of the source are new or gone",
    "reconciles": lambda c: f"{c['name']}: {c['own']} is {{}} away from {c['other']}",
    "accounting_gap": lambda c: "{} rows of the source have no outcome",
    "sql": lambda c: f"{c['name']} gives {{}}",
}
