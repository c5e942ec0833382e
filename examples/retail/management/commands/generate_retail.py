"""generate_retail FOLDER: files like the shop's, with the truth that they hide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from retail.generator import write


class Command(BaseCommand):
    help = "Writes daily files of invoice lines with real dirt, and truth.json: what a warehouse must say of them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--scale", type=float, default=1.0, help="1 is about 40,000 lines (default)")

    def handle(self, *args: Any, folder: Path, scale: float, **options: Any) -> None:
        truth = write(folder, scale)
        self.stdout.write(f"{truth.files} files, {truth.bronze_rows:,} lines, in {folder}; the truth: truth.json")
