"""What the parts of the parser share while they read a routine: its findings, temp tables and variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from sqlglot import exp

from lineage.parsing.scopes import Schema, Scope, Unknown
from lineage.parsing.values import Findings, Gap, Relation, Value

if TYPE_CHECKING:
    from lineage.parsing.expressions import Expressions

Columns = list[tuple[str, Value]]


class Library(Protocol):
    """The routines that can be followed into."""

    def returned(self, schema: str, name: str, arguments: Sequence[exp.Expr], around: Expressions) -> Relation | None:
        """What a call of a function gives; None where it is not known, or reads no table."""


class Reading:
    """Reads the queries of one routine, with the temp tables that stand at that moment. What is not understood goes to
    the findings' gaps, under the statement that is being read."""

    def __init__(self, schema: Schema, findings: Findings | None = None, library: Library | None = None) -> None:
        self.schema = schema
        self.findings = findings or Findings()
        self.library = library
        #: Temp tables by name.
        self.temporary: dict[str, Relation] = {}
        self.variables: dict[str, Relation] = {}
        self.statement = ""
        self.is_own = True

    def gap(self, reason: str) -> None:
        """Notes that something of the statement was not understood; of a routine that is called it is noted there."""
        if not self.is_own:
            return
        found = Gap(self.statement, reason)
        if found not in self.findings.gaps:
            self.findings.gaps.append(found)

    def outermost(self) -> Scope:
        return Scope(variables=self.variables)

    def called(self, schema: str, name: str, arguments: Sequence[exp.Expr], around: Expressions) -> Relation | None:
        """What a function that reads tables gives."""
        full = f"{schema}.{name}" if schema else name
        self.findings.calls.add(full)
        return self.library.returned(schema, name, arguments, around) if self.library is not None else None

    def star(self, scope: Scope, table: str = "") -> Columns:
        """The columns of `*` or `t.*`; where they are not known this is a gap."""
        try:
            found = scope.star(table)
            self.findings.touched.update(source for _, value in found for source in value.direct)
            return found
        except Unknown as unknown:
            self.gap(str(unknown))
            return []

    def query(self, node: exp.Expr, parent: Scope, ctes: Mapping[str, Relation] | None = None) -> Relation:
        """What a query gives; `parent`: what it may refer to from outside, `ctes`: the WITH queries in sight."""
        raise NotImplementedError


class Within(Scope):
    """A scope that knows the WITH queries in sight."""

    def __init__(self, parent: Scope, ctes: Mapping[str, Relation]) -> None:
        super().__init__(parent=parent)
        self.ctes = ctes


def ctes_of(scope: Scope | None) -> Mapping[str, Relation]:
    while scope is not None:
        if isinstance(scope, Within):
            return scope.ctes
        scope = scope.parent
    return {}


def around(scope: Scope) -> Scope:
    """What a subquery in FROM sees: the WITH queries and the outer query, none of its neighbours."""
    return Within(parent=scope.parent or Scope(variables=scope.variables), ctes=ctes_of(scope))
