"""The rules and checks that a declaration states, as rows of quality_rules."""

from __future__ import annotations

import json
from collections.abc import Iterable

from medallion.compile import measures, text
from medallion.compile.evaluate import CompiledRule
from medallion.compile.text import Contract
from medallion.naming import literal
from quality.rules import NOT_ASKED, Severity, fingerprint

#: Checks are numbered from here on; rules below.
FIRST_CHECK = 10_001


def stated(contract: Contract, rules: Iterable[CompiledRule] = ()) -> str:
    """Those that the declaration no longer states become inactive; old breaches and metrics keep theirs."""
    target = literal(text.target(contract))
    values = [*(_rule(target, rule) for rule in rules), *_checks(target, contract)]
    retire = f"UPDATE dwh_lineage.quality_rules SET active = false WHERE target = {target} AND active;\n"
    if not values:
        return retire
    return f"""{retire}INSERT INTO dwh_lineage.quality_rules (
    target, rule, position, column_name, kind, definition, message, version, can_be_waived, severity, threshold,
    is_check, active
)
VALUES
{text.lines(values)}
ON CONFLICT (target, rule, version) DO UPDATE SET
    position = excluded.position,
    definition = excluded.definition,
    message = excluded.message,
    can_be_waived = excluded.can_be_waived,
    severity = excluded.severity,
    threshold = excluded.threshold,
    active = true;
"""


def _rule(target: str, rule: CompiledRule) -> str:
    return (
        f"({target}, {literal(rule.name)}, {rule.position}, {literal(rule.column)}, {literal(rule.kind)}, "
        f"{_json(rule.definition)}, {literal(rule.message)}, {literal(version(rule.definition))}, "
        f"{str(rule.can_be_waived).lower()}, {literal(rule.severity)}, {literal(rule.threshold)}, false, true)"
    )


def _checks(target: str, contract: Contract) -> list[str]:
    return [
        f"({target}, {literal(measures.name(check))}, {position}, {literal(check.get('column'))}, "
        f"{literal(check['kind'])}, {_json(check)}, {literal(measures.sentence(check))}, {literal(version(check))}, "
        f"false, {literal(check.get('severity', Severity.FAIL.value))}, {literal(measures.threshold(check))}, "
        "true, true)"
        for position, check in enumerate(contract.get("checks", []), FIRST_CHECK)
    ]


def _json(definition: dict[str, object]) -> str:
    return f"{literal(json.dumps(definition, sort_keys=True, ensure_ascii=False))}::jsonb"


def version(definition: dict[str, object]) -> str:
    """What is asked, as a fingerprint; how it is said and what follows from it is no part of it."""
    return fingerprint({name: value for name, value in definition.items() if name not in NOT_ASKED})
