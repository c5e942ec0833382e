"""What a page asks a steward about a part of a cause: which rows, which source column, which text may be meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quality.evidence import source_columns
from quality.models import QualityDecision, QualityException, QualityIssue, QualityRule
from quality.resolution import Fix, Selection
from quality.suggesting import meaning, mend_in_words


@dataclass(frozen=True)
class Question:
    """Rows of a cause that wait for a decision: those with one offending value, or all of them."""

    issue: QualityIssue
    values: tuple[str | None, ...]  # one, which may be None; empty: all rows of the cause
    columns: list[str]  # of the source, those that the rule's column is made of first
    column: str | None  # where the value most likely stands
    suggestion: str | None
    can_be_waived: bool

    @property
    def rule(self) -> str:
        return self.issue.rule

    @property
    def selection(self) -> Selection:
        return Selection(self.issue.target_id, issue=self.issue.pk, values=self.values)

    def about(self, fix: Fix) -> Selection:
        """Those of the rows for which the fix has a text."""
        return Selection(self.issue.target_id, issue=self.issue.pk, fix=fix)


def question(issue: QualityIssue, values: tuple[str | None, ...]) -> Question:
    """What is known of these rows, from one of them and the declaration. Three queries."""
    rule = QualityRule.objects.filter(target=issue.target_id, rule=issue.rule, active=True).first()
    breaches = issue.breaches.select_related("exception").order_by(
        "-exception"
    )  # Uses index exception_breaches_issue_idx
    breach = (breaches.filter(value=values[0]) if values else breaches).first()
    example = breach.exception if breach else None
    feeding = _feeding(issue, example)
    declared = issue.target.contract.get("source_columns", [])
    return Question(
        issue,
        values,
        feeding + [name for name in declared if name not in feeding],
        _place(feeding or declared, example, values) or next(iter(feeding), None),
        nearest(values[0], rule.definition.get("values", [])) if values and values[0] and rule else None,
        rule is not None and rule.can_be_waived,
    )


def nearest(value: str, accepted: list[Any]) -> str | None:
    """The accepted value that `value` is meant to be, where that is plain."""
    meant = meaning(value, accepted)
    return meant.example[1] if meant else None


def in_words(decision: QualityDecision, titles: dict[int, str]) -> str:
    """Which rows a decision selected; `titles` of the issues by their ids."""
    said = decision.selection
    words = []
    if "exceptions" in said:
        words.append(f"{len(said['exceptions'])} chosen rows")
    if "decision" in said:
        words.append(f"the rows of decision {said['decision']}")
    if "issue" in said:
        words.append(f"rows of “{titles.get(said['issue'], said['issue'])}”")
    if "value" in said:
        words.append("without a value" if said["value"] is None else f"with the value “{said['value']}”")
    if "texts" in said:
        words.append(
            "by value: "
            + ", ".join(f"{old} → {'no value' if new is None else new}" for old, new in said["texts"].items())
        )
    if "mend" in said:
        words.append(mend_in_words(said["mend"]))
    words += [f"with {name} {said[name]}" for name in ("key", "batch", "file", "assignee", "before") if name in said]
    return " ".join(words) or "rows that were open"


def _feeding(issue: QualityIssue, example: QualityException | None) -> list[str]:
    if example is None or issue.column_name is None:
        return []
    declared = issue.target.contract.get("source_columns", [])
    own = [issue.column_name] if issue.column_name in declared else []
    made_of = source_columns(issue.target, example.source_table).get(issue.column_name, own)
    return [name for name in made_of if name in declared]


def _place(columns: list[str], example: QualityException | None, values: tuple[str | None, ...]) -> str | None:
    """The only column of the example that holds the value, blanks and case aside."""
    if example is None or not values or values[0] is None:
        return None
    data, sought = example.source_data or {}, values[0].strip().casefold()
    holding = [name for name in columns if str(data.get(name) or "").strip().casefold() == sought]
    return holding[0] if len(holding) == 1 else None
