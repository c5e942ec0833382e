"""What can be wrong with a pull, in words for the person who has to put it right.

Each message names the source and the page, and says what to do. Pages that landed before stay; the next pull goes on.
"""

from __future__ import annotations

import psycopg


class PullError(Exception):
    """A pull that could not go on."""


class NotConfiguredError(PullError):
    """An environment variable that the source names is not set."""


class RefusedError(PullError):
    """The source said no: an API with 4xx or a redirect, a database for want of a table, column or right."""


class UnreachableError(PullError):
    """No answer, however often it was asked."""


class BadPageError(PullError):
    """An answer that is no page: no JSON, too large, no records, leading nowhere new; or the warehouse refused it."""


class BusyError(PullError):
    """Another process pulls this source."""


def refused_by_warehouse(source: str, what: str, error: psycopg.Error) -> BadPageError:
    """The warehouse's words for why something did not land."""
    return BadPageError(f"{source}: PostgreSQL refused {what}: {words_of(error)}")


def words_of(error: psycopg.Error) -> str:
    """What a server said, with what it advises."""
    said = (error.diag.message_primary, error.diag.message_detail, error.diag.message_hint)
    return " ".join(filter(None, said)) or str(error).strip()
