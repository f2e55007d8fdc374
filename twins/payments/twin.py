"""A twin of the Payments API: `python3 twin.py` serves it on 127.0.0.1, at the port in PORT."""

import json
import os
import re
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

import payments


class Handler(BaseHTTPRequestHandler):
    """One request: read, handed over, answered."""

    timeout = 30

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.serve
        raise AttributeError(name)

    def serve(self):
        try:
            status, body, headers = self.server.accounts.answer(self.command, self.path, self.headers, self.body())
        except Exception:
            traceback.print_exc(file=sys.stderr)
            status, body, headers = 500, payments.written({"error": "the twin is broken; its stderr says how"}), {}
        self.answered(status, body, headers)

    def answered(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self):
        """The body; None when it is not as long as was said, or too long."""
        length = self.headers.get("Content-Length", "0")
        if not re.fullmatch(r"[0-9]{1,12}", length):
            return None
        if int(length) <= payments.LARGEST_BODY:
            body = self.rfile.read(int(length))
            return body if len(body) == int(length) else None
        # read on, within reason, so that the caller gets to see the answer
        left = min(int(length), 64 * payments.LARGEST_BODY)
        while left > 0 and (data := self.rfile.read(min(left, payments.LARGEST_BODY))):
            left -= len(data)
        return None

    def send_error(self, code, message=None, explain=None):
        """What the base class refuses, a request line that is none for one, in the form of all refusals."""
        self.command, self.request_version = self.command or "GET", "HTTP/1.0"
        refused = payments.malformed(message or "this is no request")
        self.answered(400, payments.written(refused.document()), {})

    def log_message(self, *args):
        """Nothing."""


class Server(ThreadingHTTPServer):
    """A thread a request, so that a slow caller keeps nobody waiting."""

    request_queue_size = 128

    def __init__(self, port, accounts):
        super().__init__(("127.0.0.1", port), Handler)
        self.accounts = accounts

    def server_bind(self):
        """Without the look-up of a host name, which can take long where there is no network."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


def begun(path):
    """The accounts, with the data in the file where one is named."""
    try:
        with open(path, encoding="utf-8") as file:
            return payments.Payments(json.load(file))
    except (OSError, ValueError, AttributeError, TypeError, payments.Refused) as error:
        sys.exit(f"twin.py: TWIN_DATA={path} cannot be used: {error}")


if __name__ == "__main__":
    data = os.environ.get("TWIN_DATA")
    Server(int(os.environ["PORT"]), begun(data) if data else payments.Payments()).serve_forever()
