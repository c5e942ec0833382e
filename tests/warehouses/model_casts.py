"""The safe casts in plain Python: what the oracle makes of a text; None where it is no such value."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

Cast = Callable[[str], Any]


def whole(bits: int) -> Cast:
    def cast(text: str) -> int | None:
        if not re.fullmatch(r"[-+]?[0-9]+", text):
            return None
        return int(text) if -(2 ** (bits - 1)) <= int(text) < 2 ** (bits - 1) else None

    return cast


def number(text: str) -> Decimal | None:
    return Decimal(text) if re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", text) else None


def truth(text: str) -> bool | None:
    return {"t": True, "true": True, "yes": True, "1": True, "f": False, "no": False, "0": False}.get(text.lower())


def uuid(text: str) -> UUID | None:
    return UUID(text) if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text.lower()) else None


def day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def scaled(precision: int, scale: int) -> Cast:
    def cast(text: str) -> Decimal | None:
        found = number(text)
        if found is None or abs(found) >= Decimal(10) ** (precision - scale):
            return None
        return found if found == round(found, scale) else None

    return cast


def spelled(text: str) -> bool | None:
    """A boolean with German spellings beside."""
    return {"ja": True, "nein": False}.get(text.lower(), truth(text))


def written(text: str) -> date | None:
    """A date as DD.MM.YYYY or YYYY-MM-DD."""
    parts = re.fullmatch(r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})", text)
    if parts:
        return day("-".join(reversed(parts.groups())))
    return day(text) if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None


def at_zone(local: datetime, zone: str) -> datetime | None:
    """The moment of a local time: none where the zone skips it, the later of two."""
    found = local.replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC)
    return found if found.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local else None


def noted(text: str) -> datetime | None:
    """A local time of Zurich as DD/MM/YYYY HH24:MI."""
    parts = re.fullmatch(r"([0-9]{2})/([0-9]{2})/([0-9]{4}) ([0-9]{2}):([0-9]{2})", text)
    if not parts:
        return None
    one, month, year, hour, minute = map(int, parts.groups())
    try:
        return at_zone(datetime(year, month, one, hour, minute), "Europe/Zurich")
    except ValueError:
        return None


def in_new_york(text: str) -> datetime | None:
    """A moment; a local time of New York where it names no zone."""
    found = moment(text)
    if found is None or datetime.fromisoformat(text).tzinfo:
        return found
    return at_zone(found.replace(tzinfo=None), "America/New_York")
