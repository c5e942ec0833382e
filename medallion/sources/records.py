"""Sources of JSON: records, and paths into them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from medallion.sources.base import Source


@dataclass(frozen=True)
class Debezium:
    """Records are change events of Debezium's, with their schema or without. at: the path to the event in a record; "":
    the record is the event."""

    at: str = ""


@dataclass(frozen=True)
class Decimal:
    """A column of change events that come without a schema: a decimal in base64, with so many places."""

    path: str
    scale: int
    type: ClassVar[str] = "org.apache.kafka.connect.data.Decimal"


@dataclass(frozen=True)
class EpochDate:
    """A column of change events that come without a schema: a date as days since 1970."""

    path: str
    type: ClassVar[str] = "io.debezium.time.Date"


@dataclass(frozen=True)
class EpochTime:
    """A column of change events that come without a schema: a time as milliseconds ("ms"), microseconds ("us") or
    nanoseconds ("ns") since 1970, in UTC."""

    path: str
    unit: str = "ms"

    @property
    def type(self) -> str:
        """The name that a schema would give it."""
        kinds = {"ms": "Timestamp", "us": "MicroTimestamp", "ns": "NanoTimestamp"}
        if self.unit not in kinds:
            raise ValueError(f'EpochTime({self.path!r}, {self.unit!r}): the unit is "ms", "us" or "ns".')
        return f"io.debezium.time.{kinds[self.unit]}"


Encoded = Decimal | EpochDate | EpochTime


class JsonRecords(Source):
    """Where records come as JSON, whatever brings them. A table's columns are paths into a record ("address.city"),
    and the record itself is kept in `_raw_payload`.

    records   the path to the list of records in what arrives ("data.items"); "": that is the list, or one record
    envelope  Debezium(): the records are change events
    """

    records: ClassVar[str] = ""
    envelope: ClassVar[Debezium | None] = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.envelope is not None and not (isinstance(cls.envelope, Debezium) and is_json_path(cls.envelope.at)):
            raise cls._invalid('envelope must be Debezium(), or Debezium(at="a path of keys").')


#: Keys with dots between; one that has a dot or a quote in itself stands in double quotes, as in JSON.
_STEP = re.compile(r'"((?:[^"\\]|\\.)+)"|([^".\s][^".]*)')


def json_path(path: str) -> list[str]:
    """The keys of a path: `address.city`, `"a.b".c`. No keys: the value itself, written "" or "."."""
    if path in ("", "."):
        return []
    keys, place = [], 0
    while True:
        step = _STEP.match(path, place)
        if step is None:
            raise ValueError(f"{path!r} is no path of keys: no key begins at character {place + 1}.")
        keys.append(re.sub(r"\\(.)", r"\1", step[1]) if step[1] else step[2])
        place = step.end()
        if place == len(path):
            return keys
        if path[place] != ".":
            raise ValueError(f"{path!r} is no path of keys: a dot is missing at character {place + 1}.")
        place += 1


def is_json_path(path: str) -> bool:
    """Whether a text is a path of keys."""
    try:
        json_path(path)
    except ValueError:
        return False
    return True
