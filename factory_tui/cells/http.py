"""One HTTP/1.1 exchange as bytes: the request, and a response parsed as it comes. Pure; RFC 9112 framing.

Strict where a lenient reading could hide a fault of the service from the harness: what is not HTTP is reported, not
repaired.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD_LIMIT = 65536
"""Bytes of a status line with its headers."""
_LINE = 4096
"""Bytes of the line with a chunk's size, or of a trailer."""
_TRAILERS = -1
"""What is left of a chunk where no chunk follows any more."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_STATUS = re.compile(r"HTTP/1\.[01] ([1-5][0-9][0-9])(?: .*)?")
_TARGET = re.compile(r"[!-~\x80-\xff]+")


class Malformed(Exception):  # noqa: N818
    """What came is no HTTP response."""


def request(method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes, port: int) -> bytes:
    """A request's bytes, with Host, Content-Length and Connection where the caller gave none.

    Raises ValueError for what cannot be put on the wire as one request.
    """
    if not _TOKEN.fullmatch(method):
        raise ValueError(f"method {method!r}")
    target = path.encode("utf-8", "surrogateescape").decode("latin-1")
    if not _TARGET.fullmatch(target):
        raise ValueError(f"path {path!r}: spaces and control characters have to be percent-encoded")
    given = {name.lower() for name, _ in headers}
    lines = [f"{method} {target} HTTP/1.1"]
    if "host" not in given:
        lines.append(f"Host: 127.0.0.1:{port}")
    for name, value in headers:
        if not _TOKEN.fullmatch(name) or re.search("[\r\n\0]", value):
            raise ValueError(f"header {name!r}: {value!r}")
        lines.append(f"{name}: {value.encode('utf-8', 'surrogateescape').decode('latin-1')}")
    if (
        "content-length" not in given
        and "transfer-encoding" not in given
        and (body or method in ("POST", "PUT", "PATCH"))
    ):
        lines.append(f"Content-Length: {len(body)}")
    if "connection" not in given:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Response:
    """A response, fed in pieces until it is done."""

    def __init__(self, method: str, limit: int) -> None:
        self.status = 0
        self.headers: tuple[tuple[str, str], ...] = ()
        self.cut = 0
        self.done = False
        self._method, self._limit = method, limit
        self._buffer = bytearray()
        self._body = bytearray()
        self._left: int | None = None
        self._chunked = False

    @property
    def body(self) -> bytes:
        """The body so far, at most ``limit`` bytes."""
        return bytes(self._body)

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; whether the response is complete. Raises Malformed."""
        self._buffer += data
        if not self.headers and not self.status and not self._head():
            return False
        if not self.done:
            if self._chunked:
                self._chunks()
            else:
                self._plain()
        return self.done

    def end(self) -> None:
        """The connection ended. Raises Malformed when the response was not complete."""
        if self.done:
            return
        if not self.status:
            raise Malformed("the connection closed before a response came" if not self._buffer else "no HTTP response")
        if self._chunked or self._left is not None:
            raise Malformed("the connection closed inside the body")
        self.done = True

    def _head(self) -> bool:
        while True:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > HEAD_LIMIT:
                    raise Malformed(f"no end of the headers within {HEAD_LIMIT} bytes")
                if not b"HTTP/1.".startswith(self._buffer[:7]):
                    raise Malformed("no status line")
                return False
            lines = self._buffer[:end].decode("latin-1").split("\r\n")
            del self._buffer[: end + 4]
            match = _STATUS.fullmatch(lines[0])
            if not match:
                raise Malformed(f"status line {lines[0][:80]!r}")
            if match[1][0] != "1":
                break
        headers = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or not _TOKEN.fullmatch(name) or re.search("[\r\n\0]", value):
                raise Malformed(f"header line {line[:80]!r}")
            headers.append((name, value.strip(" \t")))
        self.status, self.headers = int(match[1]), tuple(headers)
        self._frame()
        return True

    def _frame(self) -> None:
        def values(name: str) -> list[str]:
            return [part.strip() for key, value in self.headers if key.lower() == name for part in value.split(",")]

        if self._method == "HEAD" or self.status in (204, 304):
            self.done = True
            return
        coding, lengths = values("transfer-encoding"), set(values("content-length"))
        if coding:
            if [c.lower() for c in coding] != ["chunked"] or lengths:
                raise Malformed("transfer-encoding that is not chunked alone")
            self._chunked = True
        elif lengths:
            length = lengths.pop()
            if lengths or not re.fullmatch("[0-9]{1,18}", length):
                raise Malformed("content-length")
            self._left = int(length)

    def _keep(self, data: bytes | bytearray) -> None:
        room = self._limit - len(self._body)
        self._body += data[:room] if room > 0 else b""
        self.cut += max(0, len(data) - max(0, room))

    def _plain(self) -> None:
        take = len(self._buffer) if self._left is None else min(self._left, len(self._buffer))
        self._keep(self._buffer[:take])
        if self._left is not None:
            self._left -= take
            self.done = self._left == 0
        self._buffer.clear()

    def _chunks(self) -> None:
        at = 0  # what is before it is taken, and removed once: a response may have a chunk for every byte
        while not self.done:
            if self._left is None or self._left < 0:
                end = self._buffer.find(b"\r\n", at)
                if end < 0 or end - at > _LINE:
                    if len(self._buffer) - at > _LINE:
                        raise Malformed("a chunk's size or a trailer without an end")
                    break
                line, at = bytes(self._buffer[at:end]), end + 2
                if self._left is None:
                    self._left = _size(line) or _TRAILERS
                else:
                    self.done = not line
                continue
            take = min(self._left, len(self._buffer) - at)
            self._keep(self._buffer[at : at + take])
            at, self._left = at + take, self._left - take
            if self._left or len(self._buffer) - at < 2:
                break
            if self._buffer[at : at + 2] != b"\r\n":
                raise Malformed("a chunk that does not end where it said")
            at, self._left = at + 2, None
        del self._buffer[:at]


def _size(line: bytes) -> int:
    size = line.split(b";")[0].strip()
    if not re.fullmatch(rb"[0-9a-fA-F]{1,15}", size):
        raise Malformed(f"chunk size {size[:20]!r}")
    return int(size, 16)
