"""Gives the tests their servers: yours (DATABASE_URL, REDIS_URL), or the embedded ones of the profile `test`.

The process that starts pytest starts them; the workers of xdist inherit their addresses. Each worker has a database of
its own there, made by pytest-django. PG=16 chooses the older PostgreSQL.
"""

import os

import django
import pytest

from assay import servers
from assay.embedded import EmbeddedError

# Before pytest-django looks for the settings: they need to know the servers. (So it is not in pyproject.toml.)
try:
    servers.ensure("test", int(os.environ.get("PG") or "18"))
except EmbeddedError as error:
    raise pytest.UsageError(str(error)) from None
os.environ.setdefault("DEBUG", "1")
os.environ["DJANGO_SETTINGS_MODULE"] = "assay.settings"
django.setup()  # pytest-django does it itself only where its own configuration names the settings
