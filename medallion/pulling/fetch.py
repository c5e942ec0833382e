"""One page over HTTP: asked for until there is an answer, or it is clear that there will be none."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import httpx

from medallion.pulling.errors import BadPageError, RefusedError, UnreachableError
from medallion.pulling.patience import LONGEST_WAIT, filled, pause
from medallion.sources import HttpApi


@dataclass(frozen=True)
class Page:
    """An answer: its body, the URL that it names as next, absolute, and the URL that was asked for."""

    body: bytes
    link: str | None
    url: str


class Fetcher:
    """Asks one source for pages, over one connection. Close it."""

    def __init__(self, source: type[HttpApi]) -> None:
        self.source = source
        self._client = httpx.Client(
            headers=filled(source, "headers", source.headers), timeout=source.timeout, follow_redirects=False
        )
        self._secret = filled(source, "params", source.params)

    def close(self) -> None:
        self._client.close()

    def page(self, url: str, params: Mapping[str, str]) -> Page:
        """The page at a URL of the source's own host.

        Raises RefusedError, UnreachableError, BadPageError.
        """
        if _origin(url) != _origin(self.source.url):
            raise RefusedError(
                f"{self.source.name}: the API leads to {_origin(url)}, which is not where url points; its headers are "
                "not sent there. If that is right, correct url in the source."
            )
        complaint = ""
        for attempt in range(1, self.source.attempts + 1):
            try:
                answer = self._ask(url, params)
            except httpx.TransportError as error:
                complaint, wait = f"{type(error).__name__}: {error}", None
            else:
                if isinstance(answer, Page):
                    return answer
                complaint, wait = answer
            if attempt < self.source.attempts:
                time.sleep(pause(self.source, attempt) if wait is None else wait)
        raise UnreachableError(
            f"{self.source.name}: no page from {url} in {self.source.attempts} attempts; the last: {complaint}. "
            "Pull again when the API answers: it goes on where it stopped."
        )

    def _ask(self, url: str, params: Mapping[str, str]) -> Page | tuple[str, float | None]:
        """A page, or what is wrong for now and how long the API asks to wait."""
        with self._client.stream("GET", url, params={**self._secret, **params} or None) as response:
            if response.status_code == 429 or response.status_code >= 500:
                return f"status {response.status_code}", self._asked_to_wait(response)
            if response.status_code != 200:
                excerpt = next(response.iter_bytes(300), b"").decode(errors="replace").strip()
                raise RefusedError(
                    f"{self.source.name}: {url} answered {response.status_code} {response.reason_phrase}: {excerpt!r}. "
                    "Correct url, params or headers of the source; if a cursor has expired, pull with --restart."
                )
            link = response.links.get("next", {}).get("url")
            return Page(self._body(response, url), urljoin(url, link) if link else None, url)

    def _body(self, response: httpx.Response, url: str) -> bytes:
        parts, size = [], 0
        for part in response.iter_bytes():
            size += len(part)
            if size > self.source.max_bytes:
                raise BadPageError(
                    f"{self.source.name}: {url} answered with more than {self.source.max_bytes:,} bytes. Ask for "
                    "smaller pages, or raise max_bytes of the source."
                )
            parts.append(part)
        return b"".join(parts)

    def _asked_to_wait(self, response: httpx.Response) -> float | None:
        asked = response.headers.get("Retry-After", "").strip()
        seconds = _seconds(asked)
        if seconds is not None and seconds > LONGEST_WAIT:
            raise UnreachableError(
                f"{self.source.name}: the API asks to wait {asked} before the next request. Pull again then: it goes "
                "on where it stopped."
            )
        return seconds


def _seconds(asked: str) -> float | None:
    """What Retry-After says: a number of seconds, or a time. None where it says nothing that can be read."""
    if asked.isdigit():
        return float(asked)
    try:
        at = parsedate_to_datetime(asked)
    except ValueError:
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds())


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
