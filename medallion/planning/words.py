"""The difference of two declarations of a table, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from medallion.compile import renames

Contract = dict[str, Any]

_PARTS = {
    "key": "the key", "grain": "the grain", "surrogate": "the surrogate key", "source": "the source",
    "effective": "the column of the effective time", "deleted_when": "the condition of a deletion",
    "where": "which rows it takes", "tracked": "the columns whose history is kept",
    "retention": "how long rows are kept",
    "full_extract": "whether each batch is a whole extract", "max_gone": "how many keys may be gone",
    "often_late": "whether late events are common",
    "max_rejected": "how many rows may be rejected", "partition": "how it is partitioned", "indexes": "the indexes",
    "dimensions": "its dimensions", "required": "the columns that are never NULL", "constraints": "the constraints",
    "checks": "the checks", "routines": "the hand-written routines", "unknown": "the unknown member",
    "description": "the description", "domain": "the domain",
    "about": "owner, tags and marks of personal data",
    "holidays": "the holidays", "first": "the first day", "last": "the last day",
    "fiscal_year_starts": "the month in which the fiscal year starts",
}  # fmt: skip
_KINDS = {"append": "every row (Append)", "scd1": "the newest row of each key (SCD1)",
          "scd2": "the history of each key (SCD2)"}  # fmt: skip
#: What follows from the rest, or has words of its own.
_SILENT = {"layer", "kind", "name", "columns", "generated", "query", "source_columns", "standing"}


def differences(old: Contract, new: Contract) -> list[str]:
    """What the new declaration says that the old one did not, a sentence each. `new` may say what columns were."""
    names = renames.between(old, new)
    taken = renames.renamed(old, new, names)
    said = [f"column {before} is called {after}" for before, after in names.items()]
    said += _kind(old, new)
    said += _columns(taken, new)
    said += _listed("generated column", taken.get("generated", []), new.get("generated", []))
    if old.get("query") != new.get("query"):
        said.append("another query")
    for part in sorted({*taken, *new} - _SILENT):
        if taken.get(part) != new.get(part):
            said.append(_part(part, taken.get(part), new.get(part)))
    return said


def _kind(old: Contract, new: Contract) -> Iterator[str]:
    if old["kind"] != new["kind"]:
        before, after = (_KINDS.get(kind, kind.replace("_", " ")) for kind in (old["kind"], new["kind"]))
        yield f"it keeps {after}, not {before}" if new["layer"] == "silver" else f"it is a {after}, not a {before}"


def _columns(old: Contract, new: Contract) -> Iterator[str]:
    before = {column["name"]: column for column in old.get("columns", [])}
    after = {column["name"]: column for column in new.get("columns", [])}
    for name, column in after.items():
        if name not in before:
            yield f"column {name} is new" + (f" ({column['type']})" if "type" in column else "")
        else:
            yield from _column(name, before[name], column)
    left = " (its values stay in the table)" if new["layer"] == "bronze" else ""
    yield from (f"column {name} is declared no more{left}" for name in before if name not in after)


def _column(name: str, old: Contract, new: Contract) -> Iterator[str]:
    if old.get("type") != new.get("type"):
        yield f"column {name} is {new['type']}, not {old['type']}"
    elif old.get("cast") != new.get("cast"):
        yield f"column {name} is read otherwise: {_value(old.get('cast'))} → {_value(new.get('cast'))}"
    if old.get("expression") != new.get("expression"):
        yield f"column {name} is {new['expression']}, not {old['expression']}"
    if old.get("headers") != new.get("headers"):
        yield f"column {name} arrives as {_value(new.get('headers') or name)}"
    if old.get("rules") != new.get("rules"):
        yield from _rules(name, old.get("rules", []), new.get("rules", []))
    if old.get("doc") != new.get("doc"):
        yield f"column {name} has another description"


def _rules(column: str, old: list[Contract], new: list[Contract]) -> Iterator[str]:
    before, after = [_asked(rule) for rule in old], [_asked(rule) for rule in new]
    gone = [rule for rule, asked in zip(old, before, strict=True) if asked not in after]
    come = [rule for rule, asked in zip(new, after, strict=True) if asked not in before]
    for rule in come:
        other = next((one for one in gone if one["kind"] == rule["kind"]), None)
        if other is not None:
            gone.remove(other)
            yield f"rule of {column}: {_condition(rule)}, not {_condition(other)}"
        else:
            yield f"rule of {column}: {_condition(rule)} is new"
    yield from (f"rule of {column}: {_condition(rule)} is asked no more" for rule in gone)
    if not come and not gone and before == after:
        yield f"a rule of {column} says something else to people"


def _asked(rule: Contract) -> Contract:
    return {name: value for name, value in rule.items() if name not in ("message", "condition")}


def _condition(rule: Contract) -> str:
    return str(rule.get("condition") or rule["kind"])


def _listed(what: str, old: list[Contract], new: list[Contract]) -> Iterator[str]:
    before, after = ({column["name"]: column for column in columns} for columns in (old, new))
    yield from (f"{what} {name} is new: {after[name]['expression']}" for name in after if name not in before)
    yield from (f"{what} {name} is made otherwise: {after[name]['expression']}" for name in after
                if name in before and before[name] != after[name])  # fmt: skip
    yield from (f"{what} {name} is declared no more" for name in before if name not in after)


def _part(part: str, old: Any, new: Any) -> str:
    what = _PARTS.get(part, part.replace("_", " "))
    if part in ("description", "routines", "holidays") or isinstance(new or old, dict):
        return f"{what}: changed"
    return f"{what}: {_value(old)} → {_value(new)}"


def _value(value: Any) -> str:
    if value is None:
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
