"""Columns of silver tables: an expression over the bronze row, a type, rules."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator, Sequence
from typing import Any

from medallion.formats import PARTS, WIDTHS
from medallion.naming import ident
from quality.rules import OneOf, Rule


class Column:
    """A column: SQL `expression` over the bronze columns (texts), cast safely to the column's type, held to `rules`.

    A value that cannot be cast is a broken rule of its row, never an error of the load. `renamed_from`: what the column
    was called in the declaration before. `pii`: whether its values are personal data; None: if what it is made of is.
    """

    #: The type in the database.
    sql_type: str = "text"

    def __init__(
        self, expression: str, *, rules: Sequence[Rule] = (), doc: str = "", renamed_from: str | None = None,
        pii: bool | None = None,
    ) -> None:  # fmt: skip
        self.expression = expression
        self.rules = tuple(rules)
        self.doc = doc
        self.renamed_from = renamed_from
        self.pii = pii

    def options(self) -> dict[str, Any]:
        """How the text is read, where that is not the type's default."""
        return {}

    def problems(self) -> Iterator[str]:
        """What is wrong with the options, for `manage.py check`."""
        yield from ()

    def contract(self, name: str) -> dict[str, Any]:
        """The column as JSON."""
        contract: dict[str, Any] = {"name": name, "type": self.sql_type, "expression": self.expression}
        if options := self.options():
            contract["cast"] = options
        if self.rules:
            contract["rules"] = [
                {
                    **rule.definition(),
                    "message": rule.text(name),
                    "condition": rule.condition(ident(name), self.sql_type == "text"),
                }
                for rule in self.rules
            ]
        if self.doc:
            contract["doc"] = self.doc
        if self.renamed_from:
            contract["renamed_from"] = self.renamed_from
        return contract


class Text(Column):
    """Text, as the expression gives it."""


class Enum(Column):
    """A text that is one of some values: `Enum("lower(status)", "active", "inactive")`. The database holds it, too.

    null: whether NULL is allowed beside them.
    """

    def __init__(
        self, expression: str, *values: str, null: bool = False, rules: Sequence[Rule] = (), doc: str = "",
        renamed_from: str | None = None, pii: bool | None = None,
    ) -> None:  # fmt: skip
        told = [OneOf(*values, null=null), *rules]
        super().__init__(expression, rules=told, doc=doc, renamed_from=renamed_from, pii=pii)
        self.values = values

    def contract(self, name: str) -> dict[str, Any]:
        contract = super().contract(name)
        contract["rules"][0]["held"] = True  # by the table, so that it cannot be waived
        return contract | {"values": list(self.values)}


class Generated:
    """A column that the database makes from the row's other columns: `Generated("split_part(email, '@', 2)")`.

    The expression may only use immutable functions, as PostgreSQL says of generated columns. `of`: its type. `pii`: as
    of a Column.
    """

    def __init__(self, expression: str, of: type[Column] | Column = Text, *, pii: bool | None = None) -> None:
        self.expression = expression
        self.pii = pii
        self.sql_type = (of if isinstance(of, Column) else of("")).sql_type

    def contract(self, name: str) -> dict[str, Any]:
        """The column as JSON."""
        return {"name": name, "type": self.sql_type, "expression": self.expression}


class SmallInt(Column):
    """A whole number from −32,768 to 32,767."""

    sql_type = "smallint"


class Integer(Column):
    """A whole number from −2,147,483,648 to 2,147,483,647."""

    sql_type = "integer"


class BigInt(Column):
    """A whole number of 64 bits."""

    sql_type = "bigint"


class Numeric(Column):
    """An exact decimal number; no NaN, no infinity.

    scale: how many places after the point it may have; precision: how many digits in all. A number that does not fit
    is refused, not rounded; zeros at the end do not count (1.50 fits scale 1).
    """

    sql_type = "numeric"

    def __init__(
        self,
        expression: str,
        *,
        scale: int | None = None,
        precision: int | None = None,
        rules: Sequence[Rule] = (),
        doc: str = "",
        renamed_from: str | None = None,
        pii: bool | None = None,
    ) -> None:
        super().__init__(expression, rules=rules, doc=doc, renamed_from=renamed_from, pii=pii)
        self.scale = 0 if scale is None and precision is not None else scale
        self.precision = precision
        if precision is not None:
            self.sql_type = f"numeric({precision},{self.scale})"

    def options(self) -> dict[str, Any]:
        return {name: v for name, v in (("scale", self.scale), ("precision", self.precision)) if v is not None}

    def problems(self) -> Iterator[str]:
        if self.precision is not None and not 0 <= (self.scale or 0) <= self.precision <= 1000:
            yield "its scale must be from 0 to its precision, and that at most 1000"


class Boolean(Column):
    """true/false, t/f, yes/no, y/n, on/off, 1/0, in any case; `true` and `false` name more spellings, asked first."""

    sql_type = "boolean"

    def __init__(
        self,
        expression: str,
        *,
        true: Sequence[str] = (),
        false: Sequence[str] = (),
        rules: Sequence[Rule] = (),
        doc: str = "",
        renamed_from: str | None = None,
        pii: bool | None = None,
    ) -> None:
        super().__init__(expression, rules=rules, doc=doc, renamed_from=renamed_from, pii=pii)
        self.spellings = {"true": list(true), "false": list(false)}

    def options(self) -> dict[str, Any]:
        return {name: spellings for name, spellings in self.spellings.items() if spellings}

    def problems(self) -> Iterator[str]:
        true, false = ({one.lower() for one in self.spellings[name]} for name in ("true", "false"))
        if both := sorted(true & false):
            yield f"it reads {both[0]!r} as true and as false"


class Uuid(Column):
    """A uuid in any spelling that PostgreSQL reads."""

    sql_type = "uuid"


class Json(Column):
    """Any JSON value, kept as jsonb."""

    sql_type = "jsonb"


class _Dated(Column):
    def __init__(
        self,
        expression: str,
        *,
        format: str | Sequence[str] = (),
        rules: Sequence[Rule] = (),
        doc: str = "",
        renamed_from: str | None = None,
        pii: bool | None = None,
    ) -> None:
        super().__init__(expression, rules=rules, doc=doc, renamed_from=renamed_from, pii=pii)
        self.formats = [format] if isinstance(format, str) else list(format)

    def options(self) -> dict[str, Any]:
        return {"formats": self.formats} if self.formats else {}

    def problems(self) -> Iterator[str]:
        for form in self.formats:
            parts = PARTS.findall(form)
            if len(parts) != len(set(parts)):
                yield f"its format {form!r} has a part twice"
            if len({"YYYY", "YY"} & {*parts}) != 1 or not {"MM", "DD"} <= {*parts}:
                yield f"its format {form!r} needs YYYY or YY, MM and DD; {_FORMATS}"
            if ("HH12" in parts) != bool({"AM", "PM"} & {*parts}):
                yield f"its format {form!r} needs HH12 together with AM; {_FORMATS}"
            if strange := re.findall("[A-Za-z]{2,}", PARTS.sub(" ", form.removeprefix("FM"))):
                yield f"its format {form!r} has an unknown part {strange[0]}; {_FORMATS}"


class Date(_Dated):
    """A date, written year-month-day, or as `format` says: `"DD.MM.YYYY"`, or several, which are tried in order.

    Parts of a format: YYYY, YY (1970 to 2069), MM, DD, HH24, HH12 with AM, MI, SS, MS, US; everything else stands for
    itself. `FM` at its begin lets numbers lack their leading zeros. A day that does not exist is no date.
    """

    sql_type = "date"


class Timestamp(_Dated):
    """A moment, written year-month-day and a time, or as `format` says (see Date).

    Without a zone of its own it is a local time of `time_zone`, else UTC. A local time that the zone skips, when
    daylight saving begins, is no timestamp; one that occurs twice, when it ends, is the later (standard time).
    """

    sql_type = "timestamptz"

    def __init__(
        self,
        expression: str,
        *,
        format: str | Sequence[str] = (),
        time_zone: str = "UTC",
        rules: Sequence[Rule] = (),
        doc: str = "",
        renamed_from: str | None = None,
        pii: bool | None = None,
    ) -> None:
        super().__init__(expression, format=format, rules=rules, doc=doc, renamed_from=renamed_from, pii=pii)
        self.time_zone = time_zone

    def options(self) -> dict[str, Any]:
        return super().options() | ({"time_zone": self.time_zone} if self.time_zone != "UTC" else {})

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        if self.time_zone not in zoneinfo.available_timezones():
            yield f"{self.time_zone!r} is no time zone; write Europe/Berlin, say"


class Array(Column):
    """A list: elements of one type with a delimiter between them. A blank element is NULL; one that is no such value
    makes the whole list none."""

    def __init__(
        self,
        expression: str,
        *,
        of: type[Column] | Column = Text,
        delimiter: str = ",",
        rules: Sequence[Rule] = (),
        doc: str = "",
        renamed_from: str | None = None,
        pii: bool | None = None,
    ) -> None:
        super().__init__(expression, rules=rules, doc=doc, renamed_from=renamed_from, pii=pii)
        self.of = of if isinstance(of, Column) else of("")
        self.delimiter = delimiter
        self.sql_type = f"{self.of.sql_type}[]"

    def options(self) -> dict[str, Any]:
        options = self.of.options()
        element = {"type": self.of.sql_type} | ({"cast": options} if options else {})
        return {"of": element, "delimiter": self.delimiter}

    def problems(self) -> Iterator[str]:
        yield from self.of.problems()
        if isinstance(self.of, Array) or not self.delimiter:
            yield "it needs a delimiter and elements that are no lists themselves"


_FORMATS = f"there are {', '.join(WIDTHS)}"
