"""dbshell: Django's, with the psql that comes with the embedded PostgreSQL where PATH has none."""

from __future__ import annotations

import os
import shutil
from typing import Any

from django.core.management.commands import dbshell

from assay.embedded import binaries


class Command(dbshell.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        folder = None if shutil.which("psql") else binaries.client_bin()
        if folder is not None:
            os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), str(folder)])
        super().handle(*args, **options)
