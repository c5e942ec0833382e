"""What names mean at a place of a query: relations by alias, variables of the routine, and the query around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lineage.parsing.values import NOTHING, ROWS, Relation, Source, Value, union


class Unknown(ValueError):
    """A name that cannot be followed; the message says why."""


@dataclass(slots=True)
class Schema:
    """The stored tables: name with schema → columns in order. `aliases`: relations that are another's rows (what stands
    behind a view); `path`: the schemas in which a table without one is looked for."""

    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ("public",)

    def named(self, schema: str, name: str) -> str:
        """The full name of a table as it is written in SQL."""
        if not schema:
            schema = next((one for one in self.path if f"{one}.{name}" in self.tables), "")
        full = f"{schema}.{name}" if schema else name
        return self.aliases.get(full, full)

    def relation(self, full: str) -> Relation:
        """A stored table as something to select from."""
        names = self.tables.get(full)
        columns = None if names is None else tuple((n, Value(frozenset({Source(full, n)}))) for n in names)
        return Relation(columns, table=full, rows=frozenset({Source(full, ROWS)}))


@dataclass(slots=True)
class Scope:
    """The relations of one SELECT, by alias, and the scopes around it."""

    parent: Scope | None = None
    relations: dict[str, Relation] = field(default_factory=dict)
    #: Columns that USING or NATURAL has merged.
    merged: dict[str, Value] = field(default_factory=dict)
    #: A routine's variables and arguments: a value, or a record's fields.
    variables: Mapping[str, Relation] = field(default_factory=dict)

    def add(self, alias: str, relation: Relation) -> None:
        self.relations[alias] = relation

    def column(self, name: str, table: str = "") -> Value:
        """The value of a column; Unknown where nothing has it, or where several could."""
        if table:
            return self._qualified(name, table)
        found = self._unqualified(name)
        if found is not None:
            return found
        if name in self.relations:  # a whole row: to_jsonb(t)
            return self.relations[name].whole()
        if self.parent is not None:
            return self.parent.column(name)
        if (variable := self._variable(name)) is not None:
            return variable.whole()
        raise Unknown(f"no table here has a column {name}")

    def relation(self, alias: str) -> Relation | None:
        """What an alias stands for, here or around."""
        if alias in self.relations:
            return self.relations[alias]
        return self.parent.relation(alias) if self.parent is not None else None

    def _qualified(self, name: str, table: str) -> Value:
        relation = self.relation(table)
        if relation is not None:
            value = relation.get(name)
            if value is None:
                raise Unknown(f"{table} has no column {name} that is known")
            return value
        variable = self._variable(table)
        if variable is None:
            raise Unknown(f"nothing here is called {table}")
        return variable.get(name) or (NOTHING if variable.columns is None else variable.whole())

    def _unqualified(self, name: str) -> Value | None:
        if name in self.merged:
            return self.merged[name]
        sure = [r for r in self.relations.values() if any(column == name for column, _ in r.columns or ())]
        if sure:
            value = sure[0].get(name)
            return value if value is not None else NOTHING
        # A variable before what an unknown table might have.
        if self._variable(name) is not None:
            return None
        perhaps = [relation for relation in self.relations.values() if relation.get(name) is not None]
        if len(perhaps) > 1:
            raise Unknown(f"the column {name} can be of several tables whose columns are not known")
        return perhaps[0].get(name) if perhaps else None

    def _variable(self, name: str) -> Relation | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.variables:
                return scope.variables[name]
            scope = scope.parent
        return None

    def star(self, table: str = "") -> list[tuple[str, Value]]:
        """The columns of `*` or `t.*`; Unknown where one of the relations' columns are not known."""
        if table:
            relation = self.relation(table) or self._variable(table)
            chosen = [(table, relation)] if relation is not None else []
            if not chosen:
                raise Unknown(f"nothing here is called {table}")
        else:
            chosen = [(alias, relation) for alias, relation in self.relations.items()]
        found = [] if table else list(self.merged.items())
        for alias, relation in chosen:
            if relation is not None and relation.rest is not None:
                found += relation.columns or ()
                continue
            if relation is None or relation.columns is None:
                raise Unknown(f"the columns of {getattr(relation, 'table', None) or alias} are not known")
            found += [(n, v) for n, v in relation.columns if table or n not in self.merged]
        return found

    def rows(self) -> Value:
        """What `count(*)` counts: the rows of all relations of this SELECT."""
        return union(Value(relation.rows) for relation in self.relations.values())
