"""What the parser knows of a value, of a relation, and of what a piece of SQL writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

#: Stands for the rows themselves: as a source what `count(*)` counts, as a target which rows there are.
ROWS = "*"


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """A column of a table, as `silver.customers` and `email`."""

    table: str
    column: str


@dataclass(frozen=True, slots=True, order=True)
class Influence:
    """A column that decides on a value or on a row without being part of it."""

    source: Source
    role: str  # join, filter, group by, distinct, sort, having, window, condition


@dataclass(frozen=True, slots=True)
class Value:
    """What one value is made of: `direct` columns are in it, `indirect` ones decide on it."""

    direct: frozenset[Source] = frozenset()
    indirect: frozenset[Influence] = frozenset()
    expression: str = ""

    def __or__(self, other: Value) -> Value:
        return Value(self.direct | other.direct, self.indirect | other.indirect, self.expression or other.expression)

    def decides(self, role: str) -> frozenset[Influence]:
        """The same columns where they only decide on something."""
        return frozenset(Influence(source, role) for source in self.direct) | self.indirect

    def as_condition(self, role: str) -> Value:
        return Value(frozenset(), self.decides(role))


NOTHING = Value()


def union(values: Iterable[Value]) -> Value:
    """All of some values in one."""
    found = NOTHING
    for value in values:
        found = found | value
    return found


@dataclass(frozen=True, slots=True)
class Relation:
    """Something one can select from. `columns`: in order, None where they are not known; `table`: a stored table, whose
    unknown columns are taken as they are called; `rest`: the value of columns that nobody named (table functions);
    `influence`: what decides on its rows; `rows`: whose rows its rows are."""

    columns: tuple[tuple[str, Value], ...] | None = None
    table: str | None = None
    rest: Value | None = None
    influence: frozenset[Influence] = frozenset()
    rows: frozenset[Source] = frozenset()

    def get(self, name: str) -> Value | None:
        """The value of a column; None where the relation has none of this name."""
        for column, value in self.columns or ():
            if column == name:
                return value
        if self.rest is not None:
            return self.rest
        if self.table is not None and (self.columns is None or name in SYSTEM_COLUMNS):
            return Value(frozenset({Source(self.table, name)}))
        return None

    def renamed(self, names: list[str]) -> Relation:
        """With the column aliases of `AS x (a, b)`."""
        if not names:
            return self
        if self.columns is None:
            value = self.rest or NOTHING
            return replace(self, columns=tuple((name, value) for name in names))
        kept = self.columns[len(names) :]
        return replace(
            self,
            columns=(*zip(names, (value for _, value in self.columns), strict=False), *kept),
        )

    def whole(self) -> Value:
        """A row as one value: all its columns."""
        if self.columns is None and self.table is not None:
            return Value(frozenset({Source(self.table, ROWS)}))
        return union([*(value for _, value in self.columns or ()), self.rest or NOTHING])

    def merged(self, other: Relation) -> Relation:
        """A relation into which the rows of another are written, too."""
        mine, theirs = dict(self.columns or ()), dict(other.columns or ())
        names = list(dict.fromkeys([*mine, *theirs]))
        columns = tuple((name, mine.get(name, NOTHING) | theirs.get(name, NOTHING)) for name in names)
        rest = None if self.rest is None and other.rest is None else (self.rest or NOTHING) | (other.rest or NOTHING)
        return Relation(columns, self.table, rest, self.influence | other.influence, self.rows | other.rows)


SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """`source` is in `column` of `table` (DIRECT), or decides on it (INDIRECT; column `*`: on which rows there are)."""

    source: Source
    table: str
    column: str
    kind: str
    role: str
    expression: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """A statement, or a part of one, that was not understood."""

    statement: str
    reason: str


@dataclass(slots=True)
class Findings:
    """What was read: edges, the statements and how many of them were understood, gaps, what is read and called."""

    edges: dict[Edge, None] = field(default_factory=dict)
    statements: int = 0
    gaps: list[Gap] = field(default_factory=list)
    reads: set[str] = field(default_factory=set)
    touched: set[Source] = field(default_factory=set)  # every column that was come across, even if it led nowhere
    writes: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)

    @property
    def understood(self) -> int:
        """How many statements were understood wholly."""
        return self.statements - len({gap.statement for gap in self.gaps})

    def draw(self, table: str, columns: Iterable[tuple[str, Value]], influence: Iterable[Influence]) -> None:
        """Adds the edges of a write."""
        self.writes.add(table)
        for edge in _edges(table, columns, influence):
            self.edges.setdefault(edge)


def _edges(table: str, columns: Iterable[tuple[str, Value]], influence: Iterable[Influence]) -> Iterator[Edge]:
    for column, value in columns:
        for source in sorted(value.direct):
            yield Edge(source, table, column, "DIRECT", "value", value.expression)
        for one in sorted(value.indirect):
            yield Edge(one.source, table, column, "INDIRECT", one.role, value.expression)
    for one in sorted(influence):
        yield Edge(one.source, table, ROWS, "INDIRECT", one.role)
