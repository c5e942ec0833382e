"""What a source names of the environment, and how long it is left alone before it is asked again."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping

from medallion.pulling.errors import NotConfiguredError
from medallion.sources import Pulled
from medallion.sources.pulled import VARIABLE

LONGEST_WAIT = 300.0  # seconds; a source that asks for more is left alone until the next pull


def filled(source: type[Pulled], what: str, given: Mapping[str, str]) -> dict[str, str]:
    """Texts with the environment's variables in them. Raises NotConfiguredError."""
    missing = sorted({name for text in given.values() for name in VARIABLE.findall(text) if name not in os.environ})
    if missing:
        raise NotConfiguredError(
            f"{source.name}: the environment variable {', '.join(missing)}, which its {what} names, is not set. Set it "
            "for the processes that pull: workers, and where you run ingest."
        )
    return {name: VARIABLE.sub(lambda found: os.environ[found[1]], text) for name, text in given.items()}


def pause(source: type[Pulled], attempt: int) -> float:
    """Twice as long each time, and at random, so that many who were refused do not come back together."""
    return float(min(LONGEST_WAIT, source.backoff * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0))  # noqa: S311
