"""Starting the embedded servers: what one gets, and who may use it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from assay import embedded
from assay.embedded import errors, places
from assay.embedded.accounts import find_account
from tests.platform import embedded_helpers as helpers


def test_the_owner_of_the_database_may_create_roles_and_databases_but_is_no_superuser(
    servers: embedded.Servers,
) -> None:
    with psycopg.connect(servers.database_url) as connection:
        row = connection.execute(
            "SELECT current_user, rolsuper, rolcreatedb, rolcreaterole, current_database(), pg_get_userbyid(datdba) "
            "FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()"
        ).fetchone()
    assert row == ("assay_owner", False, True, True, "assay", "assay_owner")


def test_one_connects_as_any_role_over_the_same_socket(servers: embedded.Servers) -> None:
    with psycopg.connect(servers.superuser_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE etl_service LOGIN")
    with psycopg.connect(servers.url_as("etl_service")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("etl_service",)


def test_text_is_compared_and_lowered_alike_everywhere(servers: embedded.Servers) -> None:
    with psycopg.connect(servers.database_url) as connection:
        row = connection.execute("SELECT lower('ÉÀ'), 'a' > 'B', datlocprovider FROM pg_database LIMIT 1").fetchone()
    assert row == ("éà", True, "b")


def test_there_is_no_tcp_port_and_no_trust(servers: embedded.Servers) -> None:
    with psycopg.connect(servers.superuser_url) as connection:
        listening = connection.execute("SHOW listen_addresses").fetchone()
        methods = connection.execute("SELECT DISTINCT type, auth_method FROM pg_hba_file_rules").fetchall()
        jit = connection.execute("SHOW jit").fetchone()
    assert listening == ("",)
    assert methods == [("local", "peer")]
    assert jit == ("off",)
    with redis.Redis.from_url(servers.redis_url) as client:
        found = [client.config_get(name)[name] for name in ("port", "save", "appendonly")]
    assert found == ["0", "", "no"]


def test_the_folders_of_data_and_sockets_are_private(servers: embedded.Servers) -> None:
    found = embedded.status("test")
    account = find_account()
    for folder in (found.run, found.home / "data"):
        status = folder.lstat()
        assert stat.S_ISDIR(status.st_mode)
        assert stat.S_IMODE(status.st_mode) == 0o700
        assert status.st_uid == account.uid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_local_user_reaches_neither_server(servers: embedded.Servers) -> None:
    found = embedded.status("test")
    code = (
        "import socket, sys\n"
        "for path in sys.argv[1:]:\n"
        "    try: socket.socket(socket.AF_UNIX).connect(path); print('open')\n"
        "    except PermissionError: print('refused')\n"
    )
    python = next(str(path) for path in (Path("/usr/bin/python3"), Path(sys.executable)) if path.exists())
    result = subprocess.run(
        [python, "-c", code, str(found.run / ".s.PGSQL.5432"), str(found.run / "redis.sock")],
        user=65534, group=65534, extra_groups=[], cwd="/", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert result.stdout.split() == ["refused", "refused"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_even_with_an_open_folder_the_server_refuses_another_user(servers: embedded.Servers) -> None:
    run = embedded.status("test").run
    account = find_account()
    reached = [run, *[parent for parent in run.parents if parent != Path("/")]]
    before = {folder: stat.S_IMODE(folder.stat().st_mode) for folder in (run, run.parent, run.parent.parent)}
    try:
        for folder in before:
            folder.chmod(0o777)
        (run / ".s.PGSQL.5432").chmod(0o777)
        # The start-up message of protocol 3 for user postgres; 'R' would be an authentication, 'E' is an error.
        code = (
            "import socket, struct, sys\n"
            "body = struct.pack('!I', 196608) + b'user\\0postgres\\0database\\0postgres\\0\\0'\n"
            "client = socket.socket(socket.AF_UNIX); client.connect(sys.argv[1])\n"
            "client.sendall(struct.pack('!I', len(body) + 4) + body); print(client.recv(500))\n"
        )
        result = subprocess.run(
            ["/usr/bin/python3", "-c", code, str(run / ".s.PGSQL.5432")],
            user=65534, group=65534, extra_groups=[], cwd="/", capture_output=True, text=True, check=True,
        )  # fmt: skip
    finally:
        for folder, mode in before.items():
            folder.chmod(mode)
    assert account.uid != 65534
    assert len(reached) > 2
    assert "Peer authentication failed" in result.stdout


def test_a_second_start_in_the_same_process_is_the_same_servers(servers: embedded.Servers) -> None:
    assert embedded.start("test") is servers


def test_two_starts_at_the_same_moment_get_the_same_servers(var: Path) -> None:
    code = "from assay import embedded; print(embedded.start('test').database_url)"
    processes = [helpers.python(code, var) for _ in range(3)]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert {errors for _, errors in outputs} == {""}
    assert len({url for url, _ in outputs}) == 1


@pytest.mark.slow
def test_two_checkouts_have_servers_of_their_own(
    servers: embedded.Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_VAR", str(tmp_path / "other"))
    try:
        other = embedded.start("test")
        with psycopg.connect(other.database_url) as there, psycopg.connect(servers.database_url) as here:
            there.execute("CREATE TABLE only_there ()")
            there.commit()
            assert here.execute("SELECT to_regclass('only_there')").fetchone() == (None,)
    finally:
        embedded.remove("test")


def test_a_path_of_150_characters_with_spaces_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ("a folder with spaces, and a comma, " + "x" * 115)
    monkeypatch.setenv("ASSAY_VAR", str(folder))
    try:
        servers = embedded.start("test")
        with psycopg.connect(servers.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert len(os.fsencode(embedded.status("test").run / ".s.PGSQL.5432")) < 100
    finally:
        embedded.remove("test")


def test_a_long_path_of_an_ordinary_user_gets_a_socket_in_a_folder_of_his_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_VAR", "/home/somebody/" + "long/" * 25)
    monkeypatch.setattr("os.geteuid", lambda: 1234)
    place = places.find_place("test-18")
    assert str(place.run).startswith("/tmp/assay-1234-")  # noqa: S108
    assert len(str(place.run / ".s.PGSQL.5432")) < 100


@pytest.mark.parametrize("trick", ["link", "open", "foreign"])
def test_a_private_folder_that_is_not_ours_is_refused(trick: str, tmp_path: Path) -> None:
    folder, uid = tmp_path / "run", os.geteuid()
    if trick == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.mkdir(mode=0o700)
        folder.chmod(0o755 if trick == "open" else 0o700)
    with pytest.raises(errors.UnsafeDirectory, match="not safe to use") as caught:
        places.private_dir(folder, 0o700, uid + 1 if trick == "foreign" else uid, os.getegid())
    assert caught.value.where == str(folder)
