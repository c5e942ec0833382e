"""The embedded PostgreSQL: its cluster, its configuration, its first database.

Who may connect: nobody but the owner of the servers, by two independent locks. The socket stands in a folder that only
the owner may enter, and `peer` authentication asks the kernel who is at the other end. There is no password, no
`trust`, and no TCP port. Over the socket the owner may connect as any role of the database (`assay_owner`,
`etl_service`, …), because pg_ident maps him to all of them.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from assay.embedded import binaries
from assay.embedded.accounts import Account
from assay.embedded.errors import NO_SPACE, ServerDied, SocketTaken, disk_full, explained
from assay.embedded.places import POSTGRES_SOCKET, Place
from assay.embedded.service import Service
from assay.embedded.tuning import settings

SUPERUSER = "postgres"
OWNER = "assay_owner"
DATABASE = "assay"


class Postgres(Service):
    """One PostgreSQL cluster of one instance."""

    name = "postgres"
    title = "PostgreSQL"

    def __init__(self, place: Place, account: Account, version: int, *, durable: bool) -> None:
        super().__init__(place, account)
        self.durable = durable
        self.bin = binaries.postgres_bin(version, account)
        self.version = version

    @property
    def socket_path(self) -> Path:
        return self.place.run / POSTGRES_SOCKET

    def prepare(self) -> None:
        with explained(self.place.home):
            if not self.place.data.exists():
                self._initdb()
            self._write_conf()

    def command(self) -> list[str]:
        conf = self.place.conf / "postgresql.conf"
        return [str(self.bin / "postgres"), "-D", str(self.place.data), f"--config-file={conf}"]

    def environment(self) -> dict[str, str]:
        # After a crash postmaster.pid stays behind, and its process id may be in use again by something else (in a
        # container it nearly always is), which PostgreSQL takes for itself. Nobody answers at our socket, so we tell it
        # to overlook that one id. It still refuses to start while any process uses the cluster's shared memory.
        try:
            stale = (self.place.data / "postmaster.pid").read_text().split("\n", 1)[0].strip()
        except OSError:
            stale = ""
        return super().environment() | ({"PG_GRANDPARENT_PID": stale} if stale.isdigit() else {})

    def may_retry(self, tail: list[str], deadline: float) -> bool:
        # After kill -9 of the postmaster its backends need a moment to notice and go.
        return any("is still in use" in line for line in tail)

    def is_ready(self) -> bool:
        try:
            with self.connect() as connection:
                return self._is_ours(connection)
        except psycopg.OperationalError:
            return False

    def connect(self, database: str = "postgres") -> psycopg.Connection[TupleRow]:
        """A connection as the superuser, in autocommit."""
        return psycopg.connect(
            host=str(self.place.run), port=5432, user=SUPERUSER, dbname=database, connect_timeout=10, autocommit=True
        )

    def after_start(self) -> None:
        """Creates the owner and the database, the first time."""
        with self.connect() as connection:
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER]).rowcount:
                owner = sql.Identifier(OWNER)
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE NOSUPERUSER").format(owner))
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
                names = (sql.Identifier(DATABASE), sql.Identifier(OWNER))
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))

    def ask_to_stop(self) -> None:
        # The server itself says which process it is: an id from a file could be somebody else's by now.
        try:
            with self.connect() as connection:
                row = connection.execute("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)").fetchone()
        except psycopg.OperationalError as error:
            raise OSError(f"PostgreSQL does not take a connection: {error}") from error
        if row:
            os.kill(int(row[0]), signal.SIGINT)

    def _is_ours(self, connection: psycopg.Connection[TupleRow]) -> bool:
        row = connection.execute("SHOW data_directory").fetchone()
        if row is None or os.path.realpath(row[0]) != os.path.realpath(self.place.data):
            raise SocketTaken(
                f"Another PostgreSQL answers at our socket; its data is in {row[0] if row else '?'}.",
                where=self.socket_path,
                do="Stop that server, or set ASSAY_VAR to another folder.",
            )
        return True

    def _initdb(self) -> None:
        draft = self.place.home / "data.new"
        shutil.rmtree(draft, ignore_errors=True)  # of a start that was killed here
        draft.mkdir(mode=0o700)
        if self.account.switched:
            os.chown(draft, self.account.uid, self.account.gid)
        locale = ["--locale=C.UTF-8", *(["--locale-provider=builtin"] if self.version >= 17 else [])]
        command = [
            str(self.bin / "initdb"), "-D", str(draft), f"--username={SUPERUSER}", "--encoding=UTF8", *locale,
            "--auth-local=peer", "--auth-host=reject", "--data-checksums", "--no-instructions",
            *([] if self.durable else ["--no-sync"]),
        ]  # fmt: skip
        done = self.account.run(command, str(self.place.run), binaries.clean_env())
        if done.returncode != 0:
            shutil.rmtree(draft, ignore_errors=True)
            raise self._initdb_failed(done.stdout)
        draft.rename(self.place.data)

    def _initdb_failed(self, output: str) -> Exception:
        if NO_SPACE in output:
            return disk_full(self.place.home)
        return ServerDied(
            "PostgreSQL's data folder could not be made.",
            where=self.place.data,
            do="Read initdb's last lines below.",
            log=output.splitlines()[-12:],
        )

    def _write_conf(self) -> None:
        """Writes the configuration anew at each start, outside the data folder, where the server may not change it."""
        users = sorted({self.account.name, pwd.getpwuid(os.geteuid()).pw_name})
        files = {
            "postgresql.conf": settings(self.place, durable=self.durable),
            "pg_hba.conf": "# Nobody else: no TCP, no password, no trust.\nlocal all all peer map=assay\n",
            "pg_ident.conf": "".join(f'assay "{user}" all\n' for user in users),
        }
        for name, text in files.items():
            path = self.place.conf / name
            draft = path.with_suffix(".new")
            draft.write_text(text)
            draft.chmod(0o640 if self.account.switched else 0o600)
            if self.account.switched:
                os.chown(draft, 0, self.account.gid)
            draft.replace(path)
