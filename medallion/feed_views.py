"""`POST /feeds/NAME`: deliveries to the sources that are fed by HTTP. No page: who asks is a program with a token."""

from __future__ import annotations

import hmac
import logging
import os
import re
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from medallion.feeding.body import kind_of, read_body
from medallion.feeding.deliver import deliver
from medallion.feeding.errors import RefusedDeliveryError
from medallion.registry import warehouse
from medallion.sources import HttpFeed
from medallion.sources.pulled import VARIABLE

logger = logging.getLogger(__name__)

SHORTEST = 20  # characters of a token: what nobody guesses


@csrf_exempt  # it is no browser's session that is believed, but the token
@never_cache
@require_POST
def feed(request: HttpRequest, name: str) -> JsonResponse:
    """Lands a delivery: 200 when it is committed. 4xx: it must be changed; 5xx: send it again."""
    try:
        source = _source(name, request.headers.get("Authorization", ""))
        key, lenient = _key(request), "handling=lenient" in request.headers.get("Prefer", "").replace(" ", "")
        kind = kind_of(request)
        delivered = deliver(source, read_body(request, source), kind, key, lenient)
    except RefusedDeliveryError as error:
        if error.status >= 500:
            logger.error("Feed %s: %s", name, error, exc_info=error.__cause__)
        else:
            logger.warning("Feed %s: refused with %s: %s", name, error.status, error)
        return _refusal(error)
    kept = [{"record": fault.record, "reason": fault.reason} for fault in delivered.kept]
    return JsonResponse(
        {"delivery": delivered.id, "rows": delivered.rows, "kept": kept, "repeated": delivered.repeated}
    )


def _source(name: str, authorization: str) -> type[HttpFeed]:
    """The source that a token opens. What there is, and what is not configured, only the log says."""
    source = warehouse().feeds.get(name)
    wanted = "" if source is None else os.environ.get(VARIABLE.sub(r"\1", source.token), "")
    if source is not None and len(wanted) < SHORTEST:
        logger.error("Feed %s: %s needs a token of at least %s characters.", name, source.token, SHORTEST)
        wanted = ""
    given = authorization.removeprefix("Bearer ").strip() if authorization.startswith("Bearer ") else ""
    is_right = hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())
    if source is None or not wanted or not is_right:
        raise RefusedDeliveryError(401, "No feed of this name takes this token. Send it as Authorization: Bearer …")
    return source


def _key(request: HttpRequest) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not re.fullmatch(r"[\x21-\x7e]{1,200}", key):
        raise RefusedDeliveryError(400, "An Idempotency-Key has 1 to 200 printable ASCII characters, without blanks.")
    return key


def _refusal(error: RefusedDeliveryError) -> JsonResponse:
    said: dict[str, Any] = {"error": str(error)}
    if error.faults:
        said["records"] = [{"record": fault.record, "reason": fault.reason} for fault in error.faults]
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}.get(error.status, {})
    return JsonResponse(said, status=error.status, headers=headers)
