"""The bytes of a file, unpacked, under caps that hold while they stream."""

from __future__ import annotations

import gzip
import hashlib
import os
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

import zstandard

from medallion.ingestion.errors import DamagedFileError, FileChangedError, FileTooLargeError
from medallion.ingestion.files import DataFile
from medallion.sources import Files

BLOCK = 512 * 1024
_ZSTD_INPUT = 4096  # zstd turns a block of 4 bytes into 128 KiB at most: 4 KiB of input stay below 128 MiB
_ZSTD_WINDOW = 128 * 1024 * 1024
_RATIO_FROM = 16 * 1024 * 1024  # small files may be as repetitive as they like

_DAMAGED = (OSError, EOFError, zlib.error, zstandard.ZstdError, zipfile.BadZipFile, NotImplementedError)

Advance = Callable[[int], None]


class Content:
    """An open file. `blocks()` reads it from its start, as often as is needed, and each time takes its checksum."""

    def __init__(self, file: DataFile, stream: BinaryIO, source: type[Files]) -> None:
        self.file, self.stream, self.source = file, stream, source
        self._identity = self._state()
        self.stored_bytes = self._identity[0]
        self._checksum: str | None = None

    def blocks(self, advance: Advance | None = None) -> Iterator[bytes]:
        """The content, unpacked. `advance` gets how many bytes of the stored file have been read so far.

        Raises DamagedFileError, FileTooLargeError.
        """
        read, digest = 0, hashlib.sha256()
        for block in self._unpacked():
            read += len(block)
            digest.update(block)
            self._check_caps(read)
            if advance is not None:
                advance(min(self.stream.tell(), self.stored_bytes))
            yield block
        self._checksum = digest.hexdigest()

    def _unpacked(self) -> Iterator[bytes]:
        try:
            self.stream.seek(0)
            magic = self.stream.read(4)
            self.stream.seek(0)
            yield from _unpacked(magic, self.stream, self.file.name)
        except _DAMAGED as error:
            raise DamagedFileError(
                f"{self.file.name} cannot be read to its end ({error}); it may be damaged or cut off. Fetch it again."
            ) from error

    def checksum(self) -> str:
        """SHA-256 of the content, unpacked: a file and its packed copy are one file. Known once it was read."""
        while self._checksum is None:
            deque(self.blocks(), maxlen=0)
        return self._checksum

    def check_unchanged(self) -> None:
        """Raises FileChangedError where the file was written since it was opened: its checksum would be a lie."""
        if self._state() != self._identity:
            raise FileChangedError(f"{self.file.name} was written while it was read. Ingest it when it is complete.")

    def _state(self) -> tuple[int, int]:
        found = os.fstat(self.stream.fileno())
        return found.st_size, found.st_mtime_ns

    def _check_caps(self, read: int) -> None:
        name, source = self.file.name, self.source
        if self.stream.tell() > self.stored_bytes:
            self.check_unchanged()  # it grows; perhaps for ever
        if read > source.max_bytes:
            raise FileTooLargeError(
                f"{name} has more than {source.max_bytes:,} bytes unpacked. If that is right, raise max_bytes of the "
                f"source {source.__name__}."
            )
        if read > _RATIO_FROM and read > source.max_ratio * self.stored_bytes:
            raise FileTooLargeError(
                f"{name} unpacks to more than {source.max_ratio} times its size, as a decompression bomb does. If it "
                f"is none, raise max_ratio of the source {source.__name__}."
            )


@contextmanager
def open_content(file: DataFile, source: type[Files]) -> Iterator[Content]:
    """Open a file for as long as the block lasts."""
    with file.open() as stream:
        yield Content(file, stream, source)


def _unpacked(magic: bytes, stream: BinaryIO, name: str) -> Iterator[bytes]:
    """Told by its first bytes, not by its name: a wrong suffix is common, CSV that starts like these is not."""
    if magic.startswith(b"\x1f\x8b"):
        return _chunks(gzip.GzipFile(fileobj=stream, mode="rb"))
    if magic == b"\x28\xb5\x2f\xfd":
        return _zstd(stream)
    if magic in (b"PK\x03\x04", b"PK\x05\x06"):
        return _zip(stream, name)
    return _chunks(stream)


def _chunks(stream: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    while block := stream.read(BLOCK):
        yield block


def _zstd(stream: BinaryIO) -> Iterator[bytes]:
    """Frame by frame: the library's own stream reader takes a file that was cut off for complete."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    frame, within = decompressor.decompressobj(), False
    parts, size = list[bytes](), 0
    while data := stream.read(_ZSTD_INPUT):
        while data:
            parts.append(frame.decompress(data))
            size += len(parts[-1])
            data, within = frame.unused_data if frame.eof else b"", not frame.eof
            if frame.eof:
                frame = decompressor.decompressobj()
        if size >= BLOCK:
            yield b"".join(parts)
            parts, size = [], 0
    if within:
        raise EOFError("it ends within a frame")
    yield b"".join(parts)


def _zip(stream: BinaryIO, name: str) -> Iterator[bytes]:
    with zipfile.ZipFile(stream) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if any(member.filename == "[Content_Types].xml" for member in members):
            raise DamagedFileError(f"{name} is an Excel workbook or another office file. Save it as CSV.")
        if len(members) != 1:
            raise DamagedFileError(f"{name} holds {len(members)} files; pack one CSV file into one zip file.")
        if members[0].flag_bits & 0x1:
            raise DamagedFileError(f"{name} is encrypted. Unpack it with its password, or pack it without.")
        with archive.open(members[0]) as member:
            while block := member.read(BLOCK):
                yield block
