"""Formats of dates and times, as declarations write them: DD.MM.YYYY."""

from __future__ import annotations

import re

#: The parts of a format, and how many characters each takes. FM at a format's begin: numbers may lack leading zeros.
WIDTHS = {
    "YYYY": 4, "YY": 2, "MM": 2, "DD": 2, "HH24": 2, "HH12": 2, "MI": 2, "SS": 2, "MS": 3, "US": 6, "AM": 2, "PM": 2,
}  # fmt: skip
PARTS = re.compile("|".join(WIDTHS))
