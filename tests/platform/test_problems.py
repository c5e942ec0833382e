"""What a person reads when a command cannot start: a message and status 1, never a traceback."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from assay import problems, servers
from tests.platform import embedded_helpers as helpers

REDIS = "redis://localhost:1/0"


@pytest.mark.parametrize(
    ("url", "what", "do"),
    [
        ("postgresql://u:topsecret@localhost:1/x", "Connection refused", "Check host and port"),
        ("postgresql://u:topsecret@no-such-host.invalid/x", "resolve", "Check the host name"),
        ("postgresql:///x?host=/nowhere&user=u", "No such file", "No server listens at that socket"),
        ("mysql://u:topsecret@localhost/x", "starts with 'mysql://'", "Examples: postgresql://"),
        ("localhost:5432/x", "instead of postgresql://", "Examples: postgresql://"),
        ("postgresql://u:topsecret@localhost", "names no database", "Examples: postgresql://"),
        ("postgresql://u:topsecret@localhost:port/x", "cannot be read", "Examples: postgresql://"),
        ("postgresql://u:topsecret@localhost/x?colour=blue", "does not know", "colour"),
    ],
)
def test_a_wrong_database_url_is_explained(url: str, what: str, do: str, tmp_path: Path) -> None:
    result = helpers.manage("migrate", var=tmp_path, DATABASE_URL=url, REDIS_URL=REDIS, DEBUG="1")
    assert result.returncode == 1
    assert what in result.stderr
    assert do in result.stderr
    assert "Traceback" not in result.stderr
    assert "topsecret" not in result.stderr


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (("user=assay_owner", "user=nobody_known"), "Create the role"),
        (("/assay?", "/not_there?"), "Create the database"),
    ],
)
def test_a_missing_role_or_database_is_explained(change: tuple[str, str], what: str, tmp_path: Path) -> None:
    url = os.environ["DATABASE_URL"]
    if change[0] not in url:
        pytest.skip("needs the embedded server's URL")
    result = helpers.manage("migrate", var=tmp_path, DATABASE_URL=url.replace(*change), REDIS_URL=REDIS, DEBUG="1")
    assert (result.returncode, "Traceback" in result.stderr) == (1, False)
    assert what in result.stderr


def test_a_server_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problems, "OLDEST_POSTGRES", 99)
    with pytest.raises(problems.ServerUnusable, match=r"is PostgreSQL \d+, and Assay needs 99 or newer"):
        problems.check_database()


def test_without_debug_a_given_database_needs_a_secret_key(tmp_path: Path) -> None:
    url = os.environ["DATABASE_URL"]
    result = helpers.manage("migrate", "--plan", var=tmp_path, DATABASE_URL=url, REDIS_URL=REDIS)
    assert result.returncode == 1
    assert "SECRET_KEY is not set" in result.stderr
    assert "Traceback" not in result.stderr


def test_production_settings_pass_the_deployment_check(tmp_path: Path) -> None:
    result = helpers.manage(
        "check", "--deploy", "--fail-level", "WARNING", var=tmp_path, DATABASE_URL=os.environ["DATABASE_URL"],
        REDIS_URL=REDIS, SECRET_KEY="k3y-" * 4 + "abcdefghijklmnopqrstuvwxyz0123456789", ALLOWED_HOSTS="assay.example",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("command", [["help"], ["--version"], ["migrate", "--help"], ["check"]])
def test_commands_that_need_no_server_start_none(command: list[str], tmp_path: Path) -> None:
    result = helpers.manage(*command, var=tmp_path)
    assert result.returncode == 0, result.stderr
    assert not (tmp_path / "embedded").exists()
    assert not servers.are_needed(command)


def test_a_taken_port_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        url = os.environ["DATABASE_URL"]
        result = helpers.manage(
            "up",
            "--port",
            str(port),
            var=tmp_path,
            DATABASE_URL=url,
            REDIS_URL=REDIS,
            DEBUG="1",
            ASSAY_WAREHOUSES="retail",
        )
    assert result.returncode == 1
    assert re.search(rf"Port {port} on 127.0.0.1 is taken .*\n.*--port {port + 1}", result.stderr)
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission_to_write_is_explained(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    result = helpers.manage("migrate", var=tmp_path / "var")
    assert result.returncode == 1
    assert "No permission to write" in result.stderr
    assert "ASSAY_VAR" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_path_where_no_folder_can_be_is_explained(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    result = helpers.manage("check", var=tmp_path / "var")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert str(tmp_path / "var") in result.stderr


def test_the_database_url_of_the_tests_has_no_password_in_words() -> None:
    password = urlsplit(os.environ["DATABASE_URL"]).password
    assert password is None or password not in problems.where()
