"""generate_ecommerce FOLDER: three days of files as three careless systems send them, with the truth they hide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ecommerce.generator import write


class Command(BaseCommand):
    help = "Writes a shop's messy files of three days, and the truth they hide: truth.json and truth/*.csv."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--scale", type=float, default=1.0, help="1 is about 100,000 rows (default)")

    def handle(self, *args: Any, folder: Path, scale: float, **options: Any) -> None:
        truth = write(folder, scale)
        self.stdout.write(f"{truth.files} files, {truth.rows:,} rows, in {folder}; the truth: truth.json and truth/")
