"""Any encoding in, UTF-8 out; and back again, so that a bad line can be kept as it stood in the file.

What does not decode becomes bytes that are no UTF-8 either: PostgreSQL then refuses them, and the reader of bad lines
finds them. Nothing is replaced, nothing dropped.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NOT_UTF8 = b"\xff"


@dataclass(frozen=True)
class Encoding:
    """How a file is written: its codec, and how many bytes its mark takes."""

    name: str
    mark: int = 0

    @property
    def is_utf8(self) -> bool:
        return self.name in ("utf-8", "ascii")

    @property
    def _errors(self) -> str:
        return "surrogatepass" if self.name.startswith(("utf-16", "utf-32")) else "surrogateescape"

    def to_utf8(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Blocks of the file as blocks of UTF-8, without the mark."""
        skip, decoder = self.mark, codecs.getincrementaldecoder(self.name)(self._errors)
        for original in blocks:
            block, skip = original[skip:], max(0, skip - len(original))
            yield block if self.is_utf8 else decoder.decode(block).encode("utf-8", "surrogatepass")
        if not self.is_utf8:
            yield _last(decoder)

    def original(self, utf8: bytes) -> bytes:
        """The bytes of the file that became these."""
        if self.is_utf8:
            return utf8
        return utf8.removesuffix(_NOT_UTF8).decode("utf-8", "surrogatepass").encode(self.name, self._errors)


def detect(head: bytes, declared: str | None) -> Encoding:
    """The encoding that the first four bytes mark, else the declared one, else UTF-8."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name, len(mark))
    name = codecs.lookup(declared or "utf-8").name
    return Encoding({"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(name, name))


def _last(decoder: codecs.IncrementalDecoder) -> bytes:
    """The rest at the file's end. One that breaks off within a character makes its last record a bad one."""
    try:
        return decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return _NOT_UTF8
