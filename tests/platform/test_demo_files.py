"""The demo finds an example's files, wherever the folder is."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management.base import CommandError

from assay import demo


@pytest.mark.parametrize(("name", "count", "tables"), [("retail", 20, 1), ("ecommerce", 15, 5)])
def test_an_example_takes_the_files_that_it_writes_and_leaves_the_truth(
    name: str, count: int, tables: int, tmp_path: Path
) -> None:
    example = demo.EXAMPLES[name]
    example.write(tmp_path / "anywhere", 0.01)
    found = example.files(tmp_path / "anywhere")
    paths = [path for _, files in found for path in files]
    assert (len(found), len(paths)) == (tables, count)
    assert not [path for path in paths if "truth" in str(path.relative_to(tmp_path))]


def test_a_folder_without_files_of_the_example_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(CommandError, match=r"No file in .* EXAMPLE=ecommerce DATA=folder"):
        demo.ingest(demo.EXAMPLES["ecommerce"], tmp_path)
