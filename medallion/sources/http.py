"""Sources that are HTTP APIs: pages of JSON, one leading to the next.

class Orders(sources.HttpApi):
    \"\"\"What the shop's API has.\"\"\"
    url = "https://shop.example/api/orders"
    headers = {"Authorization": "Bearer ${SHOP_TOKEN}"}
    records = "data"
    pages = sources.Cursor("cursor", at="meta.next")
    since = sources.Since("updated_after", at="updated_at")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar
from urllib.parse import urlsplit

from medallion.sources.pulled import Pulled
from medallion.sources.records import JsonRecords, is_json_path


@dataclass(frozen=True)
class PageNumber:
    """Pages have numbers. `size`: how many records a page has, so that a shorter one is the last; without it, the last
    is the first without records. `size_param`: by which it is asked for."""

    param: str = "page"
    first: int = 1
    size: int | None = None
    size_param: str | None = None


@dataclass(frozen=True)
class Offset:
    """Pages begin after so many records. The last is the first that has fewer than `size`."""

    param: str = "offset"
    size: int = 100
    size_param: str | None = "limit"


@dataclass(frozen=True)
class Cursor:
    """Each page has the next one's cursor at a path; the last has none there."""

    param: str
    at: str


@dataclass(frozen=True)
class Link:
    """Each page names the next in its header `Link: <…>; rel="next"`."""


Pages = PageNumber | Offset | Cursor | Link


@dataclass(frozen=True)
class Since:
    """A pull asks for what has changed since the one before. param: by which the API is asked. at: the path in a
    record to its time of change (ISO 8601, of one form) or to a number that grows. overlap: how far to ask back, for
    records that become visible late (a timedelta, or a number); first: what the first pull asks for."""

    param: str
    at: str
    overlap: timedelta | int | None = None
    first: str | None = None


class HttpApi(Pulled, JsonRecords):
    """Records from an HTTP API.

    url         of the first page
    params      {"status": "any"}; ${NAME} in a value is an environment variable, which is never written anywhere
    headers     {"Authorization": "Bearer ${SHOP_TOKEN}"}
    pages       PageNumber, Offset, Cursor or Link; None: there is one page
    since       Since(…): ask for what has changed only
    max_bytes   refuse a page that is larger
    max_pages   refuse an API whose pages never end
    """

    url: ClassVar[str] = ""
    params: ClassVar[Mapping[str, str]] = {}
    headers: ClassVar[Mapping[str, str]] = {}
    pages: ClassVar[Pages | None] = None
    since: ClassVar[Since | None] = None
    max_bytes: ClassVar[int] = 64 * 1024**2
    max_pages: ClassVar[int] = 100_000
    _limits = (*Pulled._limits, "max_bytes", "max_pages")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        parts = urlsplit(cls.url) if isinstance(cls.url, str) else None
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise cls._invalid(f"url = {cls.url!r} must be http(s)://host/…, without a password in it.")
        for name in ("params", "headers"):
            given = getattr(cls, name)
            if not isinstance(given, Mapping) or not all(isinstance(x, str) for pair in given.items() for x in pair):
                raise cls._invalid(f"{name} must be a mapping of texts to texts.")
        if cls.pages is not None and not isinstance(cls.pages, Pages):
            raise cls._invalid("pages must be PageNumber(…), Offset(…), Cursor(…) or Link() of medallion.sources.")
        cls._check_paths()
        if (size := getattr(cls.pages, "size", None)) is not None:
            cls._check_limit("size of pages", size)

    @classmethod
    def _check_paths(cls) -> None:
        paths = {"records": cls.records}
        if isinstance(cls.pages, Cursor):
            paths["pages: at"] = cls.pages.at
        if cls.since is not None:
            paths["since: at"] = cls.since.at
        for where, path in paths.items():
            if not isinstance(path, str) or not is_json_path(path):
                raise cls._invalid(f'{where} = {path!r} must be a path of keys, as in "data.items".')
