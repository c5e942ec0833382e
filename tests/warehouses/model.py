"""What the laboratory's tables must hold, in plain Python: no sets, no windows, no SQL. The oracle of the tests.

A history is folded from its events in the order of the source's time, one event after the other.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tests.warehouses.model_judges import (
    BronzeRow,
    Judge,
    Judged,
    at_home,
    members,
    presences,
    readings,
    rolls,
    visitors,
    visits,
    watched,
)


# --- Decisions --------------------------------------------------------------------------------------------------------
@dataclass
class Waiver:
    """A rule set aside, for a row (None: for all) of the batches between two numbers."""

    number: int
    rule: str
    bronze_id: int | None = None
    first: int | None = None
    last: int | None = None

    def governs(self, row: BronzeRow) -> bool:
        within = (self.first or 0) <= row.batch_no <= (row.batch_no if self.last is None else self.last)
        return within and self.bronze_id in (None, row.bronze_id)


@dataclass
class Decisions:
    """What people decided about one silver table; a correction is the latest version's.

    warning: rules that warn by their declaration; overrides: (rule, severity or None, first batch), the last counts.
    """

    warning: frozenset[str] = frozenset()
    overrides: list[tuple[str, str | None, int]] = field(default_factory=list)
    corrections: dict[int, dict[str, str | None]] = field(default_factory=dict)
    rejected: set[int] = field(default_factory=set)
    waivers: list[Waiver] = field(default_factory=list)

    def over(self, judge: Judge) -> Judge:
        """A judge who looks through the decisions."""

        def judged(row: BronzeRow) -> Judged:
            found = judge(replace(row, values={**row.values, **self.corrections.get(row.bronze_id, {})}))
            found.broken -= {waiver.rule for waiver in self.waivers if waiver.governs(row)}
            found.warned = {rule for rule in found.broken if self.warns(rule, row.batch_no)}
            found.broken -= found.warned
            found.rejected = row.bronze_id in self.rejected
            return found

        return judged

    def warns(self, rule: str, batch_no: int) -> bool:
        """Whether a rule only warns about the rows of a batch."""
        said = [severity for name, severity, first in self.overrides if name == rule and first <= batch_no]
        return (said[-1] if said and said[-1] else "warn" if rule in self.warning else "") == "warn"


# --- History ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class History:
    """How an SCD2 table keeps history. `effective`: its column of the source's time; None: the ingestion's."""

    judge: Judge
    key: tuple[str, ...]
    attributes: tuple[str, ...]
    effective: str | None
    #: The attributes whose change makes a version; None: all.
    tracked: tuple[str, ...] | None = None
    full_extract: bool = False
    #: The attribute that orders events of one time; it makes no version.
    sequence: str | None = None

    def since(self, event: Judged) -> datetime:
        found: datetime = event.values[self.effective] if self.effective else event.row.ingested_at
        return found

    def says(self, event: Judged) -> tuple[Any, ...]:
        return ("deleted",) if event.deleted else tuple(event.values[name] for name in self.attributes)

    def told(self, event: Judged) -> tuple[Any, ...]:
        """What makes a version, of what an event says."""
        names = [name for name in self.tracked or self.attributes if name != self.sequence]
        return ("deleted",) if event.deleted else tuple(event.values[name] for name in names)

    def order(self, event: Judged) -> tuple[Any, ...]:
        """Among events of one time."""
        place = event.values.get(self.sequence) if self.sequence else None
        return (place is not None, place or 0, *_last_by_name(event))

    def fold(self, rows: Iterable[BronzeRow]) -> tuple[list[dict[str, Any]], dict[int, str]]:
        """(versions, outcome of each bronze row)."""
        judged = self.judged(list(rows))
        outcomes = {j.row.bronze_id: _left_out(j) for j in judged if not j.is_event}
        versions: list[dict[str, Any]] = []

        def key_of(event: Judged) -> tuple[Any, ...]:
            return tuple(event.values[name] for name in self.key)

        events = sorted((j for j in judged if j.is_event), key=lambda e: (key_of(e), self.since(e), *self.order(e)))
        for key, of_key in itertools.groupby(events, key_of):
            versions += self._fold_key(dict(zip(self.key, key, strict=True)), list(of_key), outcomes)
        outcomes.pop(0, None)
        return versions, outcomes

    def judged(self, rows: list[BronzeRow]) -> list[Judged]:
        """All rows; of whole extracts also the absences, as deletes of no bronze row (id 0)."""
        judged = [self.judge(row) for row in rows]
        if not self.full_extract:
            return judged
        times = sorted({row.ingested_at for row in rows})
        keys = [
            (tuple(j.values.get(name) for name in self.key), j.row.ingested_at)
            for j in judged
            if j.wanted and not j.rejected
        ]
        present = {(key, at) for key, at in keys if None not in key}
        for key, at in present:
            later = next((time for time in times if time > at), None)
            if later and (key, later) not in present:
                row = BronzeRow(0, 0, None, None, later, {})
                judged.append(Judged(row, deleted=True, values=dict(zip(self.key, key, strict=True))))
        return judged

    def _fold_key(self, key: dict[str, Any], events: list[Judged], outcomes: dict[int, str]) -> list[dict[str, Any]]:
        versions: list[dict[str, Any]] = []
        stands: tuple[Any, ...] = ("deleted",)
        for since, at_once in itertools.groupby(events, self.since):
            same_time = list(at_once)
            said = self.says(same_time[-1])
            for event in same_time:
                agreed = "deleted" if event.deleted else "unchanged"
                outcomes[event.row.bronze_id] = agreed if self.says(event) == said else "superseded"
            told, values = self.told(same_time[-1]), dict(zip(self.attributes, said, strict=False))
            if told == stands:
                if told != ("deleted",):
                    versions[-1] |= values
                continue
            if stands != ("deleted",):
                versions[-1] |= {"valid_to": since, "is_current": False}
            stands = told
            if told != ("deleted",):
                first = min(event.row.bronze_id for event in same_time if self.told(event) == told)
                versions.append(
                    key | values
                    | {"valid_from": since, "valid_to": None, "is_current": True, "_source_bronze_id": first}
                )  # fmt: skip
        for version in versions:
            outcomes[version["_source_bronze_id"]] = "current" if version["is_current"] else "history"
        return versions


def _last_by_name(event: Judged) -> tuple[Any, ...]:
    row = event.row
    return (row.file is not None, row.file or "", row.checksum or "", row.bronze_id)


def _left_out(judged: Judged) -> str:
    if judged.rejected:
        return "rejected"
    return "quarantined" if judged.wanted else "excluded"


@dataclass(frozen=True)
class Newest(History):
    """An SCD1 table: of each history the version that is current."""

    def fold(self, rows: Iterable[BronzeRow]) -> tuple[list[dict[str, Any]], dict[int, str]]:
        versions, outcomes = super().fold(rows)
        current = [version for version in versions if version["is_current"]]
        for version in current:
            version[self.effective or "_since"] = version["valid_from"]
            for name in ("valid_from", "valid_to", "is_current"):
                del version[name]
        return current, {row: "superseded" if outcome == "history" else outcome for row, outcome in outcomes.items()}


STATES = History(members, ("region", "id"), ("name", "score", "state"), "updated", tracked=("state",), sequence="score")
ROLLS = History(rolls, ("id",), ("name", "state"), None, full_extract=True)
ROLL_NOW = Newest(rolls, ("id",), ("name", "state"), None, full_extract=True)
LATEST = Newest(members, ("region", "id"), ("name", "score", "state"), "updated")
LATEST_SEEN = Newest(presences, ("id",), ("name", "state"), None)
WATCHED = History(watched, ("region", "id"), ("name", "score", "state"), "updated")
VISITORS = History(visitors, ("region", "id"), ("name", "host"), "updated")
VISITORS_NOW = Newest(visitors, ("region", "id"), ("name", "host"), "updated")
MEMBERS = History(members, ("region", "id"), ("name", "score", "state"), "updated")
PRESENCES = History(presences, ("id",), ("name", "state"), None)


@dataclass(frozen=True)
class Appended:
    """An append table."""

    judge: Judge
    key: tuple[str, ...] = ()

    def fold(self, rows: Iterable[BronzeRow]) -> tuple[list[dict[str, Any]], dict[int, str]]:
        """(rows of the table, outcome of each bronze row)."""
        judged = [self.judge(row) for row in rows]
        good = [
            j.values
            | ({"initial": _initial(j.values["sensor"])} if "sensor" in j.values else {})
            | {"_source_bronze_id": j.row.bronze_id}
            for j in judged
            if j.is_event
        ]
        return good, {j.row.bronze_id: "current" if j.is_event else _left_out(j) for j in judged}


def _initial(sensor: str | None) -> str | None:
    return sensor[:1] if sensor is not None else None


READINGS = Appended(readings)
VISITS = Appended(visits)

#: All silver tables of the laboratory.
TABLES: dict[str, Appended | History] = {
    "silver.readings": READINGS,
    "silver.members": MEMBERS,
    "silver.presences": PRESENCES,
    "silver.states": STATES,
    "silver.rolls": ROLLS,
    "silver.roll_now": ROLL_NOW,
    "silver.latest": LATEST,
    "silver.latest_seen": LATEST_SEEN,
    "silver.watched": WATCHED,
    "silver.visitors": VISITORS,
    "silver.visitors_now": VISITORS_NOW,
    "silver.visits": VISITS,
}
#: Rules that only warn, by their declaration.
WARNING = {"silver.watched": frozenset({"name:required", "score:at_least"})}


def exceptions(rows: Iterable[BronzeRow], judge: Judge) -> dict[int, set[str]]:
    """The broken rules of each row that stands before people."""
    judged = [judge(row) for row in rows]
    return {j.row.bronze_id: j.broken for j in judged if j.wanted and j.broken and not j.rejected}


def counted(outcomes: Mapping[int, str]) -> Counter[str]:
    """How many rows have which outcome."""
    return Counter(outcomes.values())


#: Tables with a rule that refers to another.
PARENTS = {"silver.visitors": "silver.latest", "silver.visitors_now": "silver.latest", "silver.visits": "silver.latest"}

__all__ = ["BronzeRow", "Judge", "Judged", "at_home"]
