"""What stands in front of a hosted twin, in its cell: starts it, passes requests on, spoils those that a rule says.

A program, standard library only, Python >= 3.8: PORT is where it is steered, on the cell's loopback, by whoever knows
the token in FRONT; what it serves in the twin's place is told there. It keeps what the twin was asked, and whether the
twin broke: by a 5xx of its own but 501, no HTTP, no answer, or its end. It knows nothing of scenarios.
"""

from __future__ import annotations

import contextlib
import hmac
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

    Json = dict[str, Any]

HOP = re.compile("(?i)connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|content-length")
"""Headers that are between two neighbours only."""
BODY = 16 << 20
"""Bytes of a request or an answer that are passed on."""
SHOWN = 16 << 10
"""Bytes of a request's body that are kept."""
KEPT = 4 << 20
"""Bytes of requests that are kept: the first."""
ANSWER = 20.0
"""Seconds that a twin has to answer."""
IDLE = 600.0
LOG = 4000
_SOON = 0.02


class Front:
    """The twin's process, the rules, and what was asked."""

    def __init__(self, config: Json) -> None:
        self.config = config
        self.lock = threading.Lock()
        self.latency = float(config.get("latency", 0))
        self.rules: list[Json] = config.get("faults", [])
        self.asked: list[Json] = []
        self.count = 0
        self.room = KEPT
        self.broken = ""
        self.port = 0
        self.ready = False
        self.turn = 0
        """How often the twin was started: what failed before that is no news."""
        self._ours: set[int] = set()
        self._before = 0  # connections that were not ours to ports that the twin had before
        self._inner = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._log = bytearray()

    def start(self, data: str) -> None:
        """Start the twin, or start it anew; `data` is the path of what it begins with."""
        with self.lock:
            turn = self.turn = self.turn + 1
            self.ready, self.broken, self.asked, self.count, self.room = False, "", [], 0, KEPT
            self._before = self._around()
            self._end()
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self._inner = free.getsockname()[1]
            env = {name: value for name, value in os.environ.items() if name != "FRONT"}
            env.update({"PORT": str(self._inner), **({"TWIN_DATA": data} if data else {})})
            self._log = bytearray()
            self._process = process = subprocess.Popen(
                ["/bin/sh", "-c", self.config["command"]],
                cwd=self.config["folder"],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        threading.Thread(target=self._hear, args=(process, self._log), daemon=True).start()
        threading.Thread(target=self._await, args=(process, turn), daemon=True).start()

    def _end(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    @staticmethod
    def _hear(process: subprocess.Popen[bytes], log: bytearray) -> None:
        for line in process.stdout or ():
            log += line
            del log[:-LOG]

    def _await(self, process: subprocess.Popen[bytes], turn: int) -> None:
        wanted = self.config["ready"]
        ends = time.monotonic() + wanted["timeout"]
        said = "it did not answer"
        while time.monotonic() < ends and self.turn == turn:
            if process.poll() is not None:
                return
            try:
                status = self.ask("GET", wanted["path"], [], b"", 2.0)[0]
            except (OSError, http.client.HTTPException) as error:
                said = str(error) or type(error).__name__
            else:
                if wanted["status"] in (None, status):
                    self.ready = True
                    return
                said = f"it answers {status}"
            time.sleep(_SOON)
        self.breaks(turn, f"it was not ready in {wanted['timeout']:g} s: {said}")

    def ask(self, method: str, path: str, headers: list[tuple[str, str]], body: bytes, timeout: float) -> Any:
        """Ask the twin: status, headers and body. Raises OSError, HTTPException."""
        line = http.client.HTTPConnection("127.0.0.1", self._inner, timeout=timeout)
        try:
            line.connect()
            self._ours.add(line.sock.getsockname()[1])
            line.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers or [("Host", self.config["host"])]:
                line.putheader(name, value.encode("latin-1", "replace"))
            if body or method in ("POST", "PUT", "PATCH"):
                line.putheader("Content-Length", str(len(body)))
            line.putheader("Connection", "close")
            line.endheaders(body)
            answer = line.getresponse()
            return answer.status, answer.getheaders(), answer.read(BODY)
        finally:
            line.close()

    def breaks(self, turn: int, why: str) -> None:
        """Keep the first thing that went wrong with the twin."""
        with self.lock:
            if turn == self.turn and not self.broken:
                self.broken = why

    def state(self) -> Json:
        """What whoever steers may know."""
        code = self._process.poll() if self._process else None
        if code is not None:
            self.breaks(self.turn, f"it ended with {code}")
        log = bytes(self._log).decode("utf-8", "replace")
        return {"ready": self.ready, "broken": self.broken, "port": self.port, "log": log, "around": self._around()}

    def _around(self) -> int:
        """Connections to the twin's own ports that are not ours, as the cell's own network remembers them."""
        if not self.config["address"]:
            return 0  # on a network that is not the cell's alone, numbers are used again
        if self._others():
            time.sleep(5 * _SOON)  # one of ours is there a moment before it is known to be
        return self._before + self._others()

    def _others(self) -> int:
        found = 0
        for line in _connections():
            here, there, state = line.split()[1:4]
            ports = {int(one.rpartition(":")[2], 16) for one in (here, there)}
            found += state != "0A" and self._inner in ports and not ports & self._ours
        return found

    def rule(self, method: str, path: str) -> Json | None:
        """The first rule that fits and is not used up."""
        with self.lock:
            for rule in self.rules:
                if not fits(rule, method, path):
                    continue
                if rule["after"] > 0:
                    rule["after"] -= 1
                elif rule["times"] > 0:
                    rule["times"] -= 1
                    return rule
        return None

    def note(self, what: Json) -> Json:
        """Keep a request; its answer is added once there is one."""
        with self.lock:
            self.count += 1
            self.room -= len(json.dumps(what))
            if self.room >= 0:
                self.asked.append(what)
        return what

    def told(self, only: Json) -> Json:
        """Requests that fit: method and path."""
        with self.lock:
            found = [one for one in self.asked if fits(only, one["method"], one["path"])]
            return {"count": len(found), "lost": self.count - len(self.asked), "requests": found}


def _connections() -> Iterator[str]:
    """A line for each of the network; an address of IPv4 may be asked by a socket of IPv6, too."""
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(FileNotFoundError), open(f"/proc/net/{name}", encoding="ascii") as file:
            yield from list(file)[1:]


def fits(rule: Json, method: str, path: str) -> bool:
    """Whether a request is one that the rule is for; `*` is one segment of a path, nothing is any."""
    if rule.get("method") and rule["method"].upper() != method:
        return False
    pattern = rule.get("path", "")
    spelt = "|".join(re.escape(one).replace(r"\*", "[^/]+") for one in (pattern, _plain(pattern)))
    return not pattern or re.fullmatch(spelt, path) is not None


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
        path = _plain(path)
        try:
            body = self.body()
        except ValueError:
            self.close_connection = True
            self.give(400, [], b"")
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        what: Json = {"method": self.command, "path": path, "query": query, "headers": headers, **_content(body)}
        rule = front.rule(self.command, path)
        noted = front.note({**what, "status": 0, "fault": "", "seconds": 0.0})
        answer = (0, [], b"") if rule and not rule["reached"] else self._pass(body)
        time.sleep(max(0.0, front.latency))
        noted["fault"] = _named(rule) if rule else ""
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


def _plain(path: str) -> str:
    """A path as a twin may well take it, whatever it is spelt like: without a host, and without escapes but of `/`."""
    return unquote(re.sub("(?i)%2f", "%252F", re.sub("(?i)^[a-z]+://[^/]*", "", path)))


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
