"""demo: a working warehouse, with exceptions in it, in the browser."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from assay import demo, parts
from assay.doctor import accounting_line
from assay.processes import PartEnded, Processes


class Command(BaseCommand):
    help = "Fills a warehouse with an example's data through a real worker, and serves its pages."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--example", choices=sorted(demo.EXAMPLES), default="ecommerce")
        parser.add_argument("--data", type=Path, help="a folder with daily files; without it they are generated")
        parser.add_argument("--scale", type=float, default=1.0, help="how much to generate (default 1)")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--no-serve", action="store_true", help="end after checking that the pages answer")

    def handle(self, *args: Any, **options: Any) -> None:
        example = demo.EXAMPLES[options["example"]]
        if not example.tables():
            raise CommandError(f"The example is not installed: add {options['example']} to ASSAY_WAREHOUSES.")
        if options["data"] is not None and not options["data"].is_dir():
            raise CommandError(f"{options['data']} is no folder. Give one with daily files: make demo DATA=folder.")
        parts.check_port(options["host"], options["port"])
        started = time.monotonic()
        self._say("Migrating")
        call_command("migrate", verbosity=0, interactive=False)
        with Processes(quiet=True) as processes:
            env = parts.python_path()
            processes.add("worker", parts.worker(), env)
            processes.add("beat", parts.beat(), env)
            processes.add("web", parts.web(options["host"], options["port"]), env)
            try:
                self._fill(example, options)
                processes.check()
                self._show(example, options, started)
                if not options["no_serve"]:
                    processes.quiet = False
                    processes.wait()
            except PartEnded as error:
                raise CommandError(str(error)) from None

    def _fill(self, example: demo.Example, options: dict[str, Any]) -> None:
        folder = options["data"]
        if folder is None:
            self._say("Generating daily files")
            folder = demo.generate(example, options["scale"])
        self._say(f"Ingesting {folder}")
        for line in demo.ingest(example, folder):
            self.stdout.write(f"  {line}")
        self._say(f"Running the pipeline {example.pipeline} on the worker")
        run = demo.run(example)
        seconds = (run.completed_at - run.started_at).total_seconds() if run.completed_at and run.started_at else 0
        self.stdout.write(f"  run {run.pk} {run.status} in {seconds:.1f} s")

    def _show(self, example: demo.Example, options: dict[str, Any], started: float) -> None:
        host = "localhost" if options["host"] == "127.0.0.1" else options["host"]
        address = f"http://{host}:{options['port']}"
        self._say("Rows by layer")
        for layer, table, count in demo.rows_by_layer(example):
            self.stdout.write(f"  {layer:<7} {table:<34} {count:>10,}")
        self._say("Open exceptions by cause")
        for table, cause, count in demo.open_causes(example):
            self.stdout.write(f"  {count:>8,}  {table}: {cause}")
        self._say("The accounting line: every bronze row has exactly one outcome in each table")
        for name, declared in example.tables().items():
            if declared.layer == "silver":
                self.stdout.write(f"  {accounting_line(name).detail}")
        user, password = demo.superuser()
        pages = demo.check_pages(address, user)
        self._say(f"Ready after {time.monotonic() - started:.0f} s; {len(pages)} pages answer: {address}/")
        known = f"password {password}  (shown this once)" if password else "with the password shown when it was made"
        self.stdout.write(f"  Log in as {user.get_username()}, {known}")
        if password is None:
            self.stdout.write(f"  A new one: manage.py changepassword {user.get_username()}")

    def _say(self, text: str) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(text))
        self.stdout.flush()
