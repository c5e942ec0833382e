"""Rules that a profile suggests, as code to paste into a `warehouse.py`, each with its evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from medallion.naming import ident, is_name
from medallion.profiling import KINDS, Profile

#: A share of rows above which something is taken for what is meant, and the rest for dirt.
MEANT = 0.98
#: A value list has at most so many values, each on so many rows on average.
FEW, REPEATED = 12, 20


@dataclass(frozen=True)
class Suggestion:
    """A column of a silver table: its name, the code of its declaration, what speaks for it."""

    name: str
    code: str
    evidence: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} = {self.code}  # {'; '.join(self.evidence)}"


def suggest(profiles: Sequence[Profile]) -> list[Suggestion]:
    """A declaration for each column, in their order."""
    return [_column(profile) for profile in profiles]


def kind(profile: Profile) -> str:
    """What the values are: the narrowest kind that nearly all could be; Text where there is none. Numbers with leading
    zeros are texts, and 0 and 1 are numbers."""
    if not profile.filled or re.fullmatch("0[0-9]+", profile.minimum or ""):
        return "Text"
    fitting = {name for name, rows in profile.fits.items() if rows >= MEANT * profile.filled}
    if "YYYYMMDD" in "".join(fitting) and profile.shortest == profile.longest == 8:
        return 'Date format="YYYYMMDD"'
    chosen = _possible(profile, fitting)
    return next((name for name in KINDS if name in chosen), "Text")


def _possible(profile: Profile, fitting: set[str]) -> set[str]:
    """The kinds that may be chosen: of dates without a time no timestamp, of small numbers no small type that the next
    file would leave."""
    found = set(fitting) - {"SmallInt", 'Date format="YYYYMMDD"'}
    if "Integer" in found and max(abs(float(profile.lowest or 0)), abs(float(profile.highest or 0))) > 10**9:
        found -= {"Integer"}
    # 03/04/2024 could be both; a day above 12 decides, else day before month.
    if {'Date format="DD/MM/YYYY"', 'Date format="MM/DD/YYYY"'} <= found:
        found -= {'Date format="MM/DD/YYYY"'}
    return found


def _column(profile: Profile) -> Suggestion:
    name = _named(profile.column)
    found, evidence = kind(profile), []
    options = ""
    if " " in found:
        found, option = found.split(" ", 1)
        options = f", {option}"
    fitting = profile.fits.get(f"{found}{options.replace(',', '')}", profile.filled)
    if found != "Text" and fitting < profile.filled:
        evidence.append(f"{profile.filled - fitting:,} of {profile.filled:,} are none")
    rules = [*_required(profile, evidence), *_values(profile, found, evidence)]
    if rules:
        options += f", rules=[{', '.join(rules)}]"
    if profile.is_unique:
        evidence.append(f"differs on all {profile.rows:,} rows: may be the key")
    expression = ident(profile.column)
    if found == "Text":
        expression = f"trim({expression})"
    quoted = repr(expression) if '"' in expression else f'"{expression}"'
    return Suggestion(name, f"{found}({quoted}{options})", tuple(evidence) or (f"{profile.rows:,} rows",))


def _named(column: str) -> str:
    """A name for the silver column: snake case."""
    name = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column).lower()).strip("_")
    return name if is_name(name) else f"c_{name}"


def _required(profile: Profile, evidence: list[str]) -> list[str]:
    absent = profile.nulls + profile.blanks
    if not profile.rows or profile.filled < MEANT * profile.rows:
        evidence.append(f"{absent:,} of {profile.rows:,} rows have none")
        return []
    evidence.append(f"{absent:,} of {profile.rows:,} rows lack it" if absent else f"on all {profile.rows:,} rows")
    return ["Required()"]


def _values(profile: Profile, found: str, evidence: list[str]) -> list[str]:
    """What the values must be: one of a few, of one pattern, not negative."""
    null = "" if profile.filled >= MEANT * profile.rows else ", null=True"
    if found in ("Integer", "BigInt", "Numeric"):
        if profile.lowest is None or float(profile.lowest) < 0:
            return []
        evidence.append(f"{profile.lowest} to {profile.highest}")
        return [f"AtLeast(0{null})"]
    if found != "Text" or not profile.filled:
        return []
    often = [(value, n) for value, n in profile.top if n >= 0.002 * profile.filled and n > 1]
    covered = sum(n for _, n in often)
    if len(often) < len(profile.top) or profile.distinct <= FEW:
        few = often and len(often) <= FEW and covered >= MEANT * profile.filled
        if few and profile.filled >= REPEATED * len(often):
            if covered < profile.filled:
                rare = ", ".join(repr(value) for value, n in profile.top if (value, n) not in often)
                evidence.append(f"{profile.filled - covered:,} rows hold others{': ' + rare if rare else ''}")
            return [f"OneOf({', '.join(_quoted(value) for value, _ in sorted(often))}{null})"]
    pattern, n = profile.patterns[0]
    if n >= MEANT * profile.filled and n >= REPEATED and re.search(r"9|[^A-Za-z ]", pattern) and len(pattern) < 40:
        evidence.append(f"{n:,} look like {pattern}")
        return [f"Matches({_quoted(_regex(pattern))}{null})"]
    return []


def _quoted(text: str) -> str:
    shown = repr(text)
    return f'r"{text}"' if "\\" in text and '"' not in text else shown if '"' in text else f'"{text}"'


def _regex(pattern: str) -> str:
    """A regular expression of a pattern: `99.99.9999`, `Aa9`."""
    runs = ((char, len(list(run))) for char, run in groupby(pattern))
    parts = []
    for char, times in runs:
        one = {"9": "[0-9]", "A": "[[:upper:]]+", "a": "[[:lower:]]+"}.get(char, re.escape(char))
        parts.append(one if times == 1 else f"{one}{{{times}}}")
    return f"^{''.join(parts)}$"
