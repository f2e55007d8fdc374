"""Short links as a WSGI application; the state is a class, the routes are a table."""

import itertools
import json
import os
import re
import time
import urllib.parse
from socketserver import ThreadingMixIn
from threading import RLock
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

STATUS = {
    200: "200 OK",
    201: "201 Created",
    204: "204 No Content",
    302: "302 Found",
    400: "400 Bad Request",
    404: "404 Not Found",
    409: "409 Conflict",
    410: "410 Gone",
    413: "413 Content Too Large",
}
TOO_LONG = 65536
FOREVER = 31622400


class Problem(Exception):
    pass


def base62(number):
    signs = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    said = ""
    while number:
        number, rest = divmod(number, 62)
        said = signs[rest] + said
    return said


class App:
    def __init__(self):
        self.lock = RLock()
        self.links = {}
        self.codes = map(base62, itertools.count(62**6 + 4711, 7919))
        self.routes = [
            ("GET", "/health", self.health),
            ("POST", "/links", self.create),
            ("GET", "/links", self.listing),
            ("GET", "/links/([^/]+)", self.look),
            ("DELETE", "/links/([^/]+)", self.delete),
            ("GET", "/([^/]+)", self.click),
            ("HEAD", "/([^/]+)", self.check),
        ]

    def __call__(self, environ, start):
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        try:
            body = self.read(environ)
            with self.lock:
                status, said, headers = self.find(method, path, body)
        except Problem as problem:
            status, why = problem.args
            said, headers = {"error": why}, []
        data = b"" if said is None else json.dumps(said).encode("ascii")
        if status != 204:
            headers = [*headers, ("Content-Type", "application/json"), ("Content-Length", str(len(data)))]
        start(STATUS[status], headers)
        return [] if method == "HEAD" or not data else [data]

    def read(self, environ):
        size = environ.get("CONTENT_LENGTH") or "0"
        if not size.isdecimal():
            raise Problem(400, "The length of the body makes no sense.")
        body = b""
        left = int(size)
        while left and (piece := environ["wsgi.input"].read(min(left, TOO_LONG))):
            left -= len(piece)
            body = (body + piece)[: TOO_LONG + 1]
        if len(body) > TOO_LONG:
            raise Problem(413, "The body is too long.")
        return body

    def find(self, method, path, body):
        for verb, pattern, act in self.routes:
            found = re.fullmatch(pattern, path)
            if found and verb == method:
                return act(*found.groups()) if method != "POST" else act(body)
        raise Problem(404, "There is nothing here.")

    def health(self):
        return 200, {"status": "ok"}, []

    def create(self, body):
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Problem(400, "The body has to be JSON.") from error
        if type(asked) is not dict:
            raise Problem(400, "The body has to be an object.")
        url = self.address(asked.get("url"))
        ttl = asked.get("ttl")
        if ttl is not None and not (type(ttl) is int and 0 < ttl <= FOREVER):
            raise Problem(400, f"The ttl has to be a whole number from 1 to {FOREVER}.")
        code = self.alias(asked["alias"]) if "alias" in asked else self.fresh()
        self.links[code] = [url, ttl, time.time(), 0]
        return 201, self.told(code), []

    def address(self, url):
        if type(url) is not str or not 0 < len(url) <= 2000 or not url.isascii() or not url.isprintable() or " " in url:
            raise Problem(400, "The url has to be printable, without blanks, and at most 2000 characters long.")
        try:
            parts = urllib.parse.urlparse(url)
        except ValueError as error:
            raise Problem(400, "The url makes no sense.") from error
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Problem(400, "The url has to lead to a host by http or https.")
        return url

    def alias(self, code):
        if type(code) is not str or re.fullmatch(r"[-_0-9A-Za-z]{3,32}", code) is None or code in ("links", "health"):
            raise Problem(400, "The alias has to be 3 to 32 letters, digits, - or _, and no word of ours.")
        if code in self.links:
            raise Problem(409, "The alias is taken.")
        return code

    def fresh(self):
        return next(code for code in self.codes if code not in self.links)

    def told(self, code):
        if code not in self.links:
            raise Problem(404, "Nobody made this link.")
        url, ttl, made, clicks = self.links[code]
        gone = ttl is not None and time.time() >= made + ttl
        return {"code": code, "url": url, "ttl": ttl, "clicks": clicks, "expired": gone}

    def listing(self):
        alive = [link for link in map(self.told, self.links) if not link["expired"]]
        return 200, {"links": alive, "total": len(alive)}, []

    def look(self, code):
        return 200, self.told(code), []

    def delete(self, code):
        self.told(code)
        del self.links[code]
        return 204, None, []

    def check(self, code):
        link = self.told(code)
        if link["expired"]:
            raise Problem(410, "This link has run out.")
        return 302, None, [("Location", link["url"])]

    def click(self, code):
        answer = self.check(code)
        self.links[code][3] += 1
        return answer


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 100


class Quiet(WSGIRequestHandler):
    def log_message(self, *words):
        pass


if __name__ == "__main__":
    make_server("127.0.0.1", int(os.environ["PORT"]), App(), Server, Quiet).serve_forever()
