"""What goes over the wire between engine and runner: frames. Both ends use this code; it knows no operation.

A frame, both ways: one mark byte 1, then three big-endian 32-bit numbers (length of header and payload, their CRC-32,
length of the header), a JSON header, a payload. Zero bytes between frames mean nothing, so an engine that attaches to a
stream which broke inside a frame sends MAX_IN zeros first: the torn frame fails its CRC and is dropped. In the other
direction the engine says hello with a nonce and skips all before its echo.
"""

from __future__ import annotations

import binascii
import json
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Header = dict[str, Any]
    Slice = tuple[Header, bytes]

VERSION = 3
MAX_IN = 4 << 20
"""Bytes of the longest frame that the runner accepts."""

_FRAME = struct.Struct(">BIII")
_SEED = 1  # so that a mark and zeros alone are no frame


def pack(header: Header, payload: bytes = b"") -> bytes:
    """One frame."""
    head = json.dumps(header, separators=(",", ":")).encode()
    crc = binascii.crc32(payload, binascii.crc32(head, _SEED))
    return b"".join((_FRAME.pack(1, len(head) + len(payload), crc, len(head)), head, payload))


class Frames:
    """Frames out of a stream that comes in pieces."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Slice]:
        """Every whole frame so far; torn ones are dropped. Raises ValueError for a frame over the limit."""
        buffer = self._buffer
        buffer += data
        while True:
            if buffer[:1] != b"\1":
                start = buffer.find(1)
                del buffer[: start if start >= 0 else len(buffer)]
            if len(buffer) < _FRAME.size:
                return
            _, size, crc, cut = _FRAME.unpack_from(buffer)
            if size > self._limit or cut > size:
                raise ValueError(f"a frame of {size} bytes")
            end = _FRAME.size + size
            if len(buffer) < end:
                return
            body = bytes(memoryview(buffer)[_FRAME.size : end])
            del buffer[:end]
            if binascii.crc32(body, _SEED) == crc:
                yield json.loads(body[:cut]), body[cut:]
