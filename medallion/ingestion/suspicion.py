"""Is a stream what COPY takes it for? Asked of whole blocks, at the speed of memory, while COPY reads them.

COPY lets a quote open anywhere. In `1,5" pipe` and, lines later, `2,6" pipe` it therefore sees one cell with line
breaks in it, and swallows the lines between without a word. And before PostgreSQL 18 a line `\\.` ends the data, also
without a word. A file with either is read record by record instead.
"""

from __future__ import annotations

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
        *complete, last = (self._piece + block).split(self._quote)
        # Distinct pieces are few where all cells are quoted, and Python looks at each only once.
        if not all(map(self._fits, set(complete[self._inside :: 2]))):
            raise Suspicion
        self._inside ^= len(complete) % 2 == 1
        # Of a piece outside of quotes only its edges matter; of one inside nothing does.
        self._piece = b"" if self._inside else last if len(last) < 256 else last[:128] + last[-128:]

    def finish(self) -> None:
        """The stream has ended. Raises Suspicion where text follows the last closing quote."""
        if not self._inside and self._piece and self._piece.lstrip(b" ")[:1] not in (*self._edges, b""):
            raise Suspicion

    def _fits(self, piece: bytes) -> bool:
        """Between quoted cells stand delimiters and line ends; within an escaped quote, nothing. Spaces do no harm."""
        bare = piece.strip(b" ")
        return not piece or (bare[:1] in self._edges and bare[-1:] in self._edges)
