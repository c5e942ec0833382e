"""`manage.py maintain`: what beat asks for every hour, now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from medallion.maintenance import maintain


class Command(BaseCommand):
    help = "Makes the partitions of bronze tables ahead and summarises their indexes; beat does it every hour."

    def handle(self, *args: Any, **options: Any) -> None:
        for table in maintain():
            self.stdout.write(f"{table.target}: {table.partitions} partitions made, indexes summarised.")
