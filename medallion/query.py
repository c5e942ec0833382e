"""A gold table's SELECT, read by sqlglot.

sqlglot is imported when a query is read: declarations are imported by every command, and few of them read queries.
"""

from __future__ import annotations

import functools
from collections.abc import Container, Iterator, Mapping
from typing import TYPE_CHECKING

from medallion.naming import ident

if TYPE_CHECKING:
    from sqlglot import exp

LAYERS = ("bronze", "silver", "gold")


class QueryError(ValueError):
    """The query is not one SELECT that a load can use."""


class Query:
    """One SELECT: its tables and the names of its columns."""

    def __init__(self, text: str) -> None:
        self.text = text

    @functools.cached_property
    def tree(self) -> exp.Query:
        """The parsed query; QueryError where it is not one SELECT."""
        import sqlglot
        from sqlglot import exp
        from sqlglot.errors import ParseError

        try:
            statements = [statement for statement in sqlglot.parse(self.text, read="postgres") if statement]
        except ParseError as error:
            raise QueryError(f"The query is not SQL that can be read: {error}") from error
        if len(statements) != 1 or not isinstance(statements[0], exp.Query):
            raise QueryError("The query must be one SELECT.")
        return statements[0]

    def output_names(self) -> list[str]:
        """The names of the columns that the query gives; QueryError where one has none."""
        names = self.tree.named_selects
        if "*" in names or self.tree.is_star:
            raise QueryError("The query must name its columns: SELECT * changes when a source does.")
        if not all(names):
            raise QueryError("Each column of the query needs a name: add AS name.")
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise QueryError(f"The query gives two columns the name {', '.join(doubled)}.")
        return list(names)

    def tables(self) -> list[str]:
        """The tables of the warehouse that the query reads, as `silver.customers`, each once; QueryError for others."""
        from sqlglot import exp

        ctes = {cte.alias_or_name for cte in self.tree.find_all(exp.CTE)}
        tables: list[str] = []
        for table in self.tree.find_all(exp.Table):
            if not table.db and table.name in ctes:
                continue
            if table.db not in LAYERS:
                raise QueryError(f"The table {table.sql()} needs its layer: write silver.{table.name}, say.")
            if (name := f"{table.db}.{table.name}") not in tables:
                tables.append(name)
        return tables

    def looked_up(self, surrogates: Mapping[str, str]) -> list[str]:
        """Those of some dimensions (name → surrogate key) that the query reads otherwise than by the surrogate key."""
        return sorted({f"{table.db}.{table.name}" for table in self.lookups(surrogates)})

    def among_standing(self, surrogates: Mapping[str, str]) -> str:
        """The query with the standing members of the dimensions that it looks up: no unknown one, no retired ones.

        A dimension that is joined by its surrogate key is read whole, or a fact's rows would get lost.
        """
        standing = {id(table): self.standing(table, surrogates) for table in self.lookups(surrogates)}
        return self.with_tables(standing)

    def standing(self, table: exp.Table, surrogates: Mapping[str, str]) -> str:
        """The condition of a dimension's standing members."""
        return f"_retired_at IS NULL AND {ident(surrogates[f'{table.db}.{table.name}'])} > 0"

    def with_tables(self, conditions: Mapping[int, str]) -> str:
        """The query with only those rows of some tables (by id() of their nodes) for which a condition holds."""
        from sqlglot import exp

        text = self.text
        tables = [table for table in self.tree.find_all(exp.Table) if id(table) in conditions]
        for table in sorted(tables, key=lambda table: -_begin(table)):
            name = ident(table.db, table.name)
            alias = table.args.get("alias")
            called = ident(_name(alias.this) if alias else table.name)
            rows = f"(SELECT * FROM {name} AS {called} WHERE {conditions[id(table)]})"  # noqa: S608 - quoted
            text = (
                text[: _begin(table)] + rows + ("" if alias else f" AS {called}") + text[table.this.meta["end"] + 1 :]
            )
        return text

    def lookups(self, surrogates: Mapping[str, str]) -> Iterator[exp.Table]:
        """The places at which the query reads a dimension otherwise than by its surrogate key."""
        from lineage.standing import looked_up

        yield from looked_up(self.tree, surrogates)

    def qualified_columns(self, names: Container[str]) -> list[str]:
        """Columns written with layer and table (`gold.dim_customer.name`) of some tables."""
        from sqlglot import exp

        columns = (column for column in self.tree.find_all(exp.Column) if column.db)
        return [column.sql() for column in columns if f"{column.db}.{column.table}" in names]

    def column_sources(self) -> list[tuple[str, str, str, str]]:
        """(output column, table, source column, expression) for each value that a column is made of.

        A column that sqlglot cannot follow has no entry here.
        """
        from sqlglot import exp
        from sqlglot.errors import SqlglotError
        from sqlglot.lineage import lineage

        found: list[tuple[str, str, str, str]] = []
        for projection in self.tree.selects:
            name, expression = projection.alias_or_name, projection.unalias().sql(dialect="postgres")
            try:
                root = lineage(name, self.text, schema={}, dialect="postgres")
            except SqlglotError:
                continue
            leaves = {
                (f"{node.source.db}.{node.source.name}", node.name.split(".")[-1].strip('"'))
                for node in root.walk()
                if isinstance(node.source, exp.Table) and node.source.db in LAYERS and not node.downstream
            }
            # sqlglot walks in another order each time; the same query must give the same text.
            found += [(name, table, column, expression) for table, column in sorted(leaves)]
        return found


def _name(identifier: exp.Identifier) -> str:
    """A name as the database knows it."""
    return identifier.name if identifier.args.get("quoted") else identifier.name.lower()


def _begin(table: exp.Table) -> int:
    """Where a table's name begins in the query."""
    return int(table.args["db"].meta["start"])
