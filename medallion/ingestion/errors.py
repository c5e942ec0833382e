"""What can be wrong with a file, in words for the person who has to put it right.

Each message names the file and, where there is one, the line or column, and says what to do. Nothing of a file that
raised one has landed.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches


class IngestionError(Exception):
    """A file that cannot be ingested."""


class FileMissingError(IngestionError):
    """The file does not exist, or nothing matches the source's pattern."""


class NotPermittedError(IngestionError):
    """The operating system or the database refuses."""


class OutsideRootError(IngestionError):
    """The path leads out of the data root: absolute, through `..`, or by a symbolic link."""


class NotAFileError(IngestionError):
    """A folder, a device or a pipe."""


class EmptyFileError(IngestionError):
    """Not even a header."""


class DamagedFileError(IngestionError):
    """An archive that does not unpack, or has not exactly one member."""


class RecordsMissingError(IngestionError):
    """A JSON document has no list of records where the source says. `missing`: the key that is not there."""

    def __init__(self, file: str, path: Sequence[str], missing: str | None) -> None:
        self.missing = missing
        where = ".".join(path) or "its top"
        what = "is neither a list nor an object" if missing is None else f"lacks the key {_short(missing)}"
        super().__init__(
            f"{file}: the records should be at {where}, but the document {what}. Correct records in the source, or the "
            "file."
        )


class FileTooLargeError(IngestionError):
    """More bytes, or a higher compression ratio, than the source allows."""


class FileChangedError(IngestionError):
    """Somebody wrote the file while it was read."""


class DatabaseRefusedError(IngestionError):
    """PostgreSQL refused the rows or the routine for a reason that is not in the file's text."""


class HeaderError(IngestionError):
    """No line that may be the header is the one that the table needs. `where`: file and line."""


class MissingColumnsError(HeaderError):
    """The header lacks declared columns."""

    def __init__(self, where: str, missing: Sequence[str], found: Sequence[str], table: str) -> None:
        self.missing, self.found = tuple(missing), tuple(found)
        near = [_with_nearest(name, found) for name in missing]
        super().__init__(
            f"{where}: the header lacks {_columns(near)} of {table}. It has: {', '.join(map(_short, found))}. "
            f"Correct the file, or give the column in the table's declaration an alias."
        )


class UnknownColumnsError(HeaderError):
    """The header has columns that nobody declared, and the source says FAIL."""

    def __init__(self, where: str, unknown: Sequence[str], table: str, source: str) -> None:
        self.unknown = tuple(unknown)
        super().__init__(
            f"{where}: nobody declared {_columns([_short(name) for name in unknown])}. Add to {table}, or set "
            f"unknown_columns = KEEP in the source {source} to keep such columns in _extra."
        )


class DuplicateColumnsError(HeaderError):
    """Two header cells mean one column."""

    def __init__(self, where: str, name: str, positions: Sequence[int]) -> None:
        cells = " and ".join(str(position + 1) for position in positions)
        super().__init__(
            f"{where}: cells {cells} of the header are both {_short(name)}, and nobody can say which is meant. "
            f"Rename one in the file."
        )


def _columns(names: Sequence[str]) -> str:
    return f"the column {names[0]}" if len(names) == 1 else f"the columns {', '.join(names)}"


def _with_nearest(name: str, found: Sequence[str]) -> str:
    cells = {cell.strip().casefold(): cell for cell in found}
    near = get_close_matches(name.casefold(), cells, n=1)
    return f"{name} (is it {_short(cells[near[0]])}?)" if near else name


def _short(name: str) -> str:
    """A name out of a file: printable, and not longer than a line."""
    shown = repr(name)
    return shown if len(shown) <= 60 else f"{shown[:56]}…'"
