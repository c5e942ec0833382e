"""The commands of Assay's parts: web, worker and beat, as `manage.py up` and `demo` run them."""

from __future__ import annotations

import errno
import os
import socket
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from assay import environment
from assay.embedded.places import CHECKOUT, var_dir


def python_path() -> dict[str, str]:
    """The environment in which the parts find the source roots, whether or not the project is installed."""
    roots = [str(CHECKOUT / name) for name in ("platform", "examples", "warehouses", ".")]
    inherited = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    return {"PYTHONPATH": os.pathsep.join([*roots, *inherited]), "DJANGO_SETTINGS_MODULE": "assay.settings"}


def prepare_web() -> None:
    """What the pages need before gunicorn starts: outside DEBUG, the static files in one place with hashed names."""
    if not settings.DEBUG:
        call_command("collectstatic", interactive=False, verbosity=0)


def web(host: str, port: int, workers: int = 2) -> list[str]:
    """gunicorn with threads, so that a page that streams progress does not block the others."""
    return [
        sys.executable, "-m", "gunicorn", "assay.wsgi:application", f"--bind={_address(host, port)}",
        f"--workers={workers}", "--threads=8", "--worker-class=gthread", "--graceful-timeout=5", "--timeout=120",
        "--log-level=warning", "--logger-class=assay.web_logs.GunicornLogger", "--no-control-socket",
    ]  # fmt: skip


def worker(processes: int | None = None) -> list[str]:
    """A Celery worker; `processes` comes from ASSAY_WORKERS unless given."""
    count = processes or environment.number("ASSAY_WORKERS")
    return [
        sys.executable, "-m", "celery", "-q", "-A", "assay", "worker", f"--concurrency={count}", "--loglevel=INFO",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
    ]  # fmt: skip


def beat() -> list[str]:
    """Celery's clock. Its state file is of no importance: schedules are rows of the database."""
    folder = var_dir()
    folder.mkdir(parents=True, exist_ok=True)
    return [
        sys.executable, "-m", "celery", "-q", "-A", "assay", "beat", "--loglevel=WARNING", "--pidfile=",
        f"--schedule={folder / 'celerybeat-schedule'}",
    ]  # fmt: skip


def check_port(host: str, port: int) -> None:
    """Raises ImproperlyConfigured with a clear message if the address cannot be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        raise ImproperlyConfigured(_why(host, port, error)) from error


def _why(host: str, port: int, error: Exception) -> str:
    number = getattr(error, "errno", None)
    other = port + 1 if port < 65_535 else 8000
    if number == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is taken by another program.\n"
            f"End that, or choose another port: --port {other} (with make: PORT={other})."
        )
    if number == errno.EACCES:
        return f"Port {port} is not allowed for you (below 1024 only root may). Choose another: --port 8000."
    return f"The address {host}, port {port} cannot be used: {error}. Choose another with --host and --port."


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
