"""Pulls that are due by themselves: so long after the last one as the source says."""

from __future__ import annotations

import logging

from django.db.models.functions import Now

from medallion.models import Pull
from medallion.pulling.errors import BusyError, PullError
from medallion.pulling.pull import pull
from medallion.registry import warehouse
from medallion.sources import Pulled

logger = logging.getLogger(__name__)


def pull_due() -> list[str]:
    """Pulls each source with `every` whose last pull is as long ago, and returns their names.

    One that fails is tried again after the same time; what is wrong is on the page of files.
    """
    pulled = []
    for source in warehouse().pulled.values():
        if _is_due(source):
            try:
                pull(source)
            except BusyError:
                continue
            except PullError as error:
                logger.warning("Pull: %s", error)
            pulled.append(source.name)
    return pulled


def _is_due(source: type[Pulled]) -> bool:
    if source.every is None:
        return False
    pulls = Pull.objects.filter(source=source.name)
    return not pulls.filter(progressed_at__gt=Now() - source.every).exists()
