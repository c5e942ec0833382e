"""Is a stream what COPY takes it for? Asked of whole blocks, at the speed of memory, while COPY reads them.

COPY lets a quote open anywhere. In `1,5" pipe` and, lines later, `2,6" pipe` it therefore sees one cell with line
breaks in it, and swallows the lines between without a word. And before PostgreSQL 18 a line `\\.` ends the data, also
without a word. A file with either is read record by record instead.
"""

from __future__ import annotations

from collections.abc import Iterable

from medallion.ingestion.header import Dialect

_END_MARK = b"\\."


class Suspicion(Exception):
    """The stream needs to be read record by record."""


class Inspector:
    """Looks at each block of a stream in turn."""

    def __init__(self, dialect: Dialect) -> None:
        self._quote = dialect.quote
        self._edges = (dialect.delimiter, b"\n", b"\r")
        self._inside = False
        self._piece = b"\n"  # the piece between quotes that goes on in the next block
        self._previous = b"\n"  # the last two bytes

    def inspect(self, block: bytes) -> None:
        """Raises Suspicion where a quote stands in the middle of a cell, or a line begins with `\\.`."""
        if _END_MARK in block or _END_MARK in self._previous + block[:2]:
            data = self._previous + block
            if b"\n" + _END_MARK in data or b"\r" + _END_MARK in data:
                raise Suspicion
        self._previous = (self._previous + block[-2:])[-2:]
        if self._quote in block:
            self._inspect_quotes(block)
        elif not self._inside:
            self._piece = _edges(self._piece + _edges(block))

    def _inspect_quotes(self, block: bytes) -> None:
        *complete, last = block.split(self._quote)
        complete[0] = self._piece + complete[0]
        outside: Iterable[bytes] = complete[self._inside :: 2]
        if len(complete) * 32 > len(block):
            # Where all cells are quoted, the pieces are many but short, and few of them differ.
            outside = set(outside)
        if not all(map(self._fits, outside)):
            raise Suspicion
        self._inside ^= len(complete) % 2 == 1
        self._piece = b"" if self._inside else _edges(last)

    def finish(self) -> None:
        """The stream has ended. Raises Suspicion where text follows the last closing quote."""
        if not self._inside and self._piece and self._piece.lstrip(b" ")[:1] not in (*self._edges, b""):
            raise Suspicion

    def _fits(self, piece: bytes) -> bool:
        """Between quoted cells stand delimiters and line ends; within an escaped quote, nothing. Spaces do no harm."""
        bare = piece.strip(b" ")
        return not piece or (bare[:1] in self._edges and bare[-1:] in self._edges)


def _edges(piece: bytes) -> bytes:
    """Of a piece outside of quotes only the edges matter."""
    return piece if len(piece) < 256 else piece[:128] + piece[-128:]
