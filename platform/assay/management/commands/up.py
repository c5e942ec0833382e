"""`manage.py up`: everything in the foreground: servers, migrations, worker, beat and the pages."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from assay import parts, problems
from assay.processes import PartEnded, Processes


class Command(BaseCommand):
    help = "Runs Assay: starts the servers, migrates, and runs worker, beat and the pages until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000)")
        parser.add_argument("--no-migrate", action="store_true", help="leave the database as it is")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = str(options["host"]), int(options["port"])
        # The port first: nobody wants to wait for migrations to learn that it is taken.
        parts.check_port(host, port)
        if not options["no_migrate"]:
            call_command("migrate", verbosity=0, interactive=False)
        parts.prepare_web()
        with Processes() as processes:
            processes.say(f"PostgreSQL: {problems.where()}")
            env = parts.python_path()
            processes.add("worker", parts.worker(), env)
            processes.add("beat", parts.beat(), env)
            processes.add("web", parts.web(host, port), env)
            processes.say(f"http://{'localhost' if host == '127.0.0.1' else host}:{port}/  (Ctrl-C ends everything)")
            try:
                processes.wait()
            except PartEnded as error:
                raise CommandError(str(error)) from None
            processes.say("Ending…")
        self.stdout.write("Everything has ended.")
