"""Pictures, by their bytes: of which kind, how large, whether whole; and which of them the Messages API takes.

Limits are those of its page on vision (read 2026-11-30). Nothing is decoded but headers, lengths and checksums.
"""

import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

LARGEST = 5 * 2**20
"""Characters of base64 that one may have."""
EDGE = 8_000
"""Pixels of its longer side."""
MANY, EDGE_OF_MANY = 20, 2_000
"""With more pictures than that in a request, each may have so many pixels."""
MOST = 100
"""Pictures in one request; models with a long context take more."""


class Broken(ValueError):  # noqa: N818
    """It begins as a picture does, and is none, or not all of one."""


class Picture(NamedTuple):
    """Its media type, and its sides in pixels."""

    kind: str
    width: int
    height: int


def picture(data: bytes) -> Picture | None:
    """What these bytes show; None for what does not begin as a picture does. Raises Broken."""
    for kind, begins, size in _KINDS:
        if begins(data):
            try:
                width, height = size(data)
            except (IndexError, StopIteration):
                raise Broken(f"{kind} that ends too early") from None
            if not (width and height):
                raise Broken(f"{kind} without a size")
            return Picture(kind, width, height)
    return None


def _png(data: bytes) -> tuple[int, int]:
    chunks = list(_chunks(data))
    if chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13 or not any(name == b"IDAT" for name, _ in chunks):
        raise Broken("image/png without its header or its content")
    head = chunks[0][1]
    return int.from_bytes(head[:4]), int.from_bytes(head[4:8])


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each chunk, up to the last one, which is called IEND."""
    at, name = 8, b""
    while name != b"IEND":
        length, name = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        content, told = data[at + 8 : at + 8 + length], data[at + 8 + length : at + 12 + length]
        if len(told) < 4 or zlib.crc32(name + content) != int.from_bytes(told):
            raise Broken("image/png that ends too early, or was changed")
        yield name, content
        at += 12 + length


def _jpeg(data: bytes) -> tuple[int, int]:
    if b"\xff\xd9" not in data[-1024:]:
        raise Broken("image/jpeg that ends too early")
    at = 2
    while True:
        if data[at] != 0xFF:
            raise Broken("image/jpeg with something else in it")
        marker = data[at + 1]
        if marker in {0x01, 0xFF} or 0xD0 <= marker <= 0xD8:  # padding, or without a length
            at += 1 if marker == 0xFF else 2
        elif marker in (0xD9, 0xDA):
            raise Broken("image/jpeg without a size")
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return data[at + 7] << 8 | data[at + 8], data[at + 5] << 8 | data[at + 6]
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])


def _gif(data: bytes) -> tuple[int, int]:
    if b"\0;" not in data[-64:]:  # the end of its last block, and its trailer; some programs write more behind them
        raise Broken("image/gif that ends too early")
    return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")


def _webp(data: bytes) -> tuple[int, int]:
    if len(data) < 8 + int.from_bytes(data[4:8], "little"):
        raise Broken("image/webp that ends too early")
    match data[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    raise Broken("image/webp of an unknown form")


_KINDS: tuple[tuple[str, Callable[[bytes], bool], Callable[[bytes], tuple[int, int]]], ...] = (
    ("image/png", lambda data: data.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    ("image/jpeg", lambda data: data.startswith(b"\xff\xd8\xff"), _jpeg),
    ("image/gif", lambda data: data.startswith((b"GIF87a", b"GIF89a")), _gif),
    ("image/webp", lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP", _webp),
)
MEDIA_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
"""That the API takes, in the order in which it names them."""
