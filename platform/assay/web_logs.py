"""Logs of the web: what request a record belongs to, and gunicorn's own lines in the common format."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from django.core.signals import request_finished
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from gunicorn import glogging

from assay import environment
from lineage.logs import FORMATTERS, begin, end, note

HEADER = "X-Request-ID"
_HARMLESS = re.compile(r"[\w.:-]{1,100}", re.ASCII)  # it comes from outside, and goes into logs and a header


class AboutRequest:
    """Middleware: records of a request carry its id, method and path, and the run or step that its address names.

    The id is the proxy's X-Request-ID, or a new one; the answer carries it too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        request_id = given if _HARMLESS.fullmatch(given) else uuid.uuid4().hex
        # Until request_finished, for Django says that a request failed when the middleware is done with it.
        begin(request=request_id, method=request.method, path=request.path)
        response = self.get_response(request)
        response[HEADER] = request_id
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: list[Any], kwargs: dict[str, Any]
    ) -> None:
        note(**{name: kwargs[f"{name}_id"] for name in ("run", "step") if f"{name}_id" in kwargs})


@receiver(request_finished)
def _forget_request(**about_it: object) -> None:
    end()


class GunicornLogger(glogging.Logger):
    """gunicorn's logger in the format of ASSAY_LOG_FORMAT where that is not for people: those get gunicorn's own."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        chosen = environment.choice("ASSAY_LOG_FORMAT", FORMATTERS)
        if chosen != "line":
            for handler in (*self.error_log.handlers, *self.access_log.handlers):
                handler.setFormatter(FORMATTERS[chosen]())
