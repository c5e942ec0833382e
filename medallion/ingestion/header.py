"""The first line of a file: which cell is which column, and how the file is written."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from medallion.ingestion.errors import (
    DuplicateColumnsError,
    EmptyFileError,
    HeaderError,
    MissingColumnsError,
    UnknownColumnsError,
)
from medallion.ingestion.spec import BronzeColumn, BronzeSpec
from medallion.sources import FAIL

_DELIMITERS = (",", ";", "\t", "|")
_LONGEST = 1024 * 1024


@dataclass(frozen=True)
class Dialect:
    """How records are written. `newline` ends them: LF (a CR before it is part of it) or, in old files, CR alone."""

    delimiter: bytes
    quote: bytes
    newline: bytes


@dataclass(frozen=True)
class Layout:
    """What a file's header says. Positions count its cells from 0; `first_line` is the line after it, from 1."""

    dialect: Dialect
    width: int
    columns: tuple[tuple[int, str], ...]
    extras: tuple[tuple[int, str], ...]
    first_line: int


def read_layout(blocks: Iterator[bytes], file: str, spec: BronzeSpec) -> tuple[Layout, Iterator[bytes]]:
    """Cut the header off a stream of UTF-8 blocks: what it says, and the stream after it.

    Of the first lines of which the source says that one may be the header (`header_within`), the first that names all
    declared columns; what stands above it is no data. Raises EmptyFileError or a HeaderError. Columns nobody declared
    are in `extras` unless the source says FAIL.
    """
    quote, line, missed = spec.csv.quote.encode(), 1, list[MissingColumnsError]()
    while True:
        header, newline, rest = _cut(blocks, file, quote)
        where = f"{file}, line {line}"
        delimiter, cells = _split(_text(header, where, spec), where, spec)
        line += header.count(newline) + 1
        try:
            columns = _match(cells, where, spec)
            break
        except MissingColumnsError as error:
            missed.append(error)
            blocks, more = _peek(rest)
            if len(missed) == spec.csv.header_within or not more:
                # The line that comes nearest; the first of several.
                raise min(missed, key=lambda error: len(error.missing)) from None
    taken = {position for position, _ in columns}
    extras = tuple((n, cell.strip() or f"column {n + 1}") for n, cell in enumerate(cells) if n not in taken)
    _check_extras(extras, where, spec)
    return Layout(Dialect(delimiter.encode(), quote, newline), len(cells), columns, extras, line), rest


def _peek(blocks: Iterator[bytes]) -> tuple[Iterator[bytes], bool]:
    """The same stream, and whether anything but blanks is left in it."""
    seen = []
    for block in blocks:
        seen.append(block)
        if block.strip():
            return chain(seen, blocks), True
    return iter(seen), False


def _cut(blocks: Iterator[bytes], file: str, quote: bytes) -> tuple[bytes, bytes, Iterator[bytes]]:
    data = b""
    for block in blocks:
        data += block
        end = _end_of_record(data, quote)
        # A CR that is the last byte so far may be half of a CR LF.
        if end is not None and (end + 1 < len(data) or data[end:] == b"\n"):
            break
        if len(data) > _LONGEST:
            raise HeaderError(f"{file}, line 1: no header ends within {_LONGEST:,} bytes. Is it a CSV file?")
    end = _end_of_record(data, quote)
    if not data.strip():
        raise EmptyFileError(f"{file} is empty: not even a header. Send it again, or take it away.")
    if end is None:
        return data, b"\n", blocks
    wide = 2 if data[end : end + 2] == b"\r\n" else 1
    newline = b"\r" if wide == 1 and data[end : end + 1] == b"\r" else b"\n"
    return data[:end], newline, chain([data[end + wide :]], blocks)


def _end_of_record(data: bytes, quote: bytes) -> int | None:
    """Where the first line break outside of quotes stands."""
    start = 0
    for n, piece in enumerate(data.split(quote)):
        if n % 2 == 0:
            breaks = [place for mark in (b"\n", b"\r") if (place := piece.find(mark)) >= 0]
            if breaks:
                return start + min(breaks)
        start += len(piece) + len(quote)
    return None


def _text(header: bytes, where: str, spec: BronzeSpec) -> str:
    advice = f'Declare encoding = "…" (as in "cp1252" or "utf-16") in the source {spec.source.__name__}.'
    if b"\0" in header:
        raise HeaderError(f"{where}: the header contains NUL bytes; it is no text, or UTF-16 unmarked. {advice}")
    try:
        return header.decode()
    except UnicodeDecodeError as error:
        what = f"the header does not decode (byte 0x{header[error.start]:02X})"
        raise HeaderError(f"{where}: {what}. {advice}") from error


def _split(text: str, where: str, spec: BronzeSpec) -> tuple[str, list[str]]:
    """The delimiter that finds most of the declared columns, and the cells that it makes."""
    source = spec.csv
    candidates = _DELIMITERS if source.delimiter is None else (source.delimiter,)
    try:
        splits = {delimiter: _cells(text, delimiter, source.quote) for delimiter in candidates}
    except csv.Error as error:
        raise HeaderError(f"{where}: the header is not CSV ({error}). Correct the file.") from error
    known = {_fold(name) for column in spec.columns for name in (column.name, *column.aliases)}
    best = max(splits, key=lambda delimiter: sum(_fold(cell) in known for cell in splits[delimiter]))
    return best, splits[best]


def _cells(text: str, delimiter: str, quote: str) -> list[str]:
    """The cells of a line; a quote that is also a candidate for the delimiter splits nothing."""
    if delimiter == quote:
        return [text]
    return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote), [""])


def _match(cells: Sequence[str], where: str, spec: BronzeSpec) -> tuple[tuple[int, str], ...]:
    found = [(_position(column, cells, where), column.name) for column in spec.columns]
    missing = [name for position, name in found if position is None]
    if missing:
        raise MissingColumnsError(where, missing, cells, spec.target)
    placed = sorted((position, name) for position, name in found if position is not None)
    for (position, name), (next_position, next_name) in pairwise(placed):
        if position == next_position:
            raise HeaderError(
                f"{where}: cell {position + 1} of the header is both {name} and {next_name} of {spec.target}. "
                "Correct their aliases in the declaration."
            )
    return tuple(placed)


def _position(column: BronzeColumn, cells: Sequence[str], where: str) -> int | None:
    """By name before alias, exactly before roughly."""
    for form in (str, _fold):
        for name in (column.name, *column.aliases):
            positions = [n for n, cell in enumerate(cells) if form(cell) == form(name)]
            if len(positions) > 1:
                raise DuplicateColumnsError(where, cells[positions[0]], positions)
            if positions:
                return positions[0]
    return None


def _check_extras(extras: Iterable[tuple[int, str]], where: str, spec: BronzeSpec) -> None:
    seen: dict[str, int] = {}
    for position, name in extras:
        if name in seen:
            raise DuplicateColumnsError(where, name, (seen[name], position))
        seen[name] = position
    if seen and spec.csv.unknown_columns is FAIL:
        raise UnknownColumnsError(where, list(seen), spec.target, spec.source.__name__)


def _fold(cell: str) -> str:
    return cell.strip().casefold()
