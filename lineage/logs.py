"""Log records that say what they are about: the run and the step that is worked at, the request that is answered.

with about(run=12, step=34):
    logger.warning("…")         # the record carries both, whoever logs it and however deep
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

_facts: ContextVar[dict[str, Any] | None] = ContextVar("facts", default=None)


@contextmanager
def about(**facts: object) -> Iterator[None]:
    """Records made in the `with` block, in this thread, carry `facts`, and those of the blocks around it."""
    token = _facts.set({**(_facts.get() or {}), **facts})
    try:
        yield
    finally:
        _facts.reset(token)


def begin(**facts: object) -> None:
    """Records of this thread carry `facts` from now on, and nothing else, until `end()`."""
    _facts.set(facts)


def end() -> None:
    """What `begin` began is over."""
    _facts.set(None)


def note(**facts: object) -> None:
    """Adds to the facts at hand, until their block ends; does nothing where there are none."""
    known = _facts.get()
    if known is not None:
        known.update(facts)


_FOR_PEOPLE = ("run", "step", "request")


class AddFacts(logging.Filter):
    """Puts the facts on each record, as its attribute `facts`. For handlers: they run where the record is made."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.facts = dict(_facts.get() or {})
        return True


class Lines(logging.Formatter):
    """For people: 14:05:09 WARNING medallion.execution.perform: … [run 12, step 34]."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        known = getattr(record, "facts", {})
        facts = ", ".join(f"{name} {known[name]}" for name in _FOR_PEOPLE if name in known)
        return super().formatMessage(record) + (f" [{facts}]" if facts else "")


class JsonLines(logging.Formatter):
    """For programs: one JSON object a line, with `time` (ISO 8601, UTC), `level`, `logger`, `message`, `process`, the
    facts, and `exception` (the traceback) where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": os.getpid(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


FORMATTERS = {"line": Lines, "json": JsonLines}
"""The values of ASSAY_LOG_FORMAT."""
