"""What all sources share: a name, and words for what is wrong with their declaration."""

from __future__ import annotations

import re
import sys
from typing import ClassVar

from django.core.exceptions import ImproperlyConfigured


class InvalidSourceError(ImproperlyConfigured):
    """An attribute of a source that cannot be; the message names file and class."""


class Source:
    """Where rows come from. `name` is the class's name in snake case unless it is given."""

    name: ClassVar[str]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "name" not in cls.__dict__:
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()
        if not isinstance(cls.name, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", cls.name):
            raise cls._invalid(f"name = {cls.name!r} must be lower-case letters, digits and _, 63 at most.")

    @classmethod
    def description(cls) -> str:
        """The docstring of the declaration itself, or nothing."""
        return (cls.__dict__.get("__doc__") or "").strip()

    @classmethod
    def _invalid(cls, message: str) -> InvalidSourceError:
        file = getattr(sys.modules.get(cls.__module__), "__file__", None) or cls.__module__
        return InvalidSourceError(f"{file}, class {cls.__name__}: {message}")
