"""Sources of files under the data root."""

from __future__ import annotations

import codecs
from enum import StrEnum
from pathlib import PurePosixPath
from typing import ClassVar

from medallion.sources.base import Source
from medallion.sources.records import JsonRecords, is_json_path

GIB = 1024**3


class UnknownColumnPolicy(StrEnum):
    """What happens when a file brings a column that its table does not declare."""

    KEEP = "keep"
    FAIL = "fail"


KEEP = UnknownColumnPolicy.KEEP
FAIL = UnknownColumnPolicy.FAIL


class Files(Source):
    """Files under the data root, plain or compressed (gzip, zstd, zip of one).

    path             glob relative to the data root
    encoding         None: by byte order mark, else UTF-8. A Python name, as in "cp1252", where files are neither
    max_bytes        refuse a file that is larger than this, unpacked
    max_rows         refuse a file with more records than this
    max_ratio        refuse a file that unpacks to more than this many times its size
    pickup           True: new files at `path` are ingested by themselves, looked for every minute
    """

    path: ClassVar[str] = ""
    encoding: ClassVar[str | None] = None
    max_bytes: ClassVar[int] = 64 * GIB
    max_rows: ClassVar[int] = 2_000_000_000
    max_ratio: ClassVar[int] = 200
    pickup: ClassVar[bool] = False
    _limits: ClassVar[tuple[str, ...]] = ("max_bytes", "max_rows", "max_ratio")
    #: A base class of kinds of files, not a source.
    abstract: ClassVar[bool] = True

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.abstract = cls.__dict__.get("abstract", False)
        if not cls.abstract:
            cls._check()

    @classmethod
    def _check(cls) -> None:
        """Raises InvalidSourceError where an attribute cannot be."""
        cls._check_path()
        if cls.encoding is not None and not _is_encoding(cls.encoding):
            raise cls._invalid(f'encoding = {cls.encoding!r} is no text encoding of Python; try "cp1252" or "latin-1".')
        for limit in cls._limits:
            value = getattr(cls, limit)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise cls._invalid(f"{limit} = {value!r} must be a whole number above 0.")
        if not isinstance(cls.pickup, bool):
            raise cls._invalid(f"pickup = {cls.pickup!r} must be True or False.")

    @classmethod
    def _check_path(cls) -> None:
        if not isinstance(cls.path, str) or not cls.path.strip():
            raise cls._invalid('path is missing: a glob under the data root, as in path = "crm/customers_*.csv".')
        pure = PurePosixPath(cls.path)
        if pure.is_absolute() or ".." in pure.parts or "\0" in cls.path:
            raise cls._invalid(f"path = {cls.path!r} must lie under the data root: relative, and without '..'.")


class CsvFiles(Files):
    """CSV files with a header.

    unknown_columns  KEEP them in _extra, or FAIL
    delimiter        one character; None finds the one of , ; tab | that fits the header
    quote            one character
    header_within    the header is the first line that names all declared columns, within so many; 1: the first line
    """

    unknown_columns: ClassVar[UnknownColumnPolicy] = KEEP
    delimiter: ClassVar[str | None] = None
    quote: ClassVar[str] = '"'
    header_within: ClassVar[int] = 1
    _limits: ClassVar[tuple[str, ...]] = ("header_within", *Files._limits)
    abstract = True

    @classmethod
    def _check(cls) -> None:
        super()._check()
        if not isinstance(cls.unknown_columns, UnknownColumnPolicy):
            raise cls._invalid(f"unknown_columns = {cls.unknown_columns!r} must be KEEP or FAIL of medallion.sources.")
        if cls.delimiter is not None and not _is_mark(cls.delimiter, also="\t"):
            raise cls._invalid(f"delimiter = {cls.delimiter!r} must be one ASCII punctuation character or a tab.")
        if not _is_mark(cls.quote) or cls.quote == cls.delimiter:
            raise cls._invalid(f"quote = {cls.quote!r} must be one ASCII punctuation character, not the delimiter.")


class JsonLines(Files, JsonRecords):
    """Files with one JSON object in each line."""

    abstract = True


class JsonFiles(Files, JsonRecords):
    """Files with one JSON document each."""

    abstract = True

    @classmethod
    def _check(cls) -> None:
        super()._check()
        if not isinstance(cls.records, str) or not is_json_path(cls.records):
            raise cls._invalid(f'records = {cls.records!r} must be a path of keys, as in "data.items".')


def _is_mark(text: object, also: str = "") -> bool:
    """A character that COPY and our reader can both take for a delimiter or quote."""
    if not isinstance(text, str) or len(text) != 1:
        return False
    return text in also or (text.isascii() and text.isprintable() and not text.isalnum() and text not in " .\\")


def _is_encoding(name: object) -> bool:
    if not isinstance(name, str):
        return False
    try:
        codecs.lookup(name)
        "".encode(name)  # refuses codecs that are not of text, as base64
    except LookupError:
        return False
    return True
