"""What all declared tables share: a layer, a name, a target, a contract."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from medallion.naming import snake_case

#: The tables that were declared, by target.
_declared: dict[str, type[Table]] = {}


def declared() -> dict[str, type[Table]]:
    """The declared tables, by target; of several with one name the last."""
    return _declared


class Table:
    """A declared table. The class is the contract: names, types, keys, rules. SQL is the transformation."""

    layer: ClassVar[str]
    kind: ClassVar[str]
    #: The table's name; the class name in snake case where it is not given.
    name: ClassVar[str]
    #: Schema and name, as in `silver.customers`.
    target: ClassVar[str]
    #: Whose table it is, where permissions hold for some domains alone; empty: that of the app that declares it.
    domain: ClassVar[str] = ""
    #: A base class that others derive from, not a table.
    abstract: ClassVar[bool] = True
    owner: ClassVar[str] = ""
    """Who answers for the table: a person, a team, an address."""
    tags: ClassVar[str | tuple[str, ...]] = ()
    """Words to find it by: "finance daily"."""
    pii: ClassVar[str | tuple[str, ...] | Mapping[str, bool]] = ()
    """The columns that hold personal data: "email name". What is made of such holds it too, unless it is said not to:
    {"email": True, "customers": False}."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.abstract = cls.__dict__.get("abstract", False)
        if not cls.abstract:
            cls.name = cls.__dict__.get("name") or snake_case(cls.__name__)
            cls.target = f"{cls.layer}.{cls.name}"
            _declared[cls.target] = cls

    @classmethod
    def contract(cls) -> dict[str, Any]:
        """The declaration as JSON: what migrations compare and what `targets.contract` holds.

        What has its default value is left out, so that an upgrade that adds an option changes no contract.
        """
        raise NotImplementedError

    @classmethod
    def identity(cls) -> list[str]:
        """The columns that name one row, never NULL, and the same as long as the row is there."""
        raise NotImplementedError

    @classmethod
    def inputs(cls) -> list[str]:
        """Targets whose batches this table takes."""
        raise NotImplementedError

    @classmethod
    def description(cls) -> str:
        """The class's docstring."""
        return inspect.cleandoc(cls.__dict__.get("__doc__") or "")

    @classmethod
    def about(cls) -> dict[str, Any]:
        """Owner, tags and marks of personal data, as far as they are given: they change no row."""
        return said_about(cls.owner, cls.tags, cls.personal())

    @classmethod
    def personal(cls) -> dict[str, bool]:
        """Which columns hold personal data, or none, as far as the declaration says it."""
        return dict(cls.pii) if isinstance(cls.pii, Mapping) else dict.fromkeys(_words(cls.pii), True)

    @classmethod
    def routine_files(cls) -> Sequence[str]:
        """Files with one hand-written routine each, named after it, that come and go with the table."""
        return ()

    @classmethod
    def file(cls, name: str) -> Path:
        """A .sql file beside the declaration or in its folder `sql/`."""
        folder = declaring_file(cls).parent
        beside = folder / name
        return beside if beside.exists() else folder / "sql" / name

    @classmethod
    def handwritten(cls) -> dict[str, str]:
        """Name → SQL of the hand-written routines."""
        return {Path(name).stem: cls.file(name).read_text(encoding="utf-8") for name in cls.routine_files()}

    @classmethod
    def where(cls) -> str:
        """File and class, for messages: `examples/retail/warehouse.py: class InvoiceLines`."""
        return f"{source_file(cls)}: class {cls.__qualname__}"


def declaring_file(cls: type) -> Path:
    """The file that declares a class."""
    return Path(getattr(sys.modules.get(cls.__module__), "__file__", None) or cls.__module__)


def source_file(cls: type) -> Path:
    """The file that declares a class as messages name it: from the working directory where it lies below that."""
    path = declaring_file(cls)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def said_about(owner: str, tags: str | tuple[str, ...], personal: dict[str, bool]) -> dict[str, Any]:
    """What a contract says of a table for people; what is not given is left out."""
    said = {"owner": owner, "tags": _words(tags), "pii": personal}
    return {name: value for name, value in said.items() if value}


def _words(given: str | tuple[str, ...]) -> list[str]:
    return given.split() if isinstance(given, str) else list(given)
