"""What can be wrong with a pull, in words for the person who has to put it right.

Each message names the source and the page, and says what to do. Pages that landed before stay; the next pull goes on.
"""

from __future__ import annotations


class PullError(Exception):
    """A pull that could not go on."""


class NotConfiguredError(PullError):
    """An environment variable that the source names is not set."""


class RefusedError(PullError):
    """The API said no: 4xx, a redirect to elsewhere, or 5xx and 429 for too long."""


class UnreachableError(PullError):
    """No answer, however often it was asked."""


class BadPageError(PullError):
    """An answer that is no page: no JSON, too large, no records, or one that leads nowhere new."""


class BusyError(PullError):
    """Another process pulls this source."""
