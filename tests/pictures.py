"""Small pictures of 640 x 480 pixels, in each form that a model is shown; only the PNG has pixels."""

import zlib


def _chunk(name: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + name + content + zlib.crc32(name + content).to_bytes(4)


def png(width: int, height: int, noise: bytes = b"") -> bytes:
    """A black one, with so much in it that nobody sees."""
    head = width.to_bytes(4) + height.to_bytes(4) + bytes([1, 0, 0, 0, 0])
    pixels = zlib.compress(bytes(height * (1 + (width + 7) // 8)))
    extra = _chunk(b"tEXt", b"Comment\0" + noise) if noise else b""
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + extra + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


_SIZE = (480).to_bytes(2) + (640).to_bytes(2)
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xff\xdb\0\x43\0"
    + bytes([1] * 64)
    + b"\xff\xc0\0\x0b\x08"
    + _SIZE
    + b"\x01\x01\x11\0"
    + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0"
    + bytes(64)
    + b"\xff\xd9"
)
GIF = b"GIF89a" + (640).to_bytes(2, "little") + (480).to_bytes(2, "little") + bytes(60) + b"\x02\x02\x44\x01\0;"


def _webp(form: bytes) -> bytes:
    return b"RIFF" + (4 + len(form)).to_bytes(4, "little") + b"WEBP" + form


WEBP = (
    _webp(b"VP8X\x0a\0\0\0\0\0\0\0" + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")),
    _webp(b"VP8L\x10\0\0\0\x2f" + (639 | 479 << 14).to_bytes(4, "little") + bytes(11)),
    _webp(b"VP8 \x10\0\0\0\0\0\0\x9d\x01\x2a" + (640).to_bytes(2, "little") + (480).to_bytes(2, "little") + bytes(6)),
)
