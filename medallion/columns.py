"""Columns of silver tables: an expression over the bronze row, a type, rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from medallion.naming import ident
from quality.rules import Rule


class Column:
    """A column: SQL `expression` over the bronze columns (texts), cast safely to the column's type, held to `rules`.

    A value that cannot be cast is a broken rule of its row, never an error of the load.
    """

    sql_type: ClassVar[str] = "text"
    #: The routine that casts; None for text. It returns NULL where the text is no such value.
    cast: ClassVar[str | None] = None

    def __init__(self, expression: str, *, rules: Sequence[Rule] = (), doc: str = "") -> None:
        self.expression = expression
        self.rules = tuple(rules)
        self.doc = doc

    def contract(self, name: str) -> dict[str, Any]:
        """The column as JSON."""
        contract: dict[str, Any] = {"name": name, "type": self.sql_type, "expression": self.expression}
        if self.rules:
            contract["rules"] = [
                {
                    **rule.definition(),
                    "message": rule.text(name),
                    "condition": rule.condition(ident(name), self.cast is None),
                }
                for rule in self.rules
            ]
        if self.doc:
            contract["doc"] = self.doc
        return contract


class Text(Column):
    """Text, as the expression gives it."""


class SmallInt(Column):
    """A whole number from −32,768 to 32,767."""

    sql_type, cast = "smallint", "dwh_etl.to_smallint"


class Integer(Column):
    """A whole number from −2,147,483,648 to 2,147,483,647."""

    sql_type, cast = "integer", "dwh_etl.to_integer"


class BigInt(Column):
    """A whole number of 64 bits."""

    sql_type, cast = "bigint", "dwh_etl.to_bigint"


class Numeric(Column):
    """An exact decimal number; no NaN, no infinity."""

    sql_type, cast = "numeric", "dwh_etl.to_numeric"


class Boolean(Column):
    """true/false, t/f, yes/no, y/n, on/off, 1/0."""

    sql_type, cast = "boolean", "dwh_etl.to_boolean"


class Uuid(Column):
    """A uuid in any spelling that PostgreSQL reads."""

    sql_type, cast = "uuid", "dwh_etl.to_uuid"


class Date(Column):
    """A date, written year-month-day."""

    sql_type, cast = "date", "dwh_etl.to_date"


class Timestamp(Column):
    """A moment, written year-month-day and a time; without a zone it is UTC."""

    sql_type, cast = "timestamptz", "dwh_etl.to_timestamptz"


CASTS = {kind.sql_type: kind.cast for kind in (SmallInt, Integer, BigInt, Numeric, Boolean, Uuid, Date, Timestamp)}
