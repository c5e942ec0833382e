"""The body of a delivery: read as it arrives, unpacked, and no further than its source allows."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from django.http import HttpRequest, UnreadablePostError

from medallion.feeding.errors import RefusedDeliveryError
from medallion.sources import HttpFeed

_BLOCK = 64 * 1024
_KINDS = {"application/json": "document", "application/x-ndjson": "lines", "application/jsonl": "lines"}


def kind_of(request: HttpRequest) -> str:
    """`document` or `lines`. Raises RefusedDeliveryError (415)."""
    kind = _KINDS.get(request.content_type or "")
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    if kind is None or charset not in ("utf-8", "utf8"):
        raise RefusedDeliveryError(
            415,
            "Send application/json, a document; or application/x-ndjson, a record in each line. Both in UTF-8. "
            f"This is {(request.headers.get('Content-Type') or 'nothing')[:100]!r}.",
        )
    return kind


def read_body(request: HttpRequest, source: type[HttpFeed]) -> bytes:
    """The whole body, unpacked. Raises RefusedDeliveryError (400, 411, 413, 415)."""
    length = request.headers.get("Content-Length", "")
    if not re.fullmatch(r"[0-9]{1,18}", length):
        raise RefusedDeliveryError(411, "Say how long the body is, in Content-Length.")
    if int(length) > source.max_bytes:
        raise _too_large(source)
    packed = request.headers.get("Content-Encoding", "identity").strip().lower()
    if packed not in ("identity", "gzip"):
        raise RefusedDeliveryError(415, f"Pack the body with gzip, or not at all; this is {packed[:100]!r}.")
    blocks = _blocks(request, int(length))
    return b"".join(_unpacked(blocks, source) if packed == "gzip" else blocks)


def _blocks(request: HttpRequest, length: int) -> Iterator[bytes]:
    left = length
    while left:
        try:
            block = request.read(min(_BLOCK, left))
        except UnreadablePostError as error:
            raise RefusedDeliveryError(400, "The connection broke off within the body.") from error
        if not block:
            raise RefusedDeliveryError(
                400, f"The body has {length - left:,} bytes, but Content-Length says {length:,}."
            )
        left -= len(block)
        yield block


def _unpacked(blocks: Iterator[bytes], source: type[HttpFeed]) -> Iterator[bytes]:
    unpacker, size = zlib.decompressobj(wbits=31), 0
    for packed in blocks:
        block = packed
        while block:
            if unpacker.eof:
                raise RefusedDeliveryError(400, "Something follows the gzip stream of the body.")
            try:
                part = unpacker.decompress(block, _BLOCK)
            except zlib.error as error:
                raise RefusedDeliveryError(400, f"The body is no gzip stream ({error}).") from error
            size += len(part)
            if size > source.max_bytes:
                raise _too_large(source)
            yield part
            block = unpacker.unconsumed_tail or unpacker.unused_data
    if not unpacker.eof:
        raise RefusedDeliveryError(400, "The gzip stream of the body breaks off.")


def _too_large(source: type[HttpFeed]) -> RefusedDeliveryError:
    return RefusedDeliveryError(
        413, f"A delivery to {source.name} may have {source.max_bytes:,} bytes, unpacked. Send fewer records at a time."
    )
