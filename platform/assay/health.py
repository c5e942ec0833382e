"""`/healthz`: whether this process reaches PostgreSQL and Redis, for load balancers and containers."""

from __future__ import annotations

import logging

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

logger = logging.getLogger(__name__)


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 with both `ok`, else 503. Says no more than that: it needs no login."""
    parts = {"database": _database(), "redis": _redis()}
    healthy = all(parts.values())
    return JsonResponse(
        {name: "ok" if good else "unreachable" for name, good in parts.items()}, status=200 if healthy else 503
    )


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        logger.warning("The database does not answer: %s", error)
        return False
    return True


def _redis() -> bool:
    try:
        with redis.Redis.from_url(settings.ASSAY_REDIS_URL, socket_connect_timeout=3, socket_timeout=3) as client:
            client.ping()
    except redis.RedisError as error:
        logger.warning("Redis does not answer: %s", error)
        return False
    return True
