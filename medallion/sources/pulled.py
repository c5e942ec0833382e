"""What sources share that are asked for their rows, instead of being sent files."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import ClassVar

from medallion.sources.base import Source

#: An environment variable in a URL, a header or a parameter.
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Pulled(Source):
    """A source that is pulled.

    every       timedelta(hours=1): pulled by itself, so long after the last pull; None: by `ingest`
    timeout     seconds without an answer, after which it is asked again
    attempts    how often it is asked, before the pull is given up
    backoff     seconds before it is asked again; each time twice as long, and some at random
    """

    every: ClassVar[timedelta | None] = None
    timeout: ClassVar[float] = 30.0
    attempts: ClassVar[int] = 6
    backoff: ClassVar[float] = 1.0
    _limits: ClassVar[tuple[str, ...]] = ("timeout", "attempts", "backoff")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.every is not None and not (isinstance(cls.every, timedelta) and cls.every >= timedelta(minutes=1)):
            raise cls._invalid(f"every = {cls.every!r} must be a timedelta of a minute or more.")
        for name in cls._limits:
            cls._check_limit(name, getattr(cls, name))

    @classmethod
    def _check_limit(cls, name: str, value: object) -> None:
        if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
            raise cls._invalid(f"{name} = {value!r} must be a number above 0.")
