"""The Celery app through which messages are sent, loaded when there is one to send: most commands send none."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


def celery_app() -> Any:
    """The app that the settings name. Once it is loaded, tasks that are sent go through it."""
    return import_string(settings.CELERY_APP)
