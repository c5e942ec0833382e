"""Gives tests their servers: yours (DATABASE_URL, REDIS_URL), or the embedded ones of the profile `test`.

Stands here, so that the tests of your own warehouses have them too: `pytest warehouses/library`. The process that
starts pytest starts them; the workers of xdist inherit their addresses. Each worker has a database of its own there,
made by pytest-django. PG=16 chooses the older PostgreSQL.
"""

import os
import signal
from collections.abc import Iterator
from typing import Any

import django
import pytest

from assay import servers
from assay.embedded import EmbeddedError

# Before pytest-django looks for the settings: they need to know the servers. (So it is not in pyproject.toml.)
try:
    servers.ensure("test", int(os.environ.get("PG") or "18"))
except EmbeddedError as error:
    raise pytest.UsageError(str(error)) from None
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that runs us in the background ignores Ctrl-C, and our children would inherit that; some test Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("DEBUG", "1")
os.environ["DJANGO_SETTINGS_MODULE"] = "assay.settings"
django.setup()  # pytest-django does it itself only where its own configuration names the settings


@pytest.fixture
def trial(db: None) -> Iterator[Any]:
    """A warehouse without rows, for a test of declarations (medallion.testing)."""
    from medallion.testing import Trial

    with Trial() as begun:
        yield begun
