"""Follows a whole routine: its statements in order, its variables, its temp tables, and the routines that it calls."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from lineage.parsing import statements
from lineage.parsing.expressions import Expressions, name_of
from lineage.parsing.queries import Resolver
from lineage.parsing.scopes import Schema
from lineage.parsing.statements import Statement
from lineage.parsing.values import NOTHING, Findings, Relation, Value, union
from lineage.parsing.writes import make, write

DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Routine:
    """A function or procedure as pg_proc has it. `arguments`: the names of those that go in, in order (empty where one
    has none); `returned`: the columns of RETURNS TABLE."""

    name: str  # with its schema
    language: str
    body: str
    arguments: tuple[str, ...] = ()
    others: tuple[str, ...] = ()  # OUT arguments
    returned: tuple[str, ...] = ()
    kind: str = "function"


@dataclass(slots=True)
class Routines:
    """All routines that can be followed, by name with schema. Of overloaded ones the first with as many arguments."""

    by_name: Mapping[str, Sequence[Routine]] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    _following: dict[str, bool] = field(default_factory=dict)

    def is_worth_following(self, routine: Routine) -> bool:
        """Whether a routine could read or write a table, itself or through another; casts and the like are many."""
        if routine.name not in self._following:
            words = set(re.findall(r"\w+", routine.body.lower()))
            simple = {name.rpartition(".")[2] for name in self.by_name}
            self._following[routine.name] = bool(words & {"from", "join", "table", "into", "update"} or words & simple)
        return self._following[routine.name]

    def find(self, schema: str, name: str, count: int) -> Routine | None:
        names = [f"{schema}.{name}"] if schema else [f"{one}.{name}" for one in self.path]
        found = next((self.by_name[one] for one in names if one in self.by_name), ())
        fitting = [routine for routine in found if len(routine.arguments) >= count]
        return fitting[0] if fitting else None


def parse_routine(routine: Routine, schema: Schema, library: Routines | None = None) -> Findings:
    """The edges of a routine, what it reads, writes and calls, and what of it was not understood."""
    run = _Run(schema, library or Routines())
    run.follow(routine, {})
    return run.findings


def parse_sql(text: str, schema: Schema, library: Routines | None = None) -> Findings:
    """The edges of some statements of plain SQL."""
    return parse_routine(Routine("", "sql", text), schema, library)


def parse_query(text: str, schema: Schema, library: Routines | None = None) -> tuple[Relation, Findings]:
    """What a SELECT gives, and what of it was not understood."""
    run = _Run(schema, library or Routines())
    run.follow(Routine("", "sql", text), {})
    return run.result, run.findings


@functools.lru_cache(maxsize=2_000)
def _tree(text: str) -> exp.Expr:
    """A parsed statement, not to be changed: routines that many others call are parsed once."""
    return sqlglot.parse_one(text, read="postgres")


class _Run:
    """One routine with all that it calls. Temp tables are the session's, so they are shared; variables are not."""

    def __init__(self, schema: Schema, library: Routines) -> None:
        self.findings = Findings()
        self.resolver = Resolver(schema, self.findings, self)
        self.library = library
        self.stack: list[Routine] = []
        self.result = Relation(columns=())

    def follow(self, routine: Routine, arguments: Mapping[str, Value]) -> Relation:
        """Reads a routine's statements; what it returns."""
        outer, statement = self.resolver.variables, self.resolver.statement
        self.stack.append(routine)
        own = len(self.stack) == 1
        try:
            body = statements.cut(routine.body, routine.language)
        except SqlglotError as error:
            self.findings.statements += own
            self.resolver.gap(f"no SQL: {str(error).splitlines()[0]}")
            body = statements.Body()
        self.resolver.variables = {
            name: Relation(rest=arguments.get(name, NOTHING))
            for name in (*routine.arguments, *routine.others, *routine.returned, *body.variables, "found")
            if name
        }
        self.resolver.variables |= {
            f"${place}": Relation(rest=arguments.get(name, NOTHING)) for place, name in enumerate(routine.arguments, 1)
        }
        # Arguments may be called by the routine's name: notify_once.event.
        fields = tuple((name, arguments.get(name, NOTHING)) for name in routine.arguments if name)
        self.resolver.variables |= {routine.name.rpartition(".")[2]: Relation(fields)} if fields else {}
        self.resolver.is_own = own
        returned = [self._statement(one, own=own) for one in body.statements]
        found = self._returned(routine, returned, body.statements)
        self.stack.pop()
        self.resolver.is_own = len(self.stack) < 2
        self.resolver.variables, self.resolver.statement = outer, statement
        return found

    def _returned(self, routine: Routine, relations: Sequence[Relation | None], made: Sequence[Statement]) -> Relation:
        given = [relation for relation in relations if relation is not None]
        self.result = given[-1] if given else Relation(columns=())
        if routine.language == "sql":
            last = relations[-1] if relations else None
            return (last or Relation(columns=())).renamed([*routine.others, *routine.returned])
        outs = [*routine.others, *routine.returned]
        chosen = [r for r, s in zip(relations, made, strict=True) if r is not None and s.kind.startswith("return")]
        found = Relation(columns=())
        for relation in chosen:
            found = found.merged(relation.renamed(outs))
        if (outs and not chosen) or any(s.kind == "return next" and not s.text for s in made):
            assigned = tuple((name, self.resolver.variables[name].whole()) for name in outs)
            found = found.merged(Relation(assigned))
        return found

    # --- Statements ---------------------------------------------------------------------------------------------------
    def _statement(self, statement: Statement, *, own: bool) -> Relation | None:
        if own:
            self.findings.statements += 1
            self.resolver.statement = statement.words
        if statement.kind == "execute":
            self.resolver.gap("dynamic SQL: its text is made when it runs")
        elif statement.kind == "unknown":
            self.resolver.gap("a statement that is not known")
        elif statement.kind == "fetch":
            self._assign(statement, self.resolver.variables.get(statement.text, Relation(columns=())))
        elif statement.text and statement.kind not in ("control", "utility"):
            return self._parsed(statement)
        return None

    def _parsed(self, statement: Statement) -> Relation | None:
        try:
            tree = _tree(statement.text)
        except SqlglotError as error:
            self.resolver.gap(f"not parsed: {str(error).splitlines()[0]}")
            return None
        opaque = tree.find(exp.Command)
        if statement.kind == "temp table":
            self._temp_table(tree)
            return None
        if opaque is not None:
            self.resolver.gap(f"not parsed: {opaque.name} is opaque")
            return None
        try:
            return self._acted(statement, tree)
        except RecursionError:
            self.resolver.gap("nested too deeply")
            return None

    def _acted(self, statement: Statement, tree: exp.Expr) -> Relation | None:
        if isinstance(tree, exp.Insert | exp.Update | exp.Delete | exp.Merge):
            found = write(self.resolver, tree)
        elif isinstance(tree, exp.Create):
            found = self._created(tree)
        elif isinstance(tree, exp.Query | exp.Values):
            found = self._queried(tree)
        else:
            self.resolver.gap(f"a statement of kind {type(tree).__name__}")
            return None
        if statement.into or statement.kind in ("assign", "loop"):
            self._assign(statement, found)
        return found

    def _temp_table(self, tree: exp.Expr) -> None:
        """CREATE TEMP TABLE with columns, to be filled later."""
        schema = tree.this
        if isinstance(tree, exp.Create) and isinstance(schema, exp.Schema):
            names = [name_of(one) for one in schema.expressions if isinstance(one, exp.ColumnDef)]
            self.resolver.temporary[name_of(schema.this.this)] = Relation(tuple((name, NOTHING) for name in names))
        elif isinstance(tree, exp.Create) and isinstance(schema, exp.Table):
            self.resolver.temporary[name_of(schema.this)] = Relation(rest=NOTHING)
        else:
            self.resolver.gap("the columns of a temp table")

    def _queried(self, tree: exp.Expr) -> Relation:
        into = tree.args.get("into")
        found = self.resolver.query(tree, self.resolver.outermost())
        if into is not None:
            make(self.resolver, into.this, found, [], is_temporary=bool(into.args.get("temporary")))
        return found

    def _created(self, tree: exp.Create) -> Relation:
        names = [name_of(one) for one in tree.this.expressions] if isinstance(tree.this, exp.Schema) else []
        table = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        inner = tree.expression
        found = self.resolver.query(inner, self.resolver.outermost())
        properties = tree.args.get("properties")
        is_temporary = properties is not None and properties.find(exp.TemporaryProperty) is not None
        make(self.resolver, table, found, names, is_temporary=is_temporary)
        return found

    def _assign(self, statement: Statement, given: Relation) -> None:
        """A variable holds what it was ever given; of a record its fields."""
        variables = self.resolver.variables
        values = [value for _, value in given.columns or ()]
        around = Value(frozenset(), given.influence)
        if len(statement.into) == 1:
            (name,) = statement.into
            columns = tuple((column, value | around) for column, value in given.columns or ())
            whole = union([given.whole(), around])
            variables[name] = variables.get(name, Relation(rest=NOTHING)).merged(Relation(columns, rest=whole))
            return
        for name, value in zip(statement.into, values, strict=False):
            variables[name] = variables.get(name, Relation(rest=NOTHING)).merged(Relation(rest=value | around))

    # --- Calls --------------------------------------------------------------------------------------------------------
    def returned(self, schema: str, name: str, arguments: Sequence[exp.Expr], around: Expressions) -> Relation | None:
        """Follows a call; None for a function of PostgreSQL's own or one that is being followed already."""
        routine = self.library.find(schema, name, len(arguments))
        if routine is None or routine.language not in ("sql", "plpgsql") or len(self.stack) > DEEPEST:
            return None
        if any(routine is one for one in self.stack) or not self.library.is_worth_following(routine):
            return None
        given: dict[str, Value] = {}
        for place, argument in enumerate(arguments):
            if isinstance(argument, exp.Kwarg | exp.PropertyEQ):
                given[argument.this.name.lower()] = around.value(argument.expression)
            elif place < len(routine.arguments):
                given[routine.arguments[place]] = around.value(argument)
        found = self.follow(routine, given)
        return found if found.columns or found.influence else None
