"""The container files, checked without an engine."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from assay.embedded.places import CHECKOUT
from assay.environment import VARIABLES

COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text()
# Servers for tests and set by the image itself; ASSAY_WORKERS is for `manage.py up` alone.
NOT_IN_COMPOSE = {"ASSAY_VAR", "ASSAY_WORKERS"}


def test_the_same_parts_run_as_services() -> None:
    assert set(SERVICES) == {"postgres", "redis", "migrate", "web", "worker", "beat"}
    assert SERVICES["postgres"]["image"].startswith("postgres:18")


@pytest.mark.parametrize("name", SERVICES)
def test_each_image_has_a_tag(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].partition(":")
    assert image
    assert tag not in ("", "latest")


def test_the_base_image_has_a_version() -> None:
    assert re.search(r"^FROM python:3\.\d+-slim\S*$", DOCKERFILE, re.M)


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_has_a_health_check(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check.get("test") or (name == "migrate" and check == {"disable": True})


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_runs_as_root_or_may_write_its_image(name: str) -> None:
    service = SERVICES[name]
    assert service.get("user", "assay") not in ("root", "0")
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    if "build" in service:
        assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.M)[-1] == "assay"


def test_the_environment_names_are_those_of_the_table() -> None:
    declared = {variable.name for variable in VARIABLES}
    for name in ("migrate", "web", "worker", "beat"):
        assert set(SERVICES[name]["environment"]) == declared - NOT_IN_COMPOSE
    in_image = set(re.findall(r"^\s*(?:ENV )?([A-Z_]+)=", DOCKERFILE, re.M))
    assert {name for name in in_image if name.startswith("ASSAY")} <= declared


def test_secrets_come_from_outside() -> None:
    text = (CHECKOUT / "docker-compose.yml").read_text()
    for line in text.splitlines():
        if re.match(r"\s+(SECRET_KEY|POSTGRES_PASSWORD|DATABASE_URL):", line):
            assert ":?" in line, line


def test_packages_are_installed_with_hashes() -> None:
    assert "--require-hashes" in DOCKERFILE
    assert "requirements/base.txt" in DOCKERFILE
