"""Cuts JSON into its records, each as the text that stands in the file. PostgreSQL reads them; here they are only told
apart, so that nothing is held but one block and one record."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from medallion.ingestion.errors import DamagedFileError, EmptyFileError, RecordsMissingError
from medallion.ingestion.records import Record

# A record that does not end within this many bytes is none: brackets that are never closed would make one of the rest.
LONGEST = 16 * 1024 * 1024
_TOGETHER = 1000
_BLANKS = " \t\r\n"
_decode = json.JSONDecoder().raw_decode


def lines(blocks: Iterable[bytes], file: str, encoding: str) -> Iterator[list[Record]]:
    """The records of UTF-8 with a JSON value in each line, some at a time. Blank lines are none.

    Raises DamagedFileError.
    """
    rest, line, number = b"", 0, 0
    for block in chain(blocks, [b"\n"]):
        *whole, rest = (rest + block).split(b"\n")
        if len(rest) > LONGEST:
            raise DamagedFileError(f"{file}, line {line + len(whole) + 1}: longer than {LONGEST:,} bytes.")
        records = []
        for raw in whole:
            line += 1
            if stripped := raw.strip():
                number += 1
                records.append(Record(number, line, stripped, _fault(stripped, encoding)))
        yield records


def document(blocks: Iterable[bytes], file: str, encoding: str, path: Sequence[str]) -> Iterator[list[Record]]:
    """The records of one JSON document in UTF-8, some at a time: the elements of the list at `path`, or what is there,
    where that is one object.

    Raises DamagedFileError where it is no JSON up to there, RecordsMissingError, EmptyFileError.
    """
    text = _Text(blocks, file)
    if not text.peek():
        raise EmptyFileError(f"{file} is empty. Send it again, or take it away.")
    together: list[Record] = []
    for number, (line, raw) in enumerate(_records(text, path, list(path)), 1):
        written = raw.encode("utf-8", "surrogateescape")
        together.append(Record(number, line, written, _fault(written, encoding)))
        if len(together) == _TOGETHER:
            yield together
            together = []
    yield together
    if text.peek():
        raise text.damaged("something follows the document's end")


def _fault(raw: bytes, encoding: str) -> str | None:
    if b"\0" in raw:
        return f"A NUL character stands at byte {raw.index(0) + 1}; text cannot hold it."
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return f"Byte {error.start + 1} of the record does not decode as {encoding}."
    return None


def _records(text: _Text, path: Sequence[str], left: list[str]) -> Iterator[tuple[int, str]]:
    """(line, text) of each record at what is left of a path, from a value's beginning to its end."""
    opening = text.peek()
    if left:
        if opening != "{":
            raise RecordsMissingError(text.file, path, left[0])
        yield from _member(text, path, left)
    elif opening == "[":
        text.take("[")
        while text.peek() != "]":
            line = text.line
            yield line, text.value()
            if text.peek() != "]":
                text.take(",")
        text.take("]")
    elif opening == "{":
        line = text.line
        yield line, text.value()
    else:
        raise RecordsMissingError(text.file, path, None)


def _member(text: _Text, path: Sequence[str], left: list[str]) -> Iterator[tuple[int, str]]:
    """Goes through an object: the records are at one of its keys, the rest is passed over."""
    text.take("{")
    found = False
    while text.peek() != "}":
        if text.peek() != '"':
            raise text.damaged("a key is missing")
        key = json.loads(text.value())
        text.take(":")
        if key == left[0] and not found:
            found = True
            yield from _records(text, path, left[1:])
        else:
            text.peek()
            text.value()
        if text.peek() != "}":
            text.take(",")
    text.take("}")
    if not found:
        raise RecordsMissingError(text.file, path, left[0])


class _Text:
    """A document as far as it has been read, from the place that is looked at."""

    def __init__(self, blocks: Iterable[bytes], file: str) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._blocks, self.file = iter(blocks), file
        self._held, self._place = "", 0
        self.line = 1

    def peek(self) -> str:
        """The next character that is no blank; nothing at the end."""
        while True:
            while self._place < len(self._held):
                character = self._held[self._place]
                if character not in _BLANKS:
                    return character
                self.line += character == "\n"
                self._place += 1
            if not self._more():
                return ""

    def take(self, mark: str) -> None:
        """Goes past a mark of JSON's, which must come next."""
        if self.peek() != mark:
            raise self.damaged(f"{mark!r} is missing")
        self._place += 1

    def value(self) -> str:
        """The text of the value that begins here."""
        while True:
            try:
                _, end = _decode(self._held, self._place)
            except json.JSONDecodeError as error:
                if not self._longer():
                    raise self.damaged(error.msg, error.pos) from error
                continue
            except RecursionError as error:
                raise self.damaged("a value is nested too deeply") from error
            # A number may go on in the next block: of 1.5 or 1e+5, only 1 is one so far.
            if len(self._held) - end <= len("e+") and self._longer():
                continue
            raw = self._held[self._place : end]
            self.line += raw.count("\n")
            self._place = end
            return raw

    def damaged(self, what: str, place: int | None = None) -> DamagedFileError:
        """The error for what stands at a place."""
        line = self.line + self._held.count("\n", self._place, self._place if place is None else place)
        return DamagedFileError(f"{self.file}, line {line}: it is no JSON ({what}). Fetch it again, or correct it.")

    def _longer(self) -> bool:
        if len(self._held) - self._place > LONGEST:
            raise self.damaged(f"a record is longer than {LONGEST:,} characters")
        return self._more()

    def _more(self) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        self._held, self._place = self._held[self._place :] + self._decoder.decode(block), 0
        return True
