"""`/healthz`: whether Assay works, for monitoring; `/healthz/web`: whether this process can, for load balancers.

Neither needs a login, so neither says more than names, ages and limits. They answer within two seconds even where
PostgreSQL or Redis hang.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import psycopg
import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from assay.probing import Answer, Probe
from lineage.ticks import LIMITS

logger = logging.getLogger(__name__)

LIMIT = 1.5  # seconds for both servers together: who asks gives up after two, or more
Ages = dict[str, float]


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 where both servers answer and neither the tick nor the sweep is older than its limit, else 503."""
    database, broker = _look()
    parts = {"database": _server("PostgreSQL", database), "redis": _server("Redis", broker)}
    for name, limit in LIMITS.items():
        parts[name] = _sign_of_life((database.found or {}).get(name), limit.total_seconds())
    return _response(parts)


@require_safe
@never_cache
def healthz_web(request: HttpRequest) -> JsonResponse:
    """200 where PostgreSQL answers, else 503: what a page needs. Pages work without Redis, worker and beat."""
    database, broker = _look()
    return _response({"database": _server("PostgreSQL", database)}, redis=_server("Redis", broker))


def _look() -> tuple[Answer[Ages], Answer[bool]]:
    until = time.monotonic() + LIMIT
    _database.start()
    _redis.start()
    return _database.answer(until), _redis.answer(until)


def _server(name: str, answer: Answer[Any]) -> dict[str, Any]:
    if answer.error is not None:
        logger.warning("%s does not answer: %s", name, answer.error)
    return {"ok": answer.error is None, "seconds": round(answer.seconds, 3), "limit": LIMIT}


def _sign_of_life(age: float | None, limit: float) -> dict[str, Any]:
    """`age` is None where there never was one, or where nobody could look."""
    return {
        "ok": age is not None and age <= limit,
        "age": None if age is None else round(age, 1),
        "limit": limit,
    }


def _response(parts: dict[str, dict[str, Any]], **beside: dict[str, Any]) -> JsonResponse:
    ok = all(part["ok"] for part in parts.values())
    return JsonResponse({"ok": ok, **parts, **beside}, status=200 if ok else 503)


def _ages_of_ticks() -> Ages:
    """Seconds since each sign of life, on a connection of its own: one that is kept may be as dead as the server."""
    parameters = connection.get_connection_params()
    for django_only in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(django_only, None)
    parameters |= {"connect_timeout": 2, "application_name": "assay healthz"}
    with psycopg.connect(**parameters) as look:
        rows = look.execute("SELECT name, extract(epoch FROM clock_timestamp() - at)::float8 FROM dwh_lineage.ticks")
        return dict(rows.fetchall())


def _ping() -> bool:
    with redis.Redis.from_url(settings.ASSAY_REDIS_URL, socket_connect_timeout=2, socket_timeout=2) as client:
        return bool(client.ping())


_database = Probe("PostgreSQL", _ages_of_ticks)
_redis = Probe("Redis", _ping)
