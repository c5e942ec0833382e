"""What the embedded servers say when the machine does not let them start."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay import embedded
from assay.embedded import binaries, errors, places
from assay.embedded.accounts import find_account
from tests.platform import embedded_helpers as helpers


@pytest.fixture
def small_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk of 20 MB that the servers' homes are on. Not under tmp_path, where the servers' user may not go."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    disk = Path(tempfile.mkdtemp())
    disk.chmod(0o711)
    mount = ["/bin/mount", "-t", "tmpfs", "-o", "size=20m,mode=755", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        disk.rmdir()
        pytest.skip("no right to mount here")
    monkeypatch.setattr(places, "ROOT_HOME", disk / "assay")
    monkeypatch.setenv("ASSAY_VAR", str(disk / "var"))
    yield disk
    subprocess.run(["/bin/umount", "--lazy", str(disk)], check=True)
    disk.rmdir()


def test_a_full_disk_is_said_and_leaves_nothing_half_made(small_disk: Path) -> None:
    instance = embedded.Instance("test", 18)
    services = instance.services()
    with pytest.raises(errors.DiskFull, match=r"The disk is full(.|\n)*ASSAY_VAR"):
        services[0].ensure()
    assert not instance.place.data.exists()
    assert not (instance.place.home / "data.new").exists()


def test_a_server_that_dies_at_its_start_shows_its_last_lines(var: Path) -> None:
    embedded.start("test")
    embedded.stop("test")
    home = embedded.status("test").home
    (home / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(errors.ServerDied, match="ended while it was starting") as caught:
        embedded.start("test")
    assert "initialized by PostgreSQL version 9" in str(caught.value)
    assert str(home) in caught.value.where
    assert not embedded.status("test").guardian


def test_a_foreign_server_at_our_socket_is_noticed(servers: embedded.Servers) -> None:
    instance = embedded.Instance("test", 18)
    postgres = instance.services()[0]
    object.__setattr__(postgres.place, "home", postgres.place.home.parent / "another")
    with pytest.raises(errors.SocketTaken, match="Another PostgreSQL answers"):
        postgres.is_ready()


def test_a_socket_that_nobody_listens_to_is_in_nobodys_way(var: Path) -> None:
    servers = embedded.start("test")
    embedded.stop("test")
    run = embedded.status("test").run
    for name in (".s.PGSQL.5432", "redis.sock"):
        code = "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])"
        process = helpers.python(code.replace("sys.argv[1]", repr(str(run / name))), var)
        assert process.wait() == 0
        process.communicate()
        os.chown(run / name, find_account().uid, -1)
    assert embedded.start("test").database_url == servers.database_url


def test_without_any_redis_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_wheel", lambda package: None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(errors.BinariesMissing, match=r"No Redis is installed(.|\n)*apt-get install redis-server"):
        binaries.redis_server(find_account())
    with pytest.raises(errors.BinariesMissing, match=r"PostgreSQL 18 is not installed(.|\n)*DATABASE_URL"):
        binaries.postgres_bin(18, find_account())


@pytest.mark.parametrize("kind", errors._KINDS.values())
def test_errors_cross_from_the_guardian_unchanged(kind: type[errors.EmbeddedError]) -> None:
    error = kind("It broke.", where="/here", do="Mend it.", log=["one", "two"])
    again = errors.revive(error.as_dict())
    assert (type(again), str(again)) == (kind, str(error))
