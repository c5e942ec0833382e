"""How the laboratory's tables judge a bronze row, in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.warehouses.model_casts import (
    Cast,
    day,
    in_new_york,
    moment,
    noted,
    number,
    scaled,
    spelled,
    truth,
    uuid,
    whole,
    written,
)

Row = Mapping[str, str | None]
Judge = Callable[["BronzeRow"], "Judged"]


@dataclass(frozen=True)
class BronzeRow:
    """A bronze row with what its batch knows of it."""

    bronze_id: int
    batch_no: int
    file: str | None
    checksum: str | None
    ingested_at: datetime
    values: Row


@dataclass
class Judged:
    """A bronze row as a silver table sees it."""

    row: BronzeRow
    wanted: bool = True
    deleted: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    warned: set[str] = field(default_factory=set)
    rejected: bool = False

    @property
    def is_event(self) -> bool:
        return self.wanted and not self.broken and not self.rejected


def _cast(judged: Judged, name: str, text: str | None, cast: Cast) -> Any:
    given = text.strip(" ") if text else None
    value = cast(given) if given else None
    if given and value is None:
        judged.broken.add(f"{name}:castable")
    judged.values[name] = value
    return value


def _asked(judged: Judged, name: str, kind: str, holds: bool) -> None:
    if not holds and f"{name}:castable" not in judged.broken:
        judged.broken.add(f"{name}:{kind}")


def readings(row: BronzeRow) -> Judged:
    """A row of raw_readings as `silver.readings` sees it."""
    given, judged = row.values, Judged(row, wanted=row.values.get("state") != "skip")
    sensor = judged.values["sensor"] = _trimmed(given.get("sensor"))
    _asked(judged, "sensor", "required", bool(sensor))
    _asked(judged, "sensor", "max_length", sensor is not None and len(sensor) <= 4)
    order = _cast(judged, "order", given.get("order"), whole(32))
    _asked(judged, "order", "between", order is not None and 1 <= order <= 100)
    _cast(judged, "small", given.get("small"), whole(16))
    big = _cast(judged, "big", given.get("big"), whole(64))
    amount = _cast(judged, "amount", given.get("amount"), number)
    _asked(judged, "amount", "at_least", amount is None or amount >= 0)
    _asked(judged, "amount", "condition", amount is not None and big is not None and amount < big)
    _cast(judged, "flag", given.get("flag"), truth)
    _cast(judged, "tag", given.get("tag"), uuid)
    _cast(judged, "day", given.get("day"), day)
    at = _cast(judged, "at", given.get("at"), moment)
    _asked(judged, "at", "required", at is not None)
    note = judged.values["note"] = given.get("note")
    _asked(judged, "note", "does_not_match", note is None or not note.startswith("!"))
    _asked(judged, "note", "min_length", note is None or len(note) >= 2)
    state = given.get("state")
    state = judged.values["state"] = state.lower() if state is not None else None
    _asked(judged, "state", "one_of", state in ("on", "off"))
    _cast(judged, "price", given.get("price"), scaled(6, 2))
    _cast(judged, "due", given.get("due"), written)
    _cast(judged, "noted", given.get("noted"), noted)
    _cast(judged, "local", given.get("local"), in_new_york)
    _cast(judged, "paid", given.get("paid"), spelled)
    return judged


def _trimmed(text: str | None) -> str | None:
    return text.strip(" ") if text is not None else None


def members(row: BronzeRow) -> Judged:
    """A row of raw_members as `silver.members` sees it."""
    given, judged = row.values, Judged(row, deleted=row.values.get("op") == "D")
    judged.values["region"] = given.get("region")
    _asked(judged, "region", "required", given.get("region") is not None)
    _asked(judged, "id", "required", _cast(judged, "id", given.get("id"), number) is not None)
    judged.values["name"] = given.get("name")
    score = _cast(judged, "score", given.get("score"), whole(32))
    _asked(judged, "score", "at_least", score is None or score >= 0)
    judged.values["state"] = given.get("state")
    _asked(judged, "state", "one_of", given.get("state") in (None, "a", "b"))
    _asked(judged, "updated", "required", _cast(judged, "updated", given.get("updated"), moment) is not None)
    if judged.deleted:  # a good key and a good time are enough to delete
        judged.broken = {rule for rule in judged.broken if rule.split(":")[0] in ("region", "id", "updated")}
    return judged


def watched(row: BronzeRow) -> Judged:
    """A row of raw_members as `silver.watched` sees it."""
    judged = members(row)
    if not judged.deleted:
        name, score = judged.values["name"], judged.values["score"]
        _asked(judged, "name", "required", bool(name and name.strip(" ")))
        concerned = judged.values["state"] == "a"
        _asked(judged, "score", "at_most", score is None or not concerned or score <= 4)
    return judged


def visitors(row: BronzeRow) -> Judged:
    """A row of raw_members as `silver.visitors` sees it; whether its host is there, it cannot say."""
    judged = members(row)
    for name in ("score", "state"):
        del judged.values[name]
    judged.broken -= {"score:castable", "score:at_least", "state:one_of"}
    judged.values["host"] = HOSTS.get(row.values.get("score") or "")
    return judged


def visits(row: BronzeRow) -> Judged:
    """A row of raw_members as `silver.visits` sees it."""
    host = HOSTS.get(row.values.get("score") or "")
    return Judged(row, values={"name": row.values.get("name"), "host": host})


HOSTS = {"5": Decimal(1), "05": Decimal(2), "-1": Decimal(3)}


def at_home(judge: Judge, present: frozenset[Any]) -> Judge:
    """A judge who knows which hosts are there."""

    def judged(row: BronzeRow) -> Judged:
        found = judge(row)
        if not found.deleted and found.values["host"] is not None and found.values["host"] not in present:
            found.broken.add("host:references")
        return found

    return judged


def presences(row: BronzeRow) -> Judged:
    """A row of raw_members as `silver.presences` sees it."""
    given, judged = row.values, Judged(row, wanted=row.values.get("state") != "z")
    _asked(judged, "id", "required", _cast(judged, "id", given.get("id"), whole(32)) is not None)
    judged.values |= {"name": given.get("name"), "state": given.get("state")}
    return judged


def rolls(row: BronzeRow) -> Judged:
    """A row of raw_members as `silver.rolls` sees it."""
    judged = presences(row)
    _asked(judged, "name", "one_of", row.values.get("name") in (None, "", "A"))
    return judged
