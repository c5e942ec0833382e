"""Which rows of its inputs a query needs for some of its keys alone.

Of an input whose column is a column of the grain, only the rows of these keys are needed; so too of a subquery that is
joined to it by an equation. What else the narrowed query gives is of other keys, and is left out afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from medallion.affected.expressions import alias_of, name_of
from medallion.affected.shape import Body, Derived, Leaf, Select, Union, leaves, output_names

#: A column of a relation in a SELECT.
Place = tuple[str, str]
#: Key column → column (or expression) of a table.
Pins = dict[str, str]


def pinned(body: Body, grain: list[str]) -> dict[Leaf, Pins]:
    """The tables of a query that can be narrowed to some keys: by which of their columns."""
    found: dict[Leaf, Pins] = {}
    _body(body, {name: name for name in grain}, found, top=True)
    places = [id(leaf.node) for leaf in leaves(body)]
    # A common table expression that is used twice has one text for both.
    return {leaf: pins for leaf, pins in found.items() if pins and places.count(id(leaf.node)) == 1}


def covers(body: Body, pins: Mapping[Leaf, Pins]) -> bool:
    """Whether each SELECT whose rows the query gives has a table that is narrowed."""
    if isinstance(body, Union):
        return covers(body.left, pins) and covers(body.right, pins)
    return any(
        j.relation in pins
        if isinstance(j.relation, Leaf)
        else isinstance(j.relation, Derived) and covers(j.relation.body, pins)
        for j in body.joined
    )


def _body(body: Body, wanted: Mapping[str, str], found: dict[Leaf, Pins], top: bool = False) -> None:
    """wanted: key column → output."""
    if isinstance(body, Union):
        sides = dict(zip(output_names(body.left), output_names(body.right), strict=True))
        _body(body.left, wanted, found, top)
        _body(body.right, {key: sides[output] for key, output in wanted.items()}, found, top)
        return
    known = set(body.known_outputs())
    inner: dict[str, dict[str, str]] = {}
    for key, output in wanted.items():
        if output not in known:
            continue
        expression = body.outputs[output]
        direct = list(_direct(body, expression, top))
        for alias, column in direct:
            relation = body.relation(alias)
            if isinstance(relation, Leaf):
                found.setdefault(relation, {}).setdefault(key, _quoted(alias, column))
        for alias, column in _equal(body, direct):
            if isinstance(body.relation(alias), Derived):
                inner.setdefault(alias, {}).setdefault(key, column)
        if not direct:
            _by_expression(body, key, expression, found)
    for alias, outputs in inner.items():
        relation = body.relation(alias)
        if isinstance(relation, Derived):
            _body(relation.body, outputs, found)


def _direct(select: Select, expression: exp.Expr, top: bool) -> Iterator[Place]:
    """The columns that a key column is. Inside of a subquery none that an outer join may lack."""
    if isinstance(expression, exp.Column):
        if top or not _may_lack(select, alias_of(expression)):
            yield alias_of(expression), name_of(expression)
    elif isinstance(expression, exp.Coalesce) and len(select.joined) == 2 and select.joined[1].side == "FULL":
        values = [expression.this, *expression.expressions]
        if len(values) == 2 and any(
            isinstance(on, exp.EQ) and {on.left, on.right} == set(values) for on in select.joined[1].on
        ):
            yield from ((alias_of(value), name_of(value)) for value in values if isinstance(value, exp.Column))


def _may_lack(select: Select, alias: str) -> bool:
    place = next(number for number, j in enumerate(select.joined) if j.alias == alias)
    return select.joined[place].side in ("LEFT", "FULL") or any(
        j.side in ("RIGHT", "FULL") for j in select.joined[place + 1 :]
    )


def _by_expression(select: Select, key: str, expression: exp.Expr, found: dict[Leaf, Pins]) -> None:
    """A key that is computed of one table alone."""
    aliases = {alias_of(column) for column in expression.find_all(exp.Column)}
    if len(aliases) != 1:
        return
    (alias,) = aliases
    relation = select.relation(alias)
    if isinstance(relation, Leaf) and not _may_lack(select, alias):
        found.setdefault(relation, {}).setdefault(key, expression.sql(dialect="postgres"))


def _equal(select: Select, places: list[Place]) -> set[Place]:
    """The columns that have the value of some columns in each row that has one of them."""
    reached, edges = set(places), list(_edges(select))
    while more := {to for start, to in edges if start in reached} - reached:
        reached |= more
    return reached


def _edges(select: Select) -> Iterator[tuple[Place, Place]]:
    """Equations, from the column whose value is given to the one that can be narrowed to it."""
    for condition in select.where:
        if equation := _equation(condition):
            yield equation
            yield equation[1], equation[0]
    for joined in select.joined[1:]:
        for condition in joined.on:
            equation = _equation(condition)
            if equation is None or joined.side == "FULL":
                continue
            for start, to in (equation, (equation[1], equation[0])):
                if joined.side == "" or (joined.side == "LEFT") == (to[0] == joined.alias):
                    yield start, to


def _equation(condition: exp.Expr) -> tuple[Place, Place] | None:
    if not isinstance(condition, exp.EQ):
        return None
    one, other = condition.left, condition.right
    if not (isinstance(one, exp.Column) and isinstance(other, exp.Column)):
        return None
    left, right = (alias_of(one), name_of(one)), (alias_of(other), name_of(other))
    return (left, right) if left[0] != right[0] else None


def _quoted(alias: str, column: str) -> str:
    return exp.column(exp.to_identifier(column, quoted=True), exp.to_identifier(alias, quoted=True)).sql("postgres")
