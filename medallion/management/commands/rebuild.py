"""`manage.py rebuild TABLE`: writes a table anew from all its inputs."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from medallion.execution.create import create_rebuild
from medallion.execution.errors import RunRefused
from medallion.management.starting import carry_out


class Command(BaseCommand):
    requires_system_checks = ()  # as in run
    help = "Writes a table anew from all its inputs (only differences are written), then loads what it feeds."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("table", help="a table with its schema, as in silver.customers")
        parser.add_argument("--here", action="store_true", help="work in this process, without a worker")
        parser.add_argument("--by", metavar="NAME", default=getpass.getuser(), help="who asks for it (default: you)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = create_rebuild(options["table"], requested_by=options["by"], here=options["here"])
        except RunRefused as refusal:
            raise CommandError(f"{refusal}\n{refusal.hint}") from None
        carry_out(run, self.stdout, here=options["here"])
