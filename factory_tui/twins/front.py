"""What is known in front of a hosted twin, in its cell: its process, which requests are spoilt, and what was asked.

Standard library only, Python >= 3.8; `doors` is what it is reached by. It keeps what the twin was asked, and whether
the twin broke: by a 5xx of its own but 501, no HTTP, no answer, or its end. It knows nothing of scenarios.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from urllib.parse import unquote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Json = dict[str, Any]

BODY = 16 << 20
"""Bytes of a request or an answer that are passed on."""
KEPT = 4 << 20
"""Bytes of requests that are kept: the first."""
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
        self._by_hand: Json = {}
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

    def set_by_hand(self) -> Json:
        """What an operator has the twin do: a status in place of every answer, or seconds before it; maybe neither."""
        gone = contextlib.suppress(FileNotFoundError, ValueError)  # nobody did, or it is just being written anew
        with gone, open(self.config["fault"], encoding="utf-8") as file:
            self._by_hand = json.load(file)
        return self._by_hand

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
    spelt = "|".join(re.escape(one).replace(r"\*", "[^/]+") for one in (pattern, plain(pattern)))
    return not pattern or re.fullmatch(spelt, path) is not None


def plain(path: str) -> str:
    """A path as a twin may well take it, whatever it is spelt like: without a host, and without escapes but of `/`."""
    return unquote(re.sub("(?i)%2f", "%252F", re.sub("(?i)^[a-z]+://[^/]*", "", path)))
