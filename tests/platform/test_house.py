"""The rules of the house that nothing else would notice."""

from __future__ import annotations

import base64
import hashlib
import platform
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import django.contrib.admin
import pytest
from django.conf import settings

from assay.embedded.places import CHECKOUT
from assay.environment import VARIABLES


def test_the_folder_platform_does_not_hide_the_standard_library() -> None:
    assert not (CHECKOUT / "platform" / "__init__.py").exists()
    assert Path(platform.__file__).parent == Path(sysconfig.get_paths()["stdlib"])
    code = f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); import platform; print(platform.python_version())"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == platform.python_version()


def test_the_reference_lists_every_variable_as_it_is_declared() -> None:
    text = (CHECKOUT / "docs" / "reference" / "settings.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\S.*?) \| (.*) \|$", text, re.M)
    declared = [(v.name, f"`{v.default}`" if v.default else "(none)", v.help) for v in VARIABLES]
    assert rows == declared


def test_no_other_variable_is_read() -> None:
    declared = {variable.name for variable in VARIABLES}
    for path in (CHECKOUT / "platform" / "assay").rglob("*.py"):
        for name in re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", path.read_text()):
            assert name in declared | {"PATH", "PYTHONPATH", "NO_COLOR"}, f"{path.name} reads {name}"


def test_the_locks_belong_to_pyproject() -> None:
    script = CHECKOUT / "requirements" / "lock.py"
    result = subprocess.run([sys.executable, script, "check"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", ["base", "embedded", "dev"])
def test_no_lock_says_where_packages_came_from(name: str) -> None:
    text = (CHECKOUT / "requirements" / f"{name}.txt").read_text()
    assert not re.search(r"https?://|file:|--\w*index|--find-links|/home/|/root/", text)


def test_the_one_inline_style_of_the_admin_is_the_one_allowed() -> None:
    templates = Path(django.contrib.admin.__file__).parent / "templates"
    styles = [
        style
        for path in templates.rglob("*.html")
        for style in re.findall(r"<style>(.*?)</style>", path.read_text(), re.S)
    ]
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" for style in styles}
    allowed = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]["style-src"]
    assert hashes == {source for source in allowed if source.startswith("'sha256-")}
    assert "'unsafe-inline'" not in str(settings.CONTENT_SECURITY_POLICY)
