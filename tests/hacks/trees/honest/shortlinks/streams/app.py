"""Short links over asyncio streams: HTTP/1.1 by hand, one connection a request, no locks."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

MOST = 65536


@dataclass
class Link:
    code: str
    url: str
    ttl: int | None
    clicks: int = 0
    until: float = field(init=False)

    def __post_init__(self) -> None:
        self.until = float("inf") if self.ttl is None else time.monotonic() + self.ttl

    @property
    def expired(self) -> bool:
        return time.monotonic() >= self.until

    def told(self) -> dict[str, object]:
        shown = {"code": self.code, "url": self.url, "ttl": self.ttl, "clicks": self.clicks}
        return shown | {"expired": self.expired}


links: dict[str, Link] = {}
Answer = tuple[int, "object | None", dict[str, str]]


def error(status: int, sentence: str) -> Answer:
    return status, {"error": sentence}, {}


def fine(url: object) -> bool:
    if not isinstance(url, str) or len(url) > 2000 or any(not "!" <= char <= "~" for char in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def make(body: bytes) -> Answer:
    try:
        asked = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return error(400, "This is no JSON.")
    if not isinstance(asked, dict) or not fine(asked.get("url")):
        return error(400, "An object with a fine url is needed.")
    code, ttl = asked.get("alias"), asked.get("ttl")
    if ttl is not None and (isinstance(ttl, bool) or not isinstance(ttl, int) or not 0 < ttl <= 31622400):
        return error(400, "The ttl is no whole number from 1 to 31622400.")
    if "alias" in asked:
        if not isinstance(code, str) or code in ("links", "health") or not re.fullmatch(r"[\w-]{3,32}", code, re.A):
            return error(400, "That alias cannot be had.")
        if code in links:
            return error(409, "That alias is taken.")
    else:
        code = fresh()
    links[code] = Link(code, asked["url"], ttl)
    return 201, links[code].told(), {}


def fresh() -> str:
    while True:
        code = "".join(random.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789", k=7))
        if code not in links:
            return code


def answer(method: str, path: str, body: bytes) -> Answer:
    match [method, *path.split("/")[1:]]:
        case ["GET", "health"]:
            return 200, {"status": "ok"}, {}
        case ["POST", "links"]:
            return make(body)
        case ["GET", "links"]:
            alive = [link.told() for link in links.values() if not link.expired]
            return 200, {"links": alive, "total": len(alive)}, {}
        case ["GET", "links", code] if code in links:
            return 200, links[code].told(), {}
        case ["DELETE", "links", code] if code in links:
            del links[code]
            return 204, None, {}
        case ["GET" | "HEAD", code] if code in links:
            if links[code].expired:
                return error(410, "This link has run out.")
            links[code].clicks += method == "GET"
            return 302, None, {"Location": links[code].url}
    return error(404, "Nobody made that.")


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    method = "GET"
    try:
        async with asyncio.timeout(20):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            method, target, _ = first.split(" ")
            headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            length = int(headers.get("content-length") or 0)
            if length > MOST:
                left = length
                while left > 0 and (piece := await reader.read(MOST)):
                    left -= len(piece)
                found = error(413, "That is too long.")
            else:
                found = answer(method, target.partition("?")[0], await reader.readexactly(length))
    except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
        found = error(400, "That is no request.")
    except ConnectionError:
        return
    status, told, extra = found
    data = b"" if told is None else json.dumps(told).encode()
    headers = {"Content-Type": "application/json", "Connection": "close", **extra}
    if status != 204:
        headers["Content-Length"] = str(len(data))
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
    writer.write(head.encode() + b"\r\n" + (b"" if method == "HEAD" else data))
    try:
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    except ConnectionError:
        pass


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", int(os.environ["PORT"]), limit=1 << 17)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
