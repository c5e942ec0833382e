"""What is wrong with the rules and checks of a declaration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from medallion import silver
from medallion.compile import measures
from medallion.compile.evaluate import CompiledRule, rules
from quality.checks import Check
from quality.rules import References, Severity

#: (what is wrong, what to do, number of the check).
Finding = tuple[str, str, str]
_LIMIT = r"\d+(\.\d+)?%?"
_MADE = ("valid_from", "valid_to", "is_current")


def of_silver(table: type[silver.Table]) -> Iterator[Finding]:
    """What is wrong with the rules and checks of a silver table whose columns are right."""
    names = [*table.columns()]
    for compiled in rules(table.contract() | {"name": table.name}):
        yield from _rule(compiled, names)
    for name, column in table.columns().items():
        for rule in column.rules:
            if isinstance(rule, References):
                yield from _reference(f"The rule {name}:references", rule, column.sql_type)
    history = table.history()
    if isinstance(history, silver.SCD2):  # it stores the time as valid_from
        names = [*(name for name in names if name != history.effective), *_MADE]
    yield from of_checks(table.checks(), [*names, *table.generated()], "silver")


def of_checks(checks: Sequence[Check], names: Sequence[str], layer: str) -> Iterator[Finding]:
    """What is wrong with checks of a table with columns of these names."""
    said = [measures.name(check.definition()) for check in checks]
    for name in sorted({name for name in said if said.count(name) > 1}):
        yield f"It has two checks {name}.", "Leave one of them out.", "E083"
    for name, check in zip(said, checks, strict=True):
        options = vars(check)
        if check.kind in ("schema_drift", "accounting_gap") and layer != "silver":
            yield f"The check {name} is for silver tables.", "Declare it where the source's rows arrive.", "E083"
        for column in [*options.get("columns", ()), *([options["column"]] if "column" in options else [])]:
            if column not in names:
                yield f"The check {name} reads {column}, which the table does not have.", _known(names), "E083"
        if options["severity"] not in (Severity.WARN, Severity.FAIL):
            yield f"The check {name} has the severity {options['severity']!r}.", "Write warn or fail.", "E080"
        yield from _limit(f"The check {name}", options.get("limit"))
        yield from _where(f"The check {name}", options.get("where"), names)


def _rule(rule: CompiledRule, names: Sequence[str]) -> Iterator[Finding]:
    said, severity = f"The rule {rule.name}", rule.definition.get("severity", Severity.QUARANTINE)
    if severity not in list(Severity):
        yield f"{said} has the severity {severity!r}.", "Write warn, quarantine or fail.", "E080"
    elif severity == Severity.WARN and not rule.can_be_waived:
        yield f"{said} cannot only warn: the table could not hold the row.", "Leave its severity out.", "E080"
    yield from _limit(said, rule.definition.get("limit"))
    yield from _where(said, rule.definition.get("where"), names)


def _reference(said: str, rule: References, sql_type: str) -> Iterator[Finding]:
    parent = rule.table
    if not (isinstance(parent, type) and issubclass(parent, silver.Table)) or not (rule.key or parent.key()):
        yield f"{said} refers to no silver table with a key.", "Name its class, and key=….", "E084"
        return
    known = parent.columns()
    is_key = isinstance(parent.history(), silver.Append) or rule.parent_key in parent.key()
    if rule.parent_key not in known or not is_key:
        yield f"{said}: {rule.parent_key} is no key of {parent.target}.", _known(parent.key()), "E084"
    elif known[rule.parent_key].sql_type != sql_type:
        other = known[rule.parent_key].sql_type
        yield f"{said} compares {sql_type} with {other} of {parent.target}.", "Give both the same type.", "E084"


def _limit(said: str, limit: object) -> Iterator[Finding]:
    if limit is not None and not re.fullmatch(_LIMIT, str(limit)):
        yield f"{said} has the limit {limit!r}.", 'Write "1%", or a number of rows.', "E081"


def _where(said: str, where: str | None, names: Sequence[str]) -> Iterator[Finding]:
    if where is None:
        return
    try:
        read = sqlglot.parse_one(where, read="postgres").find_all(exp.Column)
    except SqlglotError as error:
        yield f"{said}: its where is no SQL condition: {where}", str(error).split("\n")[0], "E082"
        return
    for name in dict.fromkeys(column.name for column in read):
        if name not in names:
            yield f"{said}: its where reads {name}, which the table does not have.", _known(names), "E082"


def _known(names: Sequence[str]) -> str:
    return f"There are: {', '.join(sorted(names))}."
