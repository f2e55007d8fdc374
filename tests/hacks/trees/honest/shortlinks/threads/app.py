"""Short links on a threading server, behind one lock."""

import json
import os
import re
import secrets
import string
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

LONGEST = 65536
SIGNS = string.ascii_letters + string.digits


class Refused(Exception):
    def __init__(self, status, why):
        super().__init__(why)
        self.status = status


class Store:
    def __init__(self):
        self.lock = threading.Lock()
        self.links = {}

    def add(self, url, alias, ttl):
        with self.lock:
            if alias in self.links:
                raise Refused(409, "somebody has that alias already")
            code = alias
            while code is None or (alias is None and code in self.links):
                code = "".join(secrets.choice(SIGNS) for _ in range(8))
            self.links[code] = {"code": code, "url": url, "ttl": ttl, "clicks": 0, "born": time.monotonic()}
            return self.show(code)

    def show(self, code):
        link = self.links.get(code)
        if link is None:
            raise Refused(404, "there is no such link")
        gone = link["ttl"] is not None and time.monotonic() - link["born"] >= link["ttl"]
        return {"code": code, "url": link["url"], "ttl": link["ttl"], "clicks": link["clicks"], "expired": gone}

    def get(self, code):
        with self.lock:
            return self.show(code)

    def follow(self, code, counts):
        with self.lock:
            if self.show(code)["expired"]:
                raise Refused(410, "this link has run out")
            self.links[code]["clicks"] += counts
            return self.links[code]["url"]

    def every(self):
        with self.lock:
            return [link for link in map(self.show, self.links) if not link["expired"]]

    def remove(self, code):
        with self.lock:
            if self.links.pop(code, None) is None:
                raise Refused(404, "there is no such link")


STORE = Store()


def wanted(body):
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "the body is no JSON") from None
    if not isinstance(asked, dict):
        raise Refused(400, "the body is no JSON object")
    url, alias, ttl = asked.get("url"), asked.get("alias"), asked.get("ttl")
    if not isinstance(url, str) or not re.fullmatch(r"[!-~]{1,2000}", url):
        raise Refused(400, "url has to be an address of at most 2000 printable characters")
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme.lower() not in ("http", "https"):
        raise Refused(400, "url has to be http or https, and name a host")
    if "alias" in asked and (not isinstance(alias, str) or not re.fullmatch(r"[A-Za-z0-9_-]{3,32}", alias)):
        raise Refused(400, "alias has to be 3 to 32 letters, digits, - and _")
    if alias in ("links", "health"):
        raise Refused(400, "that alias is not to be had")
    if ttl is not None and (type(ttl) is not int or not 1 <= ttl <= 31_622_400):
        raise Refused(400, "ttl has to be a whole number of seconds from 1 to 31622400")
    return url, alias, ttl


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def route(self):
        path = self.path.partition("?")[0]
        try:
            body = self.body()
            status, told, headers = self.act(path, body)
        except Refused as no:
            status, told, headers = no.status, {"error": str(no)}, {}
        data = b"" if told is None else json.dumps(told).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def body(self):
        try:
            length = int(self.headers.get("Content-Length", 0))
        except ValueError:
            length = -1
        if length < 0 or "chunked" in self.headers.get("Transfer-Encoding", ""):
            self.close_connection = True
            raise Refused(400, "say how long the body is")
        if length > LONGEST:
            left = min(length, 1 << 24)
            while left > 0 and (piece := self.rfile.read(min(left, LONGEST))):
                left -= len(piece)
            self.close_connection = True
            raise Refused(413, "the body is too long")
        return self.rfile.read(length)

    def act(self, path, body):
        method = self.command
        if path == "/health" and method == "GET":
            return 200, {"status": "ok"}, {}
        if path == "/links" and method == "POST":
            return 201, STORE.add(*wanted(body)), {}
        if path == "/links" and method == "GET":
            every = STORE.every()
            return 200, {"links": every, "total": len(every)}, {}
        if re.fullmatch("/links/[^/]+", path) and method == "GET":
            return 200, STORE.get(path[7:]), {}
        if re.fullmatch("/links/[^/]+", path) and method == "DELETE":
            STORE.remove(path[7:])
            return 204, None, {}
        if re.fullmatch("/[^/]+", path) and method in ("GET", "HEAD"):
            return 302, None, {"Location": STORE.follow(path[1:], method == "GET")}
        raise Refused(404, "there is no such thing here")

    do_GET = do_HEAD = do_POST = do_DELETE = do_PUT = do_PATCH = do_OPTIONS = route

    def log_message(self, *words):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
