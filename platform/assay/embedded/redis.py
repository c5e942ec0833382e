"""The embedded Redis: a Unix socket in the private folder, no TCP, nothing kept on disk.

Redis carries doorbells only; whatever it loses PostgreSQL still knows.
"""

from __future__ import annotations

import socket
from pathlib import Path

from assay.embedded import binaries
from assay.embedded.accounts import Account
from assay.embedded.places import Place
from assay.embedded.service import Service


class Redis(Service):
    """The Redis of one instance."""

    name = "redis"
    title = "Redis"

    def __init__(self, place: Place, account: Account) -> None:
        super().__init__(place, account)
        self.program = binaries.redis_server(account)

    @property
    def socket_path(self) -> Path:
        return self.place.redis_socket

    def prepare(self) -> None:
        """Nothing: it keeps nothing."""

    def command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
            "dir": str(self.place.run),
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        return [str(self.program), *(word for name, value in options.items() for word in (f"--{name}", value))]

    def is_ready(self) -> bool:
        try:
            return self._say(b"PING") == b"+PONG\r\n"
        except OSError:
            return False

    def ask_to_stop(self) -> None:
        self._say(b"SHUTDOWN NOSAVE")

    def _say(self, words: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(5)
            client.connect(str(self.socket_path))
            client.sendall(words + b"\r\n")
            return client.recv(100)
