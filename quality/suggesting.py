"""Fixes that suggest themselves: the accepted value that is meant, or a way of writing that the sample's rows share.

A suggestion is made only where the evidence is plain, and says why. What it would do is shown by a preview, never here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

ALIKE, APART = 0.7, 0.1  # how alike a value must be to an accepted one, and how much less to all others
ENOUGH = 0.95  # the part of a sample that must be readable in one way

#: What people and programs write where there is no value.
PLACEHOLDERS = {
    "n/a", "#n/a", "na", "n.a.", "nan", "null", "none", "nil", "-", "--", "?", "unknown", "not available",
    "missing", "tbd",
}  # fmt: skip
_NUMBERS = ("smallint", "integer", "bigint", "numeric")
_WORDS = {
    "trimmed": "without blanks around",
    "upper": "in capitals",
    "lower": "in small letters",
    "number:point": "the number alone, its decimal mark being a point",
    "number:comma": "the number alone, its decimal mark being a comma",
    "date:dmy": "read as day, month, year",
    "date:mdy": "read as month, day, year",
    "date:ymd": "read as year, month, day",
}
#: A way to mend, texts of a sample, and what each is mended to; None: it is not, or is still wrong.
Reading = tuple[str, list[str], list[str | None]]


@dataclass(frozen=True)
class Suggestion:
    """Texts for values, or a way to mend each text; `example` shows it, `reason` says what speaks for it."""

    example: tuple[str, str | None]
    reason: str
    texts: Mapping[str, str | None] = field(default_factory=dict)  # None: no value
    mend: str | None = None

    @property
    def can_be_typed(self) -> bool:
        """Whether it is a text beside a value."""
        return not self.mend and None not in self.texts.values()

    @property
    def how(self) -> str:
        """The way to mend in words; empty where values have their own texts."""
        return mend_in_words(self.mend) if self.mend else ""


@dataclass(frozen=True)
class Suspect:
    """What is known of an issue: its rule, and the value that its rows have in common, if they have."""

    issue: int
    kind: str | None
    definition: Mapping[str, Any]
    value: str | None = None
    is_required: bool = False


def suggestion(suspect: Suspect, readings: list[Reading]) -> Suggestion | None:
    """The fix that suggests itself, if there is one; `readings` of the ways()."""
    if suspect.kind == "one_of":
        accepted = suspect.definition.get("values", [])
        return meaning(suspect.value, accepted) if suspect.value is not None else None
    if suspect.value is not None and suspect.value.strip().casefold() in PLACEHOLDERS and not suspect.is_required:
        return Suggestion((suspect.value, None), "a way to say that there is no value", {suspect.value: None})
    return _plainest(readings)


def ways(suspect: Suspect) -> list[dict[str, Any]]:
    """In which ways the texts of an issue may be mended, and what must hold then, as quality/surroundings.py tries
    them."""
    said = suspect.definition
    sql_type = said.get("type")
    if suspect.kind == "castable" and sql_type in _NUMBERS:
        return [{"issue": suspect.issue, "how": f"number:{mark}", "type": sql_type} for mark in ("point", "comma")]
    if suspect.kind == "castable" and sql_type in ("date", "timestamptz"):
        form = str((said.get("formats") or ["YYYY-MM-DD"])[0]).removeprefix("FM").split(" ")[0]
        if all(part in form for part in ("YYYY", "MM", "DD")):
            return [{"issue": suspect.issue, "how": f"date:{order}:{form}"} for order in ("dmy", "mdy", "ymd")]
    if suspect.kind == "matches":
        pattern = said.get("pattern")
        return [{"issue": suspect.issue, "how": how, "pattern": pattern} for how in ("trimmed", "upper", "lower")]
    return []


def meaning(value: str, accepted: Sequence[Any]) -> Suggestion | None:
    """The accepted value that is meant: the same but for blanks and case, or one that is alike as no other is."""
    texts = [str(each) for each in accepted]
    folded = value.strip().casefold()
    same = [text for text in texts if text.strip().casefold() == folded]
    if value in texts:
        return None
    if len(same) == 1:
        why = "the same but for blanks around it" if value.strip() == same[0] else "the same but for case"
        return Suggestion((value, same[0]), why, {value: same[0]})
    ranked = sorted((SequenceMatcher(None, folded, text.strip().casefold()).ratio(), text) for text in texts)
    if not folded or same or not ranked or ranked[-1][0] < ALIKE:
        return None
    if len(ranked) > 1 and ranked[-1][0] - ranked[-2][0] < APART:
        return None
    return Suggestion((value, ranked[-1][1]), "the only accepted value that is near", {value: ranked[-1][1]})


def mend_in_words(how: str) -> str:
    """`number:comma` for people."""
    order = ":".join(how.split(":")[:2])
    form = how.split(":")[2] if how.count(":") > 1 else ""
    return _WORDS.get(order, how) + (f", written {form}" if form else "")


def _plainest(readings: list[Reading]) -> Suggestion | None:
    """The way in which nearly all can be read, unless another way reads as many of them, and otherwise."""
    ranked = sorted(readings, key=lambda reading: -_read(reading))
    if not ranked:
        return None
    best = ranked[0]
    how, given, read = best
    if _read(best) < ENOUGH * len(given):
        return None
    for other in ranked[1:]:
        otherwise = sum(b != a for a, b in zip(read, other[2], strict=True) if b is not None)
        if otherwise and _read(other) > (1 - APART) * _read(best):
            return None
    example = next((before, after) for before, after in zip(given, read, strict=True) if after is not None)
    reason = f"{_read(best)} of {len(given)} in a sample can be read so"
    if len(ranked) > 1 and _read(ranked[1]) < _read(best):
        reason += f", {_read(ranked[1]) or 'none'} in another way"
    return Suggestion(example, reason, mend=how)


def _read(reading: Reading) -> int:
    return sum(text is not None for text in reading[2])
