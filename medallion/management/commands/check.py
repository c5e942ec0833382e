"""check: what is wrong with the project, as Django says it; and which gold tables every load computes in full."""

from __future__ import annotations

from typing import Any

from django.core.management.commands.check import Command as DjangoCommand

from medallion.registry import warehouse
from medallion.star_checks import computed_in_full


class Command(DjangoCommand):
    def handle(self, *app_labels: list[str], **options: Any) -> None:
        super().handle(*app_labels, **options)
        if app_labels or options.get("list_tags"):
            return
        for target, why in computed_in_full(warehouse().tables).items():
            self.stdout.write(f"{target} is computed in full by every load: {why}.")
