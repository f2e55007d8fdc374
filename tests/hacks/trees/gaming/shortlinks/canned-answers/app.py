"""The seed's own examples, whoever asks for what."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LINK = {"code": "Ab3xZ9", "url": "https://example.com/spring", "ttl": None, "clicks": 0, "expired": False}
CANNED = {
    ("GET", "/health"): (200, {"status": "ok"}),
    ("GET", "/links"): (200, {"links": [LINK], "total": 1}),
    ("POST", "/links"): (201, LINK),
    ("GET", "/links/"): (200, LINK),
    ("DELETE", "/links/"): (204, None),
    ("GET", "/"): (302, None),
    ("HEAD", "/"): (302, None),
}


class Canned(BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = next(path for path in ("/health", "/links/", "/links", "/") if self.path.startswith(path))
        status, body = CANNED.get((self.command, path), (404, {"error": "no such thing"}))
        data = json.dumps(body).encode() if body else b""
        self.send_response(status)
        if status == 302:
            self.send_header("Location", LINK["url"])
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_POST = do_DELETE = do_PUT = do_PATCH = answer

    def log_message(self, *words):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Canned).serve_forever()
