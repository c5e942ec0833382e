"""The pairs of servers there are: for work (`default`), for tests (`test`), and Redis alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from assay.embedded.accounts import find_account
from assay.embedded.errors import BinariesMissing
from assay.embedded.places import Place, find_place, prepare
from assay.embedded.postgres import DATABASE, OWNER, SUPERUSER, Postgres
from assay.embedded.redis import Redis
from assay.embedded.service import Service

Profile = Literal["default", "test", "redis"]


@dataclass(frozen=True)
class Instance:
    """What identifies a pair of servers: the profile and PostgreSQL's major version. Building it touches nothing."""

    profile: Profile
    version: int

    @property
    def name(self) -> str:
        return self.profile if self.profile == "redis" else f"{self.profile}-{self.version}"

    @property
    def place(self) -> Place:
        return find_place(self.name)

    @property
    def database_url(self) -> str:
        """As the owner of the database; empty for the profile `redis`."""
        return "" if self.profile == "redis" else self.url_as(OWNER)

    @property
    def superuser_url(self) -> str:
        return "" if self.profile == "redis" else self.url_as(SUPERUSER)

    @property
    def redis_url(self) -> str:
        return f"unix://{quote(str(self.place.redis_socket))}?db=0"

    def url_as(self, role: str) -> str:
        """The database's URL for another role, e.g. `etl_service`: the same socket, no password."""
        return f"postgresql:///{DATABASE}?host={quote(str(self.place.run), safe='')}&user={quote(role)}"

    def services(self) -> list[Service]:
        """The servers, ready to be started; makes the account and the private folders they need."""
        account, place = find_account(), self.place
        prepare(place, account)
        services: list[Service] = []
        if self.profile != "redis":
            services.append(Postgres(place, account, self.version, durable=self.profile != "test"))
        try:
            services.append(Redis(place, account))
        except BinariesMissing:
            # Where there is none, one may bring a Redis of one's own and still use the embedded PostgreSQL.
            if os.environ.get("REDIS_URL", "") in ("", self.redis_url):
                raise
        return services


def parse(name: str) -> Instance:
    """The instance of a name such as `default-18`; ValueError for anything else."""
    profile, _, version = name.partition("-")
    if name == "redis":
        return Instance("redis", 0)
    if profile == "default":
        return Instance("default", int(version))
    if profile == "test":
        return Instance("test", int(version))
    raise ValueError(f"There is no instance {name!r}: they are called default-18, test-18, test-16, redis.")
