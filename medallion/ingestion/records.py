"""Reads a file that COPY would not take: good records as they stand, bad ones with the reason.

Slower than COPY by far, so it is only for files in which something is wrong, or that bring columns nobody declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from medallion.ingestion.errors import DamagedFileError
from medallion.ingestion.header import Dialect, Layout

# A quote that is never closed would make one record of the rest of the file. So a record that does not end within
# this many bytes is a bad one, and only its first line.
LONGEST = 4 * 1024 * 1024


class Record(NamedTuple):
    """A record: its number (the first after the header is 1), the line it begins in, its bytes without the line end,
    and what is wrong with it (None: nothing)."""

    number: int
    line: int
    raw: bytes
    reason: str | None


class RecordReader:
    """Cuts a stream of UTF-8 blocks, without header, into records. For one reading."""

    def __init__(self, layout: Layout, file: str, encoding: str) -> None:
        self.dialect, self.width, self.file, self.encoding = layout.dialect, layout.width, file, encoding
        self.grammar = Grammar(layout.dialect)
        self._number, self._line = 0, layout.first_line

    def read(self, blocks: Iterable[bytes]) -> Iterator[list[Record]]:
        """The records, some at a time. Blank lines are none, unless the file has one column only."""
        rest = b""
        for block in blocks:
            records, rest = self._cut(rest + block, final=False)
            yield records
        if rest:
            yield self._cut(rest + self.dialect.newline, final=True)[0]

    def _cut(self, data: bytes, final: bool) -> tuple[list[Record], bytes]:
        if self.dialect.quote in data:
            return self._cut_quoted(data, final)
        *lines, rest = data.split(self.dialect.newline)
        if len(rest) > LONGEST:
            raise DamagedFileError(f"{self.file}, line {self._line + len(lines)}: longer than {LONGEST:,} bytes.")
        # Without quotes all that can be wrong with a line's structure is half a line end in it.
        stray = b"\r" if self.dialect.newline == b"\n" else b"\n"
        return [record for line in lines if (record := self._record(line, stray not in line.removesuffix(b"\r")))], rest

    def _cut_quoted(self, data: bytes, final: bool) -> tuple[list[Record], bytes]:
        records, start, newline = [], 0, self.dialect.newline
        while start < len(data):
            match = self.grammar.record.match(data, start)
            if match is None and not final and len(data) - start <= LONGEST:
                break  # it may go on in the next block
            end = match.end() if match else data.find(newline, start) + 1
            if end == 0:
                raise DamagedFileError(f"{self.file}, line {self._line}: longer than {LONGEST:,} bytes.")
            if record := self._record(data[start : end - 1], structured=match is not None):
                records.append(record)
            start = end
        return records, data[start:]

    def _record(self, raw: bytes, structured: bool) -> Record | None:
        if raw.endswith(b"\r") and self.dialect.newline == b"\n":
            raw = raw[:-1]
        line, self._line = self._line, self._line + 1
        if self.dialect.newline in raw:
            self._line += raw.count(self.dialect.newline)
        if not raw and self.width > 1:
            return None
        self._number += 1
        return Record(self._number, line, raw, self._fault(raw, structured))

    def _fault(self, raw: bytes, structured: bool) -> str | None:
        if b"\0" in raw:
            return f"A NUL character stands at byte {raw.index(0) + 1}; text cannot hold it."
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            return f"Byte {error.start + 1} of the line does not decode as {self.encoding}."
        if not structured:
            return self.grammar.explain(raw)
        width = self.grammar.width(raw)
        if width != self.width:
            return f"It has {width} cell{'s' * (width != 1)} where the header has {self.width}."
        return None


class Grammar:
    """CSV as regular expressions over bytes. Spaces around a quoted cell are let pass, as COPY does."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        d, q = re.escape(dialect.delimiter), re.escape(dialect.quote)
        quoted = rb" *+" + q + rb"[^" + q + rb"]*+(?:" + q + q + rb"[^" + q + rb"]*+)*+" + q + rb" *+"
        bare = rb"[^" + q + d + rb"\r\n]*+"
        cell = rb"(?>" + quoted + rb"|" + bare + rb")"
        end = rb"\r?\n" if dialect.newline == b"\n" else rb"\r"
        self.record = re.compile(cell + rb"(?:" + d + cell + rb")*+" + end)
        self.quoted = re.compile(quoted)
        self._cell = re.compile(cell)
        self._quoted_parts = re.compile(rb"( *)" + q + rb"(.*)" + q + rb"( *)", re.DOTALL)

    def cells(self, raw: bytes) -> list[bytes]:
        """The cells of a good record as they stand, with their quotes."""
        if self.dialect.quote not in raw:
            return raw.split(self.dialect.delimiter)
        cells, place = [], 0
        while place <= len(raw):
            cell = self._cell.match(raw, place)
            assert cell is not None  # noqa: S101 (a bare cell may be empty, so there is always one)
            cells.append(cell.group())
            place = cell.end() + 1
        return cells

    def width(self, raw: bytes) -> int:
        """How many cells a well-formed record has."""
        if self.dialect.quote in raw:
            raw = self.quoted.sub(b"", raw)
        return raw.count(self.dialect.delimiter) + 1

    def value(self, cell: bytes) -> str | None:
        """What COPY makes of a cell: nothing without quotes is NULL, nothing within quotes an empty text."""
        parts = self._quoted_parts.fullmatch(cell)
        if parts is None:
            return cell.decode() or None
        before, text, after = parts.groups()
        return (before + text.replace(self.dialect.quote * 2, self.dialect.quote) + after).decode()

    def explain(self, raw: bytes) -> str:
        """Why a line is not a record."""
        place = column = 0
        while True:
            column += 1
            cell = self._cell.match(raw, place)
            place = cell.end() if cell else place
            following = raw[place : place + 1]
            if following != self.dialect.delimiter:
                break
            place += 1
        if following in (b"\r", b"\n"):
            return f"A line break stands in cell {column} without quotes around it."
        if following == self.dialect.quote and (cell is None or not cell.group().strip(b" ")):
            return f"The quote that opens cell {column} is not closed where a cell can end."
        if following == self.dialect.quote and cell is not None and self.dialect.quote not in cell.group():
            return f"A quote stands in the middle of cell {column}, which does not begin with one."
        return f"Text follows the closing quote of cell {column}."
