"""The doors of a hosted twin's front: the twin's own, where its service is expected, and the one it is steered by.

A program, standard library only, Python >= 3.8: PORT is where it is steered, on the cell's loopback, by whoever knows
the token in FRONT; what it serves in the twin's place is told there.
"""

from __future__ import annotations

import contextlib
import hmac
import http.client
import json
import os
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from factory_tui.twins.front import BODY, Front, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    Json = dict[str, Any]

HOP = re.compile("(?i)connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|content-length")
"""Headers that are between two neighbours only."""
SHOWN = 16 << 10
"""Bytes of a request's body that are kept."""
ANSWER = 20.0
"""Seconds that a twin has to answer."""
IDLE = 600.0


class _Handler(BaseHTTPRequestHandler):
    """What both doors have in common."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = IDLE
    front: Front

    def log_message(self, *_: object) -> None:
        """Keep no log: all is in what was asked."""

    def body(self) -> bytes:
        """The request's body. Raises ValueError for what has no end that can be told, or is too long."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(self._chunks())
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= BODY:
            raise ValueError("too long")
        return self.rfile.read(length)

    def _chunks(self) -> Any:
        room = BODY
        while True:
            size = int(self.rfile.readline(100).split(b";")[0], 16)
            room -= size
            if room < 0 or size < 0:
                raise ValueError("too long")
            if not size:
                while self.rfile.readline(1000).strip():
                    continue
                return
            yield self.rfile.read(size)
            self.rfile.readline(10)

    def give(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer as a whole."""
        self.send_response_only(status)
        for name, value in headers:
            if not HOP.fullmatch(name):
                self.send_header(name, value)
        bodiless = status in (204, 304) or status < 200
        if not bodiless:
            given = [value for name, value in headers if name.lower() == "content-length"]
            self.send_header("Content-Length", given[0] if self.command == "HEAD" and given else str(len(body)))
        self.end_headers()
        if not bodiless and self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()


class Steering(_Handler):
    """The engine's door."""

    def do_POST(self) -> None:
        """Do what is asked for, and say how things are."""
        front = self.front
        order = json.loads(self.body() or b"{}")
        if not hmac.compare_digest(self.headers.get("Authorization", ""), front.config["token"]):
            self.give(403, [], b"")
            return
        if "latency" in order:
            front.latency = float(order["latency"])
        if "faults" in order:
            with front.lock:
                front.rules = order["faults"]
        if "reset" in order:
            front.start(order["reset"])
        said = {**front.state(), **(front.told(order["asked"]) if "asked" in order else {})}
        self.give(200, [("Content-Type", "application/json")], json.dumps(said).encode())


class Door(_Handler):
    """The twin's door, where the service it stands for is expected."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.forward
        raise AttributeError(name)

    def forward(self) -> None:
        """One request: noted, then spoilt or passed on."""
        front, began = self.front, time.monotonic()
        path, _, query = self.path.partition("?")
        path = plain(path)
        try:
            body = self.body()
        except ValueError:
            self.close_connection = True
            self.give(400, [], b"")
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        what: Json = {"method": self.command, "path": path, "query": query, "headers": headers, **_content(body)}
        by_hand = front.set_by_hand()
        rule = None if by_hand.get("status") else front.rule(self.command, path)
        noted = front.note({**what, "status": 0, "fault": "", "seconds": 0.0})
        if by_hand.get("status"):
            noted["fault"] = f"{by_hand['status']} by an operator"
            answer = by_hand["status"], [("Retry-After", "1")], b"an operator has it fail"
        else:
            answer = (0, [], b"") if rule and not rule["reached"] else self._pass(body)
        time.sleep(max(0.0, front.latency + by_hand.get("latency", 0.0)))
        if rule:
            noted["fault"] = _named(rule)
        if rule and rule["status"] is None:
            self.close_connection = True
            with contextlib.suppress(OSError):
                while rule["timeout"] and self.connection.recv(1 << 16):
                    continue
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        if rule:
            answer = rule["status"], list(rule["headers"].items()), rule["body"].encode()
        noted["status"], noted["seconds"] = answer[0], round(time.monotonic() - began, 3)
        self.give(*answer)

    def _pass(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        front, turn = self.front, self.front.turn
        kept = [(name, value) for name, value in self.headers.items() if not HOP.fullmatch(name)]
        asked = f"{self.command} {self.path}"
        try:
            status, headers, answer = front.ask(self.command, self.path, kept, body, ANSWER)
        except (http.client.InvalidURL, ValueError):  # the asker's doing: else it could choose what is void
            return 400, [], b"that is no request"
        except (OSError, http.client.HTTPException) as error:
            front.breaks(turn, f"{asked} got no answer: {str(error) or type(error).__name__}")
            if front.config["again"] and front.turn == turn:
                front.start(front.config["data"])
            return 502, [], b"the twin broke"
        if status >= 500 and status != 501:  # that is how many say that they do not know the method
            front.breaks(
                turn, f"{asked} got {status}, which no fault asked for: {answer[:300].decode('utf-8', 'replace')}"
            )
        return status, headers, answer


def _content(body: bytes) -> Json:
    """What a body says, as JSON where it is."""
    try:
        return {"json": json.loads(body)} if len(body) <= SHOWN else {"body": body[:SHOWN].decode("utf-8", "replace")}
    except (ValueError, RecursionError):
        return {"body": body.decode("utf-8", "replace")}


def _named(rule: Json) -> str:
    what = "timeout" if rule["timeout"] else "drop" if rule["status"] is None else str(rule["status"])
    return what + (" after it was done" if rule["reached"] else "")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        """Without looking its own name up, which takes long where nothing answers."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "", self.server_address[1]


def _open(address: str, port: int, front: Front) -> _Server:
    """The twin's door: at port 80 of its own address where that may be had."""
    door = type("Door", (Door,), {"front": front})
    for number in (80, port) if address else (0,):
        with contextlib.suppress(PermissionError):
            return _Server((address or "127.0.0.1", number), door)
    raise PermissionError(f"{address}: neither port 80 nor {port} can be had")


def main() -> NoReturn:
    """Serve until killed."""
    config = json.loads(os.environ["FRONT"])
    front = Front(config)
    port = int(os.environ["PORT"])
    door = _open(config["address"], port, front)
    front.port = door.server_port
    threading.Thread(target=door.serve_forever, daemon=True).start()
    front.start(config["data"])
    _Server(("127.0.0.1", port), type("Steering", (Steering,), {"front": front})).serve_forever()
    raise SystemExit(1)


if __name__ == "__main__":
    main()
