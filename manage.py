#!/usr/bin/env python
"""Assay's command line: `python manage.py help` lists the commands."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def main() -> None:
    # The source roots, so that the commands work from a plain checkout too (docs/explanation/architecture.md).
    sys.path[:0] = [str(ROOT / name) for name in ("platform", "examples", "warehouses")]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assay.settings")
    from django.core.management import execute_from_command_line

    from assay import problems, servers

    arguments = sys.argv[1:]
    with problems.explained(arguments):
        if servers.are_needed(arguments):
            servers.ensure()
            if not servers.is_embedded_database():
                problems.check_database()
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
