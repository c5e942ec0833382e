"""migrate: Django's, with the detector that makemigrations uses, so that both see the same changes."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate

from medallion.autodetector import autodetector


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        self.autodetector = autodetector()  # type: ignore[misc]
        super().handle(*args, **options)
