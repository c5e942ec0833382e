"""How long a page takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.urls import reverse

if TYPE_CHECKING:
    from django.test import Client

LIMIT = 0.3  # seconds
EMPTY_PAGES = 8  # on a machine that is busy with other things: as many pages without data


def answers_at_once(client: Client, url: str) -> bool:
    """Whether a page takes less than LIMIT. Other work on the machine slows all pages down alike, so the limit grows
    with the time of a page that shows no data."""
    return _quickest(client, url) < max(LIMIT, EMPTY_PAGES * _quickest(client, reverse("admin:administration")))


def _quickest(client: Client, url: str, tries: int = 4) -> float:
    taken = []
    for _ in range(tries):
        began = time.perf_counter()
        assert client.get(url).status_code == 200
        taken.append(time.perf_counter() - began)
    return min(taken)
