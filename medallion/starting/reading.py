"""How a file is written: its encoding, its delimiter, its header; and its first records, as texts."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from medallion.ingestion.content import open_content
from medallion.ingestion.encoding import Encoding, detect
from medallion.ingestion.errors import EmptyFileError, HeaderError
from medallion.ingestion.files import DataFile
from medallion.sources import CsvFiles

#: How many records are looked at.
SAMPLE = 50_000
_DELIMITERS = (",", ";", "\t", "|")
_FIRST_BYTES = 256 * 1024
_FIRST_RECORDS = 200


class AnyFile(CsvFiles):
    """Any file that people name, before they have said anything about it."""

    path = "*"


@dataclass(frozen=True)
class Look:
    """A file as it seems to be written. `encoding`: what the source must say, None where it need not.

    `even`, `seen`: how many of the first records have as many cells as the header.
    """

    path: Path
    headers: tuple[str, ...]
    delimiter: str
    encoding: str | None
    even: int
    seen: int


def look(path: Path) -> Look:
    """Raises an IngestionError where it is no file with a header that can be read."""
    head, encoding = _head(path)
    text = head.decode(encoding.name, "replace")
    whole = text if len(head) < _FIRST_BYTES else text.rpartition("\n")[0]
    found = {delimiter: _records(whole, delimiter) for delimiter in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda one: _evenness(found[one]))
    header, *records = found[delimiter] or [[]]
    headers = tuple(cell.strip() for cell in header)
    _check(path, headers)
    even = sum(len(record) == len(headers) for record in records)
    said = None if encoding.mark or encoding.is_utf8 else encoding.name
    return Look(path, headers, delimiter, said, even, len(records))


def records(found: Look, limit: int = SAMPLE) -> Iterator[list[str | None]]:
    """The first records after the header that have as many cells as it; an empty cell is None."""
    with open_content(DataFile(found.path.name, found.path), AnyFile) as content:
        blocks = content.blocks()
        first = next(blocks, b"")
        encoding = detect(first, found.encoding)
        utf8 = encoding.to_utf8(chain([first], blocks))
        rows = csv.reader(_lines(utf8), delimiter=found.delimiter)
        next(rows, None)
        even = (row for row in rows if len(row) == len(found.headers))
        yield from ([cell.replace("\0", "") or None for cell in row] for row in islice(even, limit))


def _head(path: Path) -> tuple[bytes, Encoding]:
    """The first bytes, unpacked and without a mark, and the encoding in which they make sense."""
    with open_content(DataFile(path.name, path), AnyFile) as content:
        head = b""
        for block in content.blocks():
            head += block
            if len(head) >= _FIRST_BYTES:
                break
    head = head[:_FIRST_BYTES]
    encoding = detect(head, None)
    if encoding.mark:
        return head[encoding.mark :], encoding
    for name in ("utf-8", "cp1252"):
        try:
            # A character that the cut went through is no mistake of the file's.
            head[: len(head) - 4 if len(head) == _FIRST_BYTES else None].decode(name)
        except UnicodeDecodeError:
            continue
        return head, Encoding(name)
    return head, Encoding("latin-1")


def _records(text: str, delimiter: str) -> list[list[str]]:
    try:
        rows = csv.reader(_kept(text), delimiter=delimiter)
        return [row for row in islice(rows, _FIRST_RECORDS) if row]
    except csv.Error:
        return []


def _evenness(found: list[list[str]]) -> tuple[float, int]:
    """How many records have the most frequent number of cells, where that is more than one; and how many cells."""
    if not found:
        return 0, 0
    ((width, records),) = Counter(len(record) for record in found).most_common(1)
    return (records / len(found), width) if width > 1 else (0, 1)


def _lines(blocks: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield from (line.decode("utf-8", "replace") + "\n" for line in lines)
    if rest:
        yield rest.decode("utf-8", "replace")


def _kept(text: str) -> Iterator[str]:
    return (line + "\n" for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def _check(path: Path, headers: tuple[str, ...]) -> None:
    named = [header for header in headers if header]
    if not named:
        raise EmptyFileError(f"{path} is empty: not even a header.")
    folded = Counter(header.casefold() for header in named)
    if doubled := [header for header in named if folded[header.casefold()] > 1]:
        raise HeaderError(f"{path}, line 1: two columns are called {doubled[0]}. Give one of them another name.")
    if all(header.replace(".", "", 1).replace("-", "", 1).isdigit() for header in named):
        raise HeaderError(f"{path}, line 1: {', '.join(named[:3])} is no header. Put a line of names above the data.")
