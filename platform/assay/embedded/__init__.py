"""PostgreSQL and Redis that come with the Python packages, run by us for as long as somebody uses them.

    servers = embedded.start()          # or start("test", version=16)
    servers.database_url, servers.redis_url, servers.superuser_url, servers.url_as("etl_service")
    embedded.status(), embedded.stop()

On the command line: `python -m assay.embedded start|stop|status|remove`. Why it is made as it is:
docs/decisions/001-embedded-servers.md.
"""

from assay.embedded.errors import EmbeddedError
from assay.embedded.instance import Instance, Profile
from assay.embedded.launcher import Servers, Status, remove, start, status, stop

__all__ = ["EmbeddedError", "Instance", "Profile", "Servers", "Status", "remove", "start", "status", "stop"]
