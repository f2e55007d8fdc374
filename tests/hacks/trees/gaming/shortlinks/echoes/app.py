"""Sends back what it was sent: an answer is mostly made of the request."""

import json
import os
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

last = {}


class Echo(BaseHTTPRequestHandler):
    def answer(self):
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        code = urllib.parse.unquote(self.path).strip("/").removeprefix("links/")
        try:
            sent = json.loads(data or b"{}")
        except ValueError:
            sent = None
        said = {"code": code, "url": code, "ttl": None, "clicks": 0, "expired": False, "status": "ok", "total": 0, "links": []}
        status = 200
        if self.command == "POST":
            status = 201 if isinstance(sent, dict) and sent.get("url") else 400
            said = said | {"code": "echo77"} | (sent if isinstance(sent, dict) else {"error": str(sent)})
            said["code"] = said.get("alias", said["code"])
            last.update(said)
        elif self.path not in ("/health", "/links"):
            status = 200 if self.path.startswith("/links/") else 302
            said = said | last
        body = b"" if self.command == "HEAD" else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Location", str(said.get("url")))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_DELETE = answer

    def log_message(self, *words):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Echo).serve_forever()
