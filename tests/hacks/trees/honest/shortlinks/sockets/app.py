"""Short links on plain sockets, a thread a connection; the links are a table of sqlite in memory."""

import email.parser
import json
import os
import secrets
import socketserver
import sqlite3
import threading
import time
from urllib.parse import urlsplit

PHRASES = {200: "OK", 201: "Created", 204: "No Content", 302: "Found", 400: "Bad Request", 404: "Not Found"}
PHRASES |= {409: "Conflict", 410: "Gone", 413: "Content Too Large"}
LETTERS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
LOCK = threading.Lock()
DB = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
DB.execute(
    "create table link (id integer primary key autoincrement, code text unique, url text, ttl integer,"
    " until real, clicks integer default 0)"
)


class No(Exception):
    def __init__(self, status, sentence):
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


def show(row):
    code, url, ttl, until, clicks = row
    expired = until is not None and time.monotonic() >= until
    return {"code": code, "url": url, "ttl": ttl, "clicks": clicks, "expired": expired}


def one(code):
    row = DB.execute("select code, url, ttl, until, clicks from link where code = ?", (code,)).fetchone()
    if row is None:
        raise No(404, "nobody made that link")
    return show(row)


def check_url(url):
    if not isinstance(url, str) or len(url) > 2000 or not all(33 <= ord(char) <= 126 for char in url):
        raise No(400, "the address has to be of printable characters, 2000 at most")
    try:
        found = urlsplit(url)
        named = found.hostname
    except ValueError:
        named = None
    if not named or found.scheme not in ("https", "http"):
        raise No(400, "the address has to be http or https, with a host")


def create(body):
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise No(400, "that was no JSON") from None
    if not isinstance(asked, dict):
        raise No(400, "that was no object")
    check_url(asked.get("url"))
    ttl = asked.get("ttl")
    if ttl is not None and (not isinstance(ttl, int) or isinstance(ttl, bool) or ttl < 1 or ttl > 31_622_400):
        raise No(400, "ttl is a whole number of seconds, up to a year")
    alias = asked.get("alias", secrets.token_hex(5))
    if not isinstance(alias, str) or not 3 <= len(alias) <= 32 or set(alias) - LETTERS - {"-", "_"}:
        raise No(400, "an alias is 3 to 32 letters, digits, - or _")
    if alias in {"links", "health"}:
        raise No(400, "that alias is taken by this service itself")
    until = None if ttl is None else time.monotonic() + ttl
    try:
        DB.execute("insert into link (code, url, ttl, until) values (?, ?, ?, ?)", (alias, asked["url"], ttl, until))
    except sqlite3.IntegrityError:
        raise No(409, "somebody was quicker with that alias") from None
    return 201, one(alias), ""


def act(method, path, body):
    if path == "/links" and method == "POST":
        return create(body)
    if path == "/links" and method == "GET":
        rows = DB.execute("select code, url, ttl, until, clicks from link order by id")
        alive = [link for link in map(show, rows) if not link["expired"]]
        return 200, {"links": alive, "total": len(alive)}, ""
    if path == "/health" and method == "GET":
        return 200, {"status": "ok"}, ""
    _, *names = path.split("/")
    if len(names) == 2 and names[0] == "links" and method in ("GET", "DELETE"):
        link = one(names[1])
        if method == "GET":
            return 200, link, ""
        DB.execute("delete from link where code = ?", (names[1],))
        return 204, None, ""
    if len(names) == 1 and method in ("GET", "HEAD"):
        link = one(names[0])
        if link["expired"]:
            raise No(410, "that link has run out")
        if method == "GET":
            DB.execute("update link set clicks = clicks + 1 where code = ?", (names[0],))
        return 302, None, link["url"]
    raise No(404, "there is no such path, or no such method on it")


class Connection(socketserver.StreamRequestHandler):
    timeout = 20

    def handle(self):
        try:
            while self.request_of():
                pass
        except OSError:
            return

    def request_of(self):
        first = self.rfile.readline(70_000).decode("latin-1").split()
        if len(first) != 3:
            return False
        method, target, version = first
        lines = []
        while (line := self.rfile.readline(70_000)) not in (b"\r\n", b"\n", b""):
            lines.append(line)
        headers = email.parser.BytesHeaderParser().parsebytes(b"".join(lines))
        goes_on = version == "HTTP/1.1" and headers.get("Connection", "").lower() != "close"
        try:
            length = headers.get("Content-Length", "0")
            if not length.isdecimal():
                raise No(400, "say how long the body is")
            body = self.rfile.read(min(int(length), 1 << 22))
            if len(body) > 65_536:
                goes_on = False
                raise No(413, "the body is too long")
            with LOCK:
                status, told, location = act(method, target.split("?")[0], body)
        except No as no:
            status, told, location = no.status, {"error": no.sentence}, ""
        data = b"" if told is None else json.dumps(told).encode()
        head = [f"HTTP/1.1 {status} {PHRASES[status]}", f"Connection: {'keep-alive' if goes_on else 'close'}"]
        head += [f"Location: {location}"] if location else []
        head += [f"Content-Length: {len(data)}", "Content-Type: application/json"] if status != 204 else []
        self.wfile.write("\r\n".join([*head, "", ""]).encode() + (b"" if method == "HEAD" else data))
        return goes_on


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 64


if __name__ == "__main__":
    with Server(("127.0.0.1", int(os.environ["PORT"])), Connection) as server:
        server.serve_forever()
