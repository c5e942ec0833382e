"""doctor: looks for what is wrong."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from assay.doctor import examine


class Command(BaseCommand):
    help = "Looks at servers, migrations, roles, guards and accounting lines; says what is wrong and what to do."

    def handle(self, *args: Any, **options: Any) -> None:
        problems = 0
        for finding in examine():
            problems += finding.problem
            mark = self.style.ERROR("✗") if finding.problem else self.style.SUCCESS("✓")
            self.stdout.write(f"{mark} {finding.subject:<11} {finding.detail}")
            if finding.advice:
                self.stdout.write(f"  {'':<11} {finding.advice}")
        if problems:
            self.stderr.write(f"{problems} problem{'s' if problems > 1 else ''} found.")
            sys.exit(1)
        self.stdout.write("All is well.")
