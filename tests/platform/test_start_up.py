"""What a command does not need it does not import: starting must not take longer than the work."""

from __future__ import annotations

import subprocess
import sys

_INGEST = """
import sys, django
django.setup()
from django.core.management import load_command_class
from medallion.registry import warehouse
load_command_class("medallion", "ingest")
warehouse().bronze_specs
print(*sorted(sys.modules))
"""
COSTLY = {
    "celery", "kombu", "redis", "httpx", "sqlglot", "holidays", "medallion.compile", "medallion.checks",
    "lineage.views", "quality.views", "medallion.views", "lineage.admin", "django.contrib.auth.admin",
}  # fmt: skip


def test_an_ingestion_loads_no_pages_no_parser_and_no_messages() -> None:
    started = subprocess.run([sys.executable, "-c", _INGEST], capture_output=True, text=True, check=True)
    assert not COSTLY & set(started.stdout.split())


def test_the_pages_and_the_admin_s_models_are_there_when_somebody_asks_for_them() -> None:
    # In a process that has asked for nothing else before.
    program = (
        "import django; django.setup(); from django.urls import reverse\n"
        "print(reverse('admin:exceptions'), reverse('admin:auth_user_changelist'))"
    )
    asked = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert asked.stdout.split() == ["/admin/exceptions/", "/admin/auth/user/"]
