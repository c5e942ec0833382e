"""`python -m assay.embedded start|stop|status|remove [--profile test] [--version 16]`."""

from __future__ import annotations

import argparse
import signal
import sys

from assay import embedded


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m assay.embedded", description="The embedded PostgreSQL and Redis.")
    parser.add_argument("action", choices=list(_ACTIONS), help="start keeps them until Ctrl-C; remove deletes the data")
    parser.add_argument("--profile", choices=["default", "test", "redis"], default="default")
    parser.add_argument("--version", type=int, choices=[18, 16], default=18, help="of PostgreSQL")
    parser.add_argument("--yes", action="store_true", help="for remove: yes, delete the data")
    options = parser.parse_args(arguments)
    if options.action == "remove" and not options.yes:
        parser.error("remove deletes all data of the embedded servers for good; add --yes if you mean it")
    try:
        return _ACTIONS[options.action](options.profile, options.version)
    except embedded.EmbeddedError as error:
        print(error, file=sys.stderr)
        return 1


def _start(profile: embedded.Profile, version: int) -> int:
    servers = embedded.start(profile, version)
    print(f"DATABASE_URL='{servers.database_url}'\nREDIS_URL='{servers.redis_url}'", flush=True)
    print("Running until Ctrl-C.", file=sys.stderr, flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


def _stop(profile: embedded.Profile, version: int) -> int:
    embedded.stop(profile, version)
    print("The embedded servers are stopped.")
    return 0


def _remove(profile: embedded.Profile, version: int) -> int:
    embedded.remove(profile, version)
    return 0


def _status(profile: embedded.Profile, version: int) -> int:
    found = embedded.status(profile, version)
    for title, runs in (("PostgreSQL", found.postgres), ("Redis", found.redis), ("guardian", found.guardian)):
        print(f"{title:<11} {'running' if runs else 'stopped'}")
    print(f"{'in use':<11} {'yes' if found.in_use else 'no'}\n{'data':<11} {found.home}\n{'sockets':<11} {found.run}")
    return 0 if found.postgres and found.redis else 3


_ACTIONS = {"start": _start, "stop": _stop, "status": _status, "remove": _remove}

if __name__ == "__main__":
    # Blocked from the first moment: a signal then waits for sigwait instead of ending us with a traceback.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    sys.exit(main())
