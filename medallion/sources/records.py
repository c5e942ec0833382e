"""Sources of JSON: records, and paths into them."""

from __future__ import annotations

import re
from typing import ClassVar

from medallion.sources.base import Source


class JsonRecords(Source):
    """Where records come as JSON, whatever brings them. A table's columns are paths into a record ("address.city"),
    and the record itself is kept in `_raw_payload`.

    records  the path to the list of records in what arrives ("data.items"); "": that is the list, or one record
    """

    records: ClassVar[str] = ""


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
