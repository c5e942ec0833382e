"""Holidays of a country, from the library `holidays`."""

from __future__ import annotations

from datetime import date


def holidays_between(place: str, first: str, last: str) -> dict[str, str]:
    """Day → name of the public holidays of a country, or of a part of it ("DE-BY"), in English where that is known.

    Raises NotImplementedError where the library does not know the place.
    """
    import holidays  # here, because declarations are imported by every command, and few of them ask for holidays

    country, _, part = place.partition("-")
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    days = holidays.country_holidays(
        country, subdiv=part or None, years=range(begin.year, end.year + 1), language="en_US"
    )
    return {day.isoformat(): name for day, name in sorted(days.items()) if begin <= day <= end}
