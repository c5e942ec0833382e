"""Rules on one row: what a value must hold, as a person reads it and as SQL asks it.

A rule's condition is asked of the column's *typed* value and holds only where it is TRUE: NULL breaks a rule unless
`null=True` allows it. A rule is not asked where the value could not be cast; the cast itself is the broken rule then.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from psycopg import sql

#: What says nothing about which rows break a rule: how it is told, and what follows from it.
NOT_ASKED = ("message", "severity", "limit")


class Severity(StrEnum):
    """What follows from a broken rule or a failing check."""

    WARN = "warn"
    QUARANTINE = "quarantine"
    FAIL = "fail"


def literal(value: object) -> str:
    """A value as SQL text, quoted by psycopg."""
    return sql.Literal(value).as_string(None)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """The base of all rules. `{}` in `template` stands for the column."""

    kind: ClassVar[str]
    null: bool = field(default=False)
    #: What a broken rule means: `warn` (the row is kept), `quarantine`, `fail` (nothing of its load lands).
    severity: str = Severity.QUARANTINE
    #: How many rows of a batch may break it before that counts: a number, or a share as in "1%".
    limit: str | int | None = None
    #: The rule concerns only rows for which this condition over the table's columns holds.
    where: str | None = None

    def condition(self, column: str, is_text: bool = True) -> str:
        """The SQL that is TRUE where the rule holds; `column` is quoted SQL already, `is_text` says what it holds."""
        asked = self.held(column, is_text)
        return f"(({self.where}) IS NOT TRUE OR {asked})" if self.where else asked

    def held(self, column: str, is_text: bool) -> str:
        """The same of rows that the rule concerns."""
        asked = self.ask(column)
        return f"({column} IS NULL OR {asked})" if self.null else asked

    def ask(self, column: str) -> str:
        raise NotImplementedError

    def text(self, column: str) -> str:
        """The sentence that a steward reads; `column` is the column's name."""
        return getattr(self, "message", None) or self.default_text(column)

    def default_text(self, column: str) -> str:
        raise NotImplementedError

    def definition(self) -> dict[str, Any]:
        """The rule as JSON; what has its default value is left out, so that new options change no old definition."""
        said = {name: value for name, value in vars(self).items() if value is not None and value is not False}
        if said["severity"] == Severity.QUARANTINE:
            del said["severity"]
        return {"kind": self.kind, **{name: _plain(value) for name, value in said.items()}}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float)) else str(value)


def fingerprint(definition: object) -> str:
    """The version of a rule: a short hash of its definition."""
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Required(Rule):
    """Not NULL; a text must hold more than blanks."""

    kind = "required"
    message: str | None = None

    def held(self, column: str, is_text: bool) -> str:
        return self.ask(column) if is_text else f"{column} IS NOT NULL"

    def ask(self, column: str) -> str:
        return f"btrim({column}) <> ''"

    def default_text(self, column: str) -> str:
        return f"{column} is missing"


@dataclass(frozen=True)
class OneOf(Rule):
    """One of the values given."""

    kind = "one_of"
    values: tuple[object, ...]
    message: str | None = None

    def __init__(
        self,
        *values: object,
        message: str | None = None,
        null: bool = False,
        severity: str = Severity.QUARANTINE,
        limit: str | int | None = None,
        where: str | None = None,
    ) -> None:
        for name, value in (("values", values), ("message", message), ("null", null), ("severity", severity),
                            ("limit", limit), ("where", where)):  # fmt: skip
            object.__setattr__(self, name, value)

    def ask(self, column: str) -> str:
        return f"{column} IN ({', '.join(literal(value) for value in self.values)})"

    def default_text(self, column: str) -> str:
        return f"{column} is none of {', '.join(str(value) for value in self.values)}"


@dataclass(frozen=True)
class Matches(Rule):
    """Matches a POSIX regular expression, as PostgreSQL's `~` does."""

    kind = "matches"
    pattern: str
    message: str | None = None

    def ask(self, column: str) -> str:
        return f"{column} ~ {literal(self.pattern)}"

    def default_text(self, column: str) -> str:
        return f"{column} does not match {self.pattern}"


@dataclass(frozen=True)
class DoesNotMatch(Rule):
    """Does not match a POSIX regular expression."""

    kind = "does_not_match"
    pattern: str
    message: str | None = None

    def ask(self, column: str) -> str:
        return f"{column} !~ {literal(self.pattern)}"

    def default_text(self, column: str) -> str:
        return f"{column} matches {self.pattern}"


@dataclass(frozen=True)
class MinLength(Rule):
    """A text of at least so many characters."""

    kind = "min_length"
    length: int
    message: str | None = None

    def ask(self, column: str) -> str:
        return f"char_length({column}) >= {int(self.length)}"

    def default_text(self, column: str) -> str:
        return f"{column} is shorter than {self.length} characters"


@dataclass(frozen=True)
class MaxLength(Rule):
    """A text of at most so many characters."""

    kind = "max_length"
    length: int
    message: str | None = None

    def ask(self, column: str) -> str:
        return f"char_length({column}) <= {int(self.length)}"

    def default_text(self, column: str) -> str:
        return f"{column} is longer than {self.length} characters"


@dataclass(frozen=True)
class Between(Rule):
    """Within two bounds, both included."""

    kind = "between"
    low: object
    high: object
    message: str | None = None

    def ask(self, column: str) -> str:
        return f"{column} BETWEEN {literal(self.low)} AND {literal(self.high)}"

    def default_text(self, column: str) -> str:
        return f"{column} is not between {self.low} and {self.high}"


@dataclass(frozen=True)
class GreaterThan(Rule):
    """Greater than a bound."""

    kind = "greater_than"
    bound: object
    message: str | None = None

    def ask(self, column: str) -> str:
        return f"{column} > {literal(self.bound)}"

    def default_text(self, column: str) -> str:
        return f"{column} is not greater than {self.bound}"


@dataclass(frozen=True)
class AtLeast(Rule):
    """A bound or greater."""

    kind = "at_least"
    bound: object
    message: str | None = None

    def ask(self, column: str) -> str:
        return f"{column} >= {literal(self.bound)}"

    def default_text(self, column: str) -> str:
        return f"{column} is less than {self.bound}"


@dataclass(frozen=True)
class LessThan(Rule):
    """Less than a bound."""

    kind = "less_than"
    bound: object
    message: str | None = None

    def ask(self, column: str) -> str:
        return f"{column} < {literal(self.bound)}"

    def default_text(self, column: str) -> str:
        return f"{column} is not less than {self.bound}"


@dataclass(frozen=True)
class AtMost(Rule):
    """A bound or less."""

    kind = "at_most"
    bound: object
    message: str | None = None

    def ask(self, column: str) -> str:
        return f"{column} <= {literal(self.bound)}"

    def default_text(self, column: str) -> str:
        return f"{column} is greater than {self.bound}"


@dataclass(frozen=True)
class Condition(Rule):
    """Any SQL condition over the table's columns; for rules between columns."""

    kind = "condition"
    condition_sql: str
    message: str

    def ask(self, column: str) -> str:
        return f"({self.condition_sql})"

    def default_text(self, column: str) -> str:
        return self.message


@dataclass(frozen=True)
class References(Rule):
    """The key of a row of another silver table: in its column `key`, or the one by which others refer to it. A row
    whose parent is missing lands by itself when the parent has come."""

    kind = "references"
    table: Any
    key: str | None = None
    message: str | None = None

    @property
    def parent_key(self) -> str:
        """The column of the other table."""
        return self.key or str(self.table.key_column())

    def ask(self, column: str) -> str:
        parent = sql.Identifier(*self.table.target.split(".")).as_string(None)
        key = sql.Identifier(self.parent_key).as_string(None)
        # v is the row that is asked: the parent may have a column of the same name.
        return f"EXISTS (SELECT 1 FROM {parent} AS parent WHERE parent.{key} = v.{column})"  # noqa: S608 - quoted

    def default_text(self, column: str) -> str:
        return f"{column} is nobody's in {self.table.target}"

    def definition(self) -> dict[str, Any]:
        return super().definition() | {"table": self.table.target, "key": self.parent_key}
