"""Fixtures of the tests of the embedded servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay import embedded


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A `var` folder of the test's own, with servers of its own; what is left of them goes afterwards."""
    folder = tmp_path / "var"
    monkeypatch.setenv("ASSAY_VAR", str(folder))
    yield folder
    monkeypatch.setenv("ASSAY_VAR", str(folder))  # again: the test may have gone elsewhere
    embedded.remove("test")


@pytest.fixture
def servers(var: Path) -> embedded.Servers:
    """The servers of `var`, running."""
    return embedded.start("test")
