"""Commands: started in keepers, fed, heard, timed, killed whole; each outcome is kept until it is acknowledged."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time

from factory_tui.cells.runner.ahead import possible, takes
from factory_tui.cells.runner.command import Command, Kept
from factory_tui.cells.runner.frames import pack
from factory_tui.cells.runner.keeper import CLEAN, Keeper
from factory_tui.cells.runner.loop import BACKLOG, READ
from factory_tui.cells.runner.processes import descendants, freeze, reap, signal_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factory_tui.cells.runner.files import Tree
    from factory_tui.cells.runner.frames import Header
    from factory_tui.cells.runner.gauge import Gauge
    from factory_tui.cells.runner.loop import Loop

KEPT = 4 << 20
"""Bytes of acknowledged outcomes that are remembered for an engine that asks again."""
IDLE = 4
"""Keepers that wait for the next command."""
_AGAIN = 0.01
"""Seconds until what did not die is killed again."""
_LONG = 30_000


class Commands:
    """Every command that runs or whose outcome is kept, and the keepers."""

    def __init__(self, loop: Loop, tree: Tree, gauge: Gauge, config: Header) -> None:
        self._loop, self._tree, self._gauge, self._config = loop, tree, gauge, config
        self._env = {**os.environ, **config["env"]}
        self._shell = self._find("bash") or self._find("sh") or "/bin/sh"
        self._env.setdefault("SHELL", self._shell)  # else a shell looks its user up, which takes longer than it does
        self._null = os.open(os.devnull, os.O_RDONLY)
        self._known: dict[str, Command] = {}
        self._running: dict[int, Command] = {}
        self._idle = [self._keeper(config)]
        self._possible = possible(self._shell, self._env)
        self._ahead: tuple[int, int] | None = None
        """The streams of the shell that the last idle keeper has started ahead."""
        self._strays = False
        """Whether something may be left of a command whose keeper was killed."""
        self._gone: set[str] = set()
        self._held: float | None = None

    def _find(self, name: str) -> str | None:
        for folder in self._env.get("PATH", "/usr/local/bin:/usr/bin:/bin").split(":"):
            if os.access(f"{folder}/{name}", os.X_OK):
                return f"{folder}/{name}"
        return None

    def _keeper(self, config: Header) -> Keeper:
        keeper = Keeper(config)
        self._loop.hear(keeper.fd, select.EPOLLIN, lambda _: self._on_keeper(keeper))
        return keeper

    # -- starting and feeding

    def start(self, header: Header, payload: bytes) -> None:
        """Start a command, unless its id was seen before: no id runs twice."""
        name = header["id"]
        if name in self._known or name in self._gone:
            self.ask(header, b"")
            return
        counts = self._gauge.counts()
        opened: list[int] = []
        ahead = self._take(header, payload)
        annexed: Keeper | None = None
        try:
            if header.get("annex"):
                annexed = self._keeper({**self._config, **self._config["annex"]})
            elif not self._idle:
                self._idle.append(self._keeper(self._config))
            if not ahead:
                self._pipes(opened, 3 if payload or header.get("more") else 2)
        except OSError as error:
            text = f"cannot start: {error}; the cell's processes or files are used up\n".encode()
            end = {"op": "end", "id": name, "exit": 126, "cut": 0, "timed_out": False, "seconds": 0, "out": 0}
            self._loop.send({**end, "lacked": self._gauge.lacked(counts, failed=True)}, text)
            return
        command = Command(header, annexed or self._idle.pop(), counts)
        self._known[name] = self._running[command.keeper.pid] = command
        spec = {
            "argv": header["argv"] or [self._shell, "-c", header["shell"]],
            "cwd": header["cwd"],
            "env": {**self._env, **header["env"]},
            "long": not header["argv"] and len(header["shell"]) > _LONG,
        }
        if ahead:
            command.stdout, command.stderr = ahead
            spec, streams, fed = {"text": header["shell"]}, [], []
        else:
            command.stdout, stdout, command.stderr, stderr, *fed = opened
            stdin, command.stdin = fed or (self._null, -1)
            streams = [stdin, stdout, stderr]
        try:
            command.keeper.start(spec, streams)
            os.kill(command.keeper.pid, signal.SIGCONT)  # the agent may have stopped it, where it is the same user
        except OSError as error:  # it was killed: its end is heard next
            command.err.add(f"cannot start: {error}\n".encode())
        for fd in (*streams[1:], *fed[:1]):
            os.close(fd)
        for fd in (command.stdout, command.stderr, *fed[1:]):
            os.set_blocking(fd, False)
        self._loop.hear(command.stdout, select.EPOLLIN, lambda fd: self._on_output(command, fd))
        self._loop.hear(command.stderr, select.EPOLLIN, lambda fd: self._on_output(command, fd))
        self._give(command, payload, 0, not header.get("more"))

    def _pipes(self, opened: list[int], count: int) -> None:
        """Open pipes, all or none. Raises OSError."""
        try:
            with self._tree:  # who makes a pipe may open /dev/stderr
                for _ in range(count):
                    opened.extend(os.pipe())
        except OSError:
            for fd in opened:
                os.close(fd)
            raise

    def prepare(self) -> None:
        """Start a shell ahead, if there is none, where nothing of the agent's runs that could change it."""
        if not self._possible or self._ahead or self._running or self._strays or not self._idle:
            return
        opened: list[int] = []
        try:
            self._pipes(opened, 2)
        except OSError:
            return
        stdout, its_stdout, stderr, its_stderr = opened
        self._ahead = (stdout, stderr)
        spec = {"ahead": self._shell, "cwd": "", "env": self._env, "long": False}
        with contextlib.suppress(OSError):  # it was killed: its end is heard next
            self._idle[-1].start(spec, [self._null, its_stdout, its_stderr])
        for fd in (its_stdout, its_stderr):
            os.close(fd)

    def _take(self, header: Header, payload: bytes) -> tuple[int, int] | None:
        """The streams of the shell that waits, where it is the one for this command; else it waits for none."""
        plain = not (header["argv"] or header["env"] or payload or header.get("more") or header.get("annex"))
        at = os.path.join(self._config["work"], header["cwd"]).rstrip("/") == self._config["work"].rstrip("/")
        if not (plain and at and takes(header["shell"])):
            self._give_up()
        ahead, self._ahead = self._ahead, None
        return ahead

    def _give_up(self) -> None:
        """Nobody listens to the shell that waits: its keeper kills it before it starts another."""
        for fd in self._ahead or ():
            os.close(fd)
        self._ahead = None

    def stdin(self, header: Header, payload: bytes) -> None:
        """The next piece of a long stdin; one that came before is skipped."""
        command = self._known.get(header["id"])
        if command:
            self._give(command, payload, header["offset"], header["last"])

    def _give(self, command: Command, data: bytes, offset: int, last: bool) -> None:
        if offset == command.input_at:
            command.input += data
            command.input_at += len(data)
            command.input_last = last
        self._on_room(command)

    def _on_room(self, command: Command) -> None:
        fd = command.stdin
        if fd < 0:
            return
        try:
            while command.input:
                del command.input[: os.write(fd, command.input[:READ])]
        except BlockingIOError:
            self._loop.hear(fd, select.EPOLLOUT, lambda _: self._on_room(command))
            return
        except OSError:
            command.input.clear()
            command.input_last = True
        if command.input_last:
            command.stdin = -1
            self._loop.close(fd)
        else:
            self._loop.forget(fd)

    # -- hearing

    def _on_output(self, command: Command, fd: int, rounds: int = 4) -> None:
        kept = command.out if fd == command.stdout else command.err
        for _ in range(rounds):
            try:
                data = os.read(fd, READ)
            except BlockingIOError:
                return
            if not data:
                if fd == command.stdout:
                    command.stdout = -1
                else:
                    command.stderr = -1
                self._loop.close(fd)
                return
            if command.frame is None:
                kept.add(data)
                if command.live and len(self._loop.waiting) < BACKLOG:
                    self._loop.send({"op": "out", "id": command.id, "stream": int(kept is command.err)}, data)

    def _on_keeper(self, keeper: Keeper) -> None:
        answers = keeper.answers()
        for code in answers:
            if code == CLEAN:
                command = self._running.pop(keeper.pid)
                self._settle(command)
                if len(self._idle) < IDLE and not command.annex:
                    self._idle.append(keeper)
                else:
                    self._dismiss(keeper)
            else:
                command = self._running[keeper.pid]
                command.exit = -os.WTERMSIG(code) if os.WIFSIGNALED(code) else os.WEXITSTATUS(code)
                if not command.dying:
                    self._finish(command)
        if not answers:
            self._lose(keeper)
        reap()

    def _dismiss(self, keeper: Keeper) -> None:
        self._loop.forget(keeper.fd)
        keeper.close()

    def _lose(self, keeper: Keeper) -> None:
        """A keeper was killed (memory; or by the agent, where it is the same user): what it watched is ours now and
        belongs to no command. Those that wait may have been killed with it, unheard as yet: none of them is used.
        """
        self._dismiss(keeper)
        self._give_up()
        for idle in self._idle:
            if idle is not keeper:
                self._dismiss(idle)
        self._idle.clear()
        command = self._running.pop(keeper.pid, None)
        self._sweep()
        if command:
            self._settle(command)

    def _sweep(self) -> None:
        """Kill what is below no keeper, until nothing is found and nothing has ended since."""
        ours = {*self._running, *(idle.pid for idle in self._idle)}
        found = freeze({os.getpid()}, besides=ours)
        signal_all(found, signal.SIGKILL)
        self._strays = reap() or bool(found)

    def _settle(self, command: Command) -> None:
        """Nothing that the command started is left."""
        if command.frame is None:
            self._finish(command)
        for fd in (command.stdin, command.stdout, command.stderr):
            if fd >= 0:
                self._loop.close(fd)
        command.stdin = command.stdout = command.stderr = -1

    def _finish(self, command: Command) -> None:
        for fd in (command.stdout, command.stderr):
            if fd >= 0:
                self._on_output(command, fd, rounds=1 << 10)
        out, err = command.out.bytes(), command.err.bytes()
        end = {
            "op": "end",
            "id": command.id,
            "exit": -signal.SIGKILL if command.exit is None else command.exit,
            "cut": command.out.total + command.err.total - len(out) - len(err),
            "timed_out": command.timed_out,
            "seconds": time.monotonic() - command.started,
            "out": len(out),
            "lacked": self._gauge.lacked(command.counts, failed=command.exit != 0),
        }
        command.frame = pack(end, out + err)
        command.out = command.err = Kept(0)
        command.deadline = None
        if not command.forgotten:
            self._loop.waiting += command.frame

    # -- outcomes

    def ask(self, header: Header, _: bytes) -> None:
        """Say what became of a command, now or when it ends."""
        command = self._known.get(header["id"])
        if command is None:
            self._loop.send({"op": "unknown", "id": header["id"]})
        elif command.frame is not None:
            self._loop.waiting += command.frame
        else:
            command.live = command.live or bool(header.get("live"))

    def ack(self, header: Header, _: bytes) -> None:
        """The engine has the outcome: forget it, or what is oldest of those to keep."""
        command = self._known.get(header["id"])
        if command is None or command.frame is None:
            return
        if not command.keep:
            del self._known[command.id]
            return
        command.acked = True
        kept = [(c, len(c.frame)) for c in self._known.values() if c.acked and c.frame]
        size = sum(length for _, length in kept)
        for old, length in kept[:-1]:
            if size <= KEPT:
                break
            size -= length
            self._gone.add(old.id)
            del self._known[old.id]

    # -- killing, and the clocks

    def kill(self, header: Header, _: bytes) -> None:
        """Kill a command with all that it started; with ``forget`` its id may run again."""
        command = self._known.get(header["id"])
        if command is None:
            return
        command.dying = True
        if header.get("forget"):
            command.forgotten = True
            del self._known[command.id]
        self._kill(command)

    def _kill(self, command: Command) -> None:
        keeper = command.keeper.pid
        if self._running.get(keeper) is command:
            signal_all(freeze({keeper}), signal.SIGKILL)
            signal_all({keeper}, signal.SIGCONT)

    def tell(self, header: Header, _: bytes) -> None:
        """Variables of every command from now on."""
        self._env.update(header["env"])
        self._give_up()  # the shell that waits has those of before
        self._loop.send({"op": "ok", "id": header["id"]})

    def hold(self, header: Header, _: bytes) -> None:
        """Stop the clocks, and with ``stop`` the commands, until released."""
        if self._held is None:
            self._held = time.monotonic()
        if header["stop"]:
            freeze(set(self._running))
        self._loop.send({"op": "ok", "id": header["id"]})

    def release(self, header: Header, _: bytes) -> None:
        """Undo hold."""
        if self._held is not None:
            away = time.monotonic() - self._held
            self._held = None
            for command in self._running.values():
                command.started += away
                if command.deadline is not None:
                    command.deadline += away
        if header["stop"]:
            signal_all(descendants(set(self._running)), signal.SIGCONT)
        self._loop.send({"op": "ok", "id": header["id"]})

    def on_time(self) -> float:
        """Kill what is late; seconds until this must be called again, -1 for never."""
        if self._held is not None:
            return -1
        soon = -1.0
        if self._strays:
            self._sweep()
            soon = _AGAIN
        now = time.monotonic()
        for command in list(self._running.values()):
            if command.deadline is not None and command.deadline <= now and not command.dying:
                command.dying = command.timed_out = True
            if command.dying:
                self._kill(command)
            wait = _AGAIN if command.dying else -1.0 if command.deadline is None else command.deadline - now
            if wait >= 0 and (soon < 0 or wait < soon):
                soon = wait
        return soon
