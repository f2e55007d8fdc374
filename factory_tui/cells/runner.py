"""The runner: process 1 of a cell, passed as source to ``python3 -I -S -u -c``; standard library only, Python >= 3.8.

It starts commands under the agent's uid, each below a subreaper of its own; keeps each outcome until it is
acknowledged, whether anybody is attached or not; and does file work as the agent and TCP on the cell's loopback. It
decides nothing: what a command means, what a file may hold and what a response should say is the engine's business.

A frame, both ways: one mark byte 1, then three big-endian 32-bit numbers (length of header and payload, their CRC-32,
length of the header), a JSON header, a payload. Zero bytes between frames mean nothing, so an engine that attaches to a
stream which broke inside a frame sends MAX_IN zeros first: the torn frame fails its CRC and is dropped. In the other
direction the engine says hello with a nonce and skips all before its echo.
"""

from __future__ import annotations

import binascii
import ctypes
import errno
import gc
import json
import os
import resource
import select
import signal
import socket
import stat
import struct
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn

    Header = dict[str, Any]
    Slice = tuple[Header, bytes]

VERSION = 1
MAX_IN = 4 << 20
"""Bytes of the longest frame that the runner accepts."""
PART = 1 << 18
"""Bytes of payload after which a listing or a file goes on in the next frame."""
BACKLOG = 1 << 20
"""Bytes waiting to be sent above which live output is dropped and listings wait."""
KEPT = 4 << 20
"""Bytes of acknowledged outcomes that are remembered for an engine that asks again."""
DEPTH = 100
"""Folders below folders that a listing follows."""

_FRAME = struct.Struct(">BIII")
_SEED = 1  # so that a mark and zeros alone are no frame
_STATUS = struct.Struct("i")
_SIZE = struct.Struct(">I")
_PR_SET_CHILD_SUBREAPER = 36
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_libc = ctypes.CDLL(None, use_errno=True)


def pack(header: Header, payload: bytes = b"") -> bytes:
    """One frame."""
    head = json.dumps(header, separators=(",", ":")).encode()
    crc = binascii.crc32(payload, binascii.crc32(head, _SEED))
    return b"".join((_FRAME.pack(1, len(head) + len(payload), crc, len(head)), head, payload))


class Frames:
    """Frames out of a stream that comes in pieces."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Slice]:
        """Every whole frame so far; torn ones are dropped. Raises ValueError for a frame over the limit."""
        buffer = self._buffer
        buffer += data
        while True:
            if buffer[:1] != b"\1":
                start = buffer.find(1)
                del buffer[: start if start >= 0 else len(buffer)]
            if len(buffer) < _FRAME.size:
                return
            _, size, crc, cut = _FRAME.unpack_from(buffer)
            if size > self._limit or cut > size:
                raise ValueError(f"a frame of {size} bytes")
            end = _FRAME.size + size
            if len(buffer) < end:
                return
            body = bytes(memoryview(buffer)[_FRAME.size : end])
            del buffer[:end]
            if binascii.crc32(body, _SEED) == crc:
                yield json.loads(body[:cut]), body[cut:]


class Kept:
    """The head and the tail of a stream, and how much there was."""

    def __init__(self, limit: int) -> None:
        self._half = max(1, limit // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def add(self, data: bytes) -> None:
        """Take the next piece."""
        self.total += len(data)
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > 2 * self._half + 65536:
            del self._tail[: -self._half]

    def bytes(self) -> bytes:
        """What is left: all of it, or head and tail."""
        return bytes(self._head + self._tail[-self._half :])


# ---- starting commands: a slot is a subreaper and, below it, a process that waits to become the command


def _read_exactly(fd: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = os.read(fd, size - len(data))
        if not piece:
            os._exit(0)
        data += piece
    return data


def _close_but(*keep: int) -> None:
    low = 0
    for fd in sorted(keep):
        if low < fd:  # an empty range at 0 would close everything (CPython passes -1 on)
            os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _become(go: int, streams: tuple[int, int, int], config: Header) -> NoReturn:
    """Get ready, wait for a command, be it."""
    try:
        os.setsid()
        for at, fd in enumerate(streams):
            os.dup2(fd, at)
        _close_but(0, 1, 2, go)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.umask(0o022)
        _raise_oom_score()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if config.get("nofile"):
            resource.setrlimit(resource.RLIMIT_NOFILE, (config["nofile"], config["nofile"]))
        # once for nothing: what this touches is then copied before the command waits for it
        _image(json.dumps({"argv": ["x"], "cwd": "", "env": dict(os.environ)}).encode(), config)
        raw = _read_exactly(go, _SIZE.unpack(_read_exactly(go, _SIZE.size))[0])
        os.close(go)
        try:
            argv, env, cwd = _image(raw, config)
            if config["uid"] is not None:
                os.setgroups([])
                os.setresgid(config["gid"], config["gid"], config["gid"])
                os.setresuid(config["uid"], config["uid"], config["uid"])
            os.chdir(cwd)
            os.execvpe(argv[0], argv, env)
        except (OSError, ValueError) as error:
            os.write(2, f"cannot start: {error}\n".encode("utf-8", "replace"))
            os._exit(127 if isinstance(error, FileNotFoundError) else 126)
    finally:
        os._exit(125)


def _image(raw: bytes, config: Header) -> tuple[list[bytes], dict[bytes, bytes], bytes]:
    """What to execute: arguments, environment and folder, as the system takes them."""
    spec = json.loads(raw)
    argv = [word.encode("utf-8", "surrogateescape") for word in spec["argv"]]
    if spec.get("long"):
        argv = [*argv[:1], _script(argv[-1])]
    env = {k.encode("utf-8", "surrogateescape"): v.encode("utf-8", "surrogateescape") for k, v in spec["env"].items()}
    return argv, env, os.path.join(config["work"], spec["cwd"]).encode("utf-8", "surrogateescape")


def _raise_oom_score() -> None:
    try:
        fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    except OSError:
        return  # a host without it; the cell then loses its runner first
    os.write(fd, b"800")
    os.close(fd)


def _script(text: bytes) -> bytes:
    """A path for a command that is too long to be one argument (128 KiB)."""
    fd = os.memfd_create("command", 0)
    view = memoryview(text)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return b"/proc/self/fd/%d" % fd


class Slot:
    """A subreaper of its own for one command, forked ahead of time."""

    def __init__(self, config: Header, null: int, agent: Tree) -> None:
        opened: list[int] = []
        try:
            opened.extend(os.pipe())
            with agent:  # who makes a pipe may open /dev/stderr
                for _ in range(3):
                    opened.extend(os.pipe())
            opened.extend(os.pipe())
            self.pid = os.fork()
        except OSError:
            for fd in opened:
                os.close(fd)
            raise
        go, self.go, stdin, self.stdin, self.stdout, stdout, self.stderr, stderr, self.status, status = opened
        if self.pid == 0:
            try:
                self._supervise(go, (stdin, stdout, stderr), status, config, null)
            finally:
                os._exit(70)
        for fd in (go, stdin, stdout, stderr, status):
            os.close(fd)
        for fd in (self.stdin, self.stdout, self.stderr, self.status):
            os.set_blocking(fd, False)

    @staticmethod
    def _supervise(go: int, streams: tuple[int, int, int], status: int, config: Header, null: int) -> NoReturn:
        for fd in range(3):
            os.dup2(null, fd)
        _close_but(0, 1, 2, go, status, *streams)
        gc.disable()
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        child = os.fork()
        if child == 0:
            os.close(status)
            _become(go, streams, config)
        _close_but(0, 1, 2, status)
        while True:
            try:
                pid, code = os.wait()
            except ChildProcessError:
                os._exit(0)
            if pid == child:
                os.write(status, _STATUS.pack(code))


def descendants(roots: set[int]) -> set[int]:
    """Every process below these, themselves left out."""
    below: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as file:
                    fields = file.read()
            except OSError:
                continue  # it has just ended
            below.setdefault(int(fields[fields.rindex(b")") + 4 :].split(None, 1)[0]), []).append(int(name))
    found: set[int] = set()
    todo = list(roots)
    while todo:
        for pid in below.get(todo.pop(), ()):
            if pid not in found:
                found.add(pid)
                todo.append(pid)
    return found - roots


def signal_all(pids: set[int], number: int) -> None:
    """Signal each that still is."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def freeze(roots: set[int]) -> set[int]:
    """Stop everything below these, until nothing new appears: what is stopped cannot fork."""
    stopped: set[int] = set()
    for _ in range(100):
        new = descendants(roots) - stopped
        if not new:
            break
        signal_all(new, signal.SIGSTOP)
        stopped |= new
    return stopped


class Command:
    """One command: running, then its outcome as a frame."""

    def __init__(self, header: Header, slot: Slot) -> None:
        self.id: str = header["id"]
        self.keep = bool(header.get("keep"))
        self.live = bool(header.get("live"))
        self.slot = slot
        self.out = Kept(header["limit"])
        self.err = Kept(header["limit"])
        self.started = time.monotonic()
        self.deadline = self.started + header["timeout"] if header.get("timeout") else None
        self.stdin = bytearray()
        self.stdin_at = 0
        self.stdin_last = False
        self.exit: int | None = None
        self.frame: bytes | None = None
        self.acked = False
        self.timed_out = False
        self.dying = False
        self.forgotten = False


# ---- files: every path is walked from the work tree's descriptor, no link followed


class Refused(Exception):  # noqa: N818
    """A file request that is not done; the text says why."""


class Tree:
    """The work tree, seen and changed as the agent's uid."""

    def __init__(self, config: Header) -> None:
        self._root = os.open(config["work"], _FOLDER)
        self._work = config["work"].encode()
        self._uid, self._gid = config["uid"], config["gid"]

    def __enter__(self) -> Tree:
        if self._uid is not None:
            os.setegid(self._gid)
            os.seteuid(self._uid)
        return self

    def __exit__(self, *_: object) -> None:
        if self._uid is not None:
            os.seteuid(0)
            os.setegid(0)

    def _parts(self, path: str) -> list[bytes]:
        raw = path.encode("utf-8", "surrogateescape")
        if raw == self._work or raw.startswith(self._work + b"/"):
            raw = raw[len(self._work) + 1 :]
        parts = [part for part in raw.split(b"/") if part not in (b"", b".")]
        if raw.startswith(b"/") or b".." in parts or b"\0" in raw:
            raise Refused(f"{path}: leads out of the work tree")
        if len(parts) > DEPTH:
            raise Refused(f"{path[:80]}...: more than {DEPTH} folders deep")
        return parts

    def _folder(self, parts: list[bytes], make: bool = False) -> int:
        at = os.dup(self._root)
        for part in parts:
            try:
                if make:
                    try:
                        os.mkdir(part, 0o755, dir_fd=at)
                    except FileExistsError:
                        pass
                below = self._open(part, _FOLDER, at, 0o500)
            finally:
                os.close(at)
            at = below
        return at

    def _open(self, name: bytes, flags: int, at: int, need: int) -> int:
        """Open below a folder; where the agent took its own right to read away, give it back: to a folder for good,
        since what is below it needs it too, to a file for a moment.
        """
        try:
            return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
        except PermissionError:
            handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            try:
                mode = os.fstat(handle).st_mode
                if stat.S_ISLNK(mode) or mode & need == need:
                    raise
                os.chmod("/proc/self/fd/%d" % handle, stat.S_IMODE(mode) | need)
                try:
                    return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
                finally:
                    if not stat.S_ISDIR(mode):
                        os.chmod("/proc/self/fd/%d" % handle, stat.S_IMODE(mode))
            finally:
                os.close(handle)

    def listing(self) -> Iterator[Slice]:
        """Everything in the tree with its stamp and no data, folder by folder."""
        todo: list[list[bytes]] = [[]]
        while todo:
            parts = todo.pop()
            if len(parts) >= DEPTH:
                raise Refused(f"the work tree is more than {DEPTH} folders deep")
            try:
                at = self._folder(parts)
            except (FileNotFoundError, NotADirectoryError):
                continue  # it went while we looked
            found: list[Header] = []
            try:
                for name in os.listdir(at):
                    raw = os.fsencode(name)
                    entry = self._entry(at, parts, raw)
                    if entry:
                        found.append(entry)
                        if entry["kind"] == "dir":
                            todo.append([*parts, raw])
            finally:
                os.close(at)
            for first in range(0, len(found), 500):
                yield {"entries": found[first : first + 500]}, b""

    @staticmethod
    def _entry(at: int, parts: list[bytes], name: bytes) -> Header | None:
        try:
            info = os.stat(name, dir_fd=at, follow_symlinks=False)
            target = os.readlink(name, dir_fd=at) if stat.S_ISLNK(info.st_mode) else b""
        except FileNotFoundError:
            return None  # it went while we looked
        kind = {stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "link"}.get(stat.S_IFMT(info.st_mode))
        if kind is None:
            return None  # pipes, sockets and devices are no part of a snapshot
        return {
            "path": b"/".join([*parts, name]).decode("utf-8", "surrogateescape"),
            "kind": kind,
            "mode": stat.S_IMODE(info.st_mode) & 0o777 | (0o500 if kind == "dir" else 0),
            "target": target.decode("utf-8", "surrogateescape"),
            "stamp": [info.st_ctime_ns, info.st_ino, info.st_size],
        }

    def _regular(self, path: str) -> tuple[int, os.stat_result]:
        parts = self._parts(path)
        if not parts:
            raise Refused(f"{path}: is a folder")
        at = self._folder(parts[:-1])
        try:
            info = os.stat(parts[-1], dir_fd=at, follow_symlinks=False)
            if not stat.S_ISREG(info.st_mode):
                raise Refused(f"{path}: is no regular file")
            fd = self._open(parts[-1], os.O_RDONLY | os.O_NONBLOCK, at, 0o400)
        finally:
            os.close(at)
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            os.close(fd)
            raise Refused(f"{path}: is no regular file")
        return fd, info

    def fetch(self, paths: list[str]) -> Iterator[Slice]:
        """The data of these files, in pieces; a file that went is left out."""
        for path in paths:
            try:
                fd, info = self._regular(path)
            except FileNotFoundError:
                continue
            entry: Header = {"path": path, "stamp": [info.st_ctime_ns, info.st_ino, info.st_size]}
            entry["mode"] = stat.S_IMODE(info.st_mode) & 0o777
            try:
                left = info.st_size
                while True:
                    data = os.read(fd, min(PART, left)) if left else b""
                    left -= len(data)
                    yield entry, data
                    if not data or not left:
                        break
            finally:
                os.close(fd)

    def get(self, path: str, limit: int) -> Iterator[Slice]:
        """The first bytes of one file, in pieces."""
        fd, _ = self._regular(path)
        try:
            while limit:
                data = os.read(fd, min(PART, limit))
                limit -= len(data)
                if not data:
                    break
                yield {}, data
        finally:
            os.close(fd)

    def put(self, entries: list[Header], payload: bytes) -> None:
        """Make entries; ``size`` bytes of the payload belong to each file, at ``offset``."""
        used = 0
        for entry in entries:
            parts = self._parts(entry["path"])
            if not parts:
                continue
            data = payload[used : used + entry["size"]]
            used += entry["size"]
            at = self._folder(parts[:-1], make=True)
            try:
                self._make(entry, parts[-1], at, data)
            finally:
                os.close(at)

    def _make(self, entry: Header, name: bytes, at: int, data: bytes) -> None:
        try:
            old: os.stat_result | None = os.stat(name, dir_fd=at, follow_symlinks=False)
        except FileNotFoundError:
            old = None
        folder = old is not None and stat.S_ISDIR(old.st_mode)
        mode = entry["mode"]
        if mode is None:
            mode = stat.S_IMODE(old.st_mode) if old is not None and stat.S_ISREG(old.st_mode) else 0o644
        if entry["kind"] == "dir":
            if not folder:
                if old is not None:
                    os.unlink(name, dir_fd=at)
                os.mkdir(name, 0o700, dir_fd=at)
            fd = self._open(name, _FOLDER, at, 0o500)
        elif entry["kind"] == "link":
            if old is not None:
                os.unlink(name, dir_fd=at)
            os.symlink(entry["target"].encode("utf-8", "surrogateescape"), name, dir_fd=at)
            return
        else:
            flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            if not entry["offset"]:
                if old is not None:
                    os.unlink(name, dir_fd=at)
                flags |= os.O_CREAT | os.O_EXCL
            fd = os.open(name, flags, 0o600, dir_fd=at)
        try:
            view, offset = memoryview(data), entry["offset"]
            while view:
                written = os.pwrite(fd, view, offset)
                view, offset = view[written:], offset + written
            os.fchmod(fd, mode & 0o777)
        finally:
            os.close(fd)


# ---- the loop


class _Runner:
    """Everything that the runner knows, and its loop."""

    def __init__(self, config: Header) -> None:
        self.config = config
        self.tree = Tree(config)
        self.null = os.open(os.devnull, os.O_RDWR)
        self.base = {**os.environ, **config["env"]}
        self.shell = self._find("bash") or self._find("sh") or "/bin/sh"
        self.poll = select.epoll()
        self.heard: dict[int, Callable[[int], None]] = {}
        self.frames = Frames(MAX_IN)
        self.queue: list[bytes] = []
        self.queued = 0
        self.spare: Slot | None = None
        self.commands: dict[str, Command] = {}
        self.slots: dict[int, Command] = {}
        self.gone: set[str] = set()
        self.calls: dict[str, socket.socket] = {}
        self.work: list[tuple[str, Iterator[Slice]]] = []
        self.held: float | None = None
        os.set_blocking(0, False)
        os.set_blocking(1, False)
        self.hear(0, select.EPOLLIN, self.on_stdin)

    def _find(self, name: str) -> str | None:
        for folder in self.base.get("PATH", "/usr/local/bin:/usr/bin:/bin").split(":"):
            if os.access(f"{folder}/{name}", os.X_OK):
                return f"{folder}/{name}"
        return None

    def hear(self, fd: int, events: int, callback: Callable[[int], None]) -> None:
        self.heard[fd] = callback
        self.poll.register(fd, events)

    def close(self, fd: int) -> None:
        if self.heard.pop(fd, None):
            self.poll.unregister(fd)
        os.close(fd)

    # -- sending: never blocks; nobody attached means that bytes go nowhere

    def send(self, header: Header, payload: bytes = b"") -> None:
        self.send_raw(pack(header, payload))

    def send_raw(self, frame: bytes) -> None:
        self.queue.append(frame)
        self.queued += len(frame)

    def flush(self) -> None:
        while self.queue:
            try:
                written = os.write(1, self.queue[0])
            except BlockingIOError:
                if 1 not in self.heard:
                    self.hear(1, select.EPOLLOUT, lambda _: None)
                return
            except OSError:
                self.queue.clear()
                self.queued = 0
                return
            self.queued -= written
            if written == len(self.queue[0]):
                del self.queue[0]
            else:
                self.queue[0] = self.queue[0][written:]
        if 1 in self.heard:
            del self.heard[1]
            self.poll.unregister(1)

    # -- commands

    def on_stdin(self, _: int) -> None:
        try:
            data = os.read(0, 1 << 20)
        except BlockingIOError:
            return
        if not data:
            del self.heard[0]
            self.poll.unregister(0)
            if self.config["leave"]:
                self.leave()
            return
        for header, payload in self.frames.feed(data):
            getattr(self, "do_" + header["op"])(header, payload)

    def leave(self) -> None:
        """The engine of a cell that cannot outlive it is gone: kill all and end."""
        while True:
            below = freeze({os.getpid()})
            signal_all(below, signal.SIGKILL)
            try:
                while os.waitpid(-1, 0)[0]:
                    continue
            except ChildProcessError:
                os._exit(0)

    def do_hello(self, header: Header, _: bytes) -> None:
        self.queue.clear()
        self.queued = 0
        self.work.clear()
        for name in list(self.calls):
            self.hang(name)
        self.send_raw(bytes.fromhex(header["nonce"]))
        self.send({"op": "ready", "id": header["id"], "version": VERSION, "python": sys.version.split()[0]})

    def do_start(self, header: Header, payload: bytes) -> None:
        known = self.commands.get(header["id"])
        if known or header["id"] in self.gone:
            self.do_ask(header, b"")
            return
        try:
            slot, self.spare = self.spare or Slot(self.config, self.null, self.tree), None
        except OSError as error:
            text = f"cannot start: {error}; the cell's processes or files are used up\n".encode()
            self.send(
                {"op": "end", "id": header["id"], "exit": 126, "cut": 0, "timed_out": False, "seconds": 0, "out": 0},
                text,
            )
            return
        command = Command(header, slot)
        self.commands[command.id] = self.slots[slot.pid] = command
        argv = header["argv"] or [self.shell, "-c", header["shell"]]
        spec = {"argv": argv, "cwd": header["cwd"], "env": {**self.base, **header["env"]}}
        spec["long"] = not header["argv"] and len(header["shell"]) > 30_000
        raw = json.dumps(spec).encode()
        try:
            os.set_blocking(slot.go, True)
            view = memoryview(_SIZE.pack(len(raw)) + raw)
            while view:
                view = view[os.write(slot.go, view) :]
        except OSError as error:
            command.err.add(f"cannot start: {error}\n".encode())
        os.close(slot.go)
        self.hear(slot.stdout, select.EPOLLIN, lambda fd: self.on_output(command, fd))
        self.hear(slot.stderr, select.EPOLLIN, lambda fd: self.on_output(command, fd))
        self.hear(slot.status, select.EPOLLIN, lambda fd: self.on_status(command, fd))
        self.give(command, payload, 0, not header.get("more"))

    def do_stdin(self, header: Header, payload: bytes) -> None:
        command = self.commands.get(header["id"])
        if command and command.slot.stdin >= 0:
            self.give(command, payload, header["offset"], header["last"])

    def give(self, command: Command, data: bytes, offset: int, last: bool) -> None:
        if offset == command.stdin_at:
            command.stdin += data
            command.stdin_at += len(data)
            command.stdin_last = last
        self.on_stdin_room(command)

    def on_stdin_room(self, command: Command) -> None:
        fd = command.slot.stdin
        if fd < 0:
            return
        try:
            while command.stdin:
                del command.stdin[: os.write(fd, memoryview(command.stdin)[:65536].tobytes())]
        except BlockingIOError:
            if fd not in self.heard:
                self.hear(fd, select.EPOLLOUT, lambda _: self.on_stdin_room(command))
            return
        except OSError:
            command.stdin.clear()
            command.stdin_last = True
        if command.stdin_last:
            command.slot.stdin = -1
            self.close(fd)
        elif fd in self.heard:
            del self.heard[fd]
            self.poll.unregister(fd)

    def on_output(self, command: Command, fd: int, rounds: int = 4) -> None:
        kept = command.out if fd == command.slot.stdout else command.err
        while rounds:
            rounds -= 1
            try:
                data = os.read(fd, 65536)
            except BlockingIOError:
                return
            if not data:
                if fd == command.slot.stdout:
                    command.slot.stdout = -1
                else:
                    command.slot.stderr = -1
                self.close(fd)
                return
            if command.frame is None:
                kept.add(data)
                if command.live and self.queued < BACKLOG:
                    self.send({"op": "out", "id": command.id, "stream": int(kept is command.err)}, data)

    def on_status(self, command: Command, fd: int) -> None:
        data = os.read(fd, _STATUS.size)
        if data:
            code = _STATUS.unpack(data)[0]
            command.exit = -os.WTERMSIG(code) if os.WIFSIGNALED(code) else os.WEXITSTATUS(code)
            if not command.dying:
                self.finish(command)
            return
        self.close(fd)
        del self.slots[command.slot.pid]
        if command.exit is None:
            self.kill_strays()
        self.reap()
        if command.frame is None:
            self.finish(command)
        for left in (command.slot.stdin, command.slot.stdout, command.slot.stderr):
            if left >= 0:
                self.close(left)
        command.slot.stdin = command.slot.stdout = command.slot.stderr = -1

    def finish(self, command: Command) -> None:
        for fd in (command.slot.stdout, command.slot.stderr):
            if fd >= 0:
                self.on_output(command, fd, rounds=1 << 10)
        out, err = command.out.bytes(), command.err.bytes()
        end = {
            "op": "end",
            "id": command.id,
            "exit": -signal.SIGKILL if command.exit is None else command.exit,
            "cut": command.out.total + command.err.total - len(out) - len(err),
            "timed_out": command.timed_out,
            "seconds": time.monotonic() - command.started,
            "out": len(out),
        }
        command.frame = pack(end, out + err)
        command.out = command.err = Kept(0)
        command.deadline = None
        if command.forgotten:
            return
        self.send_raw(command.frame)

    def do_ask(self, header: Header, _: bytes) -> None:
        command = self.commands.get(header["id"])
        if command is None:
            self.send({"op": "unknown", "id": header["id"]})
        elif command.frame is not None:
            self.send_raw(command.frame)
        else:
            command.live = command.live or bool(header.get("live"))

    def do_ack(self, header: Header, _: bytes) -> None:
        command = self.commands.get(header["id"])
        if command is None or command.frame is None:
            return
        command.acked = True
        if not command.keep:
            self.drop(command)
        kept = [c for c in self.commands.values() if c.acked and c.frame]
        size = sum(len(c.frame or b"") for c in kept)
        for old in kept[:-1]:
            if size <= KEPT:
                break
            size -= len(old.frame or b"")
            self.gone.add(old.id)
            self.drop(old)

    def drop(self, command: Command) -> None:
        """Forget an outcome; what the command left running is still watched."""
        command.frame = b""
        self.commands.pop(command.id, None)

    def do_kill(self, header: Header, _: bytes) -> None:
        command = self.commands.get(header["id"])
        if command is None:
            return
        command.dying = True
        if header.get("forget"):
            command.forgotten = True
            del self.commands[command.id]
        self.kill(command)

    def kill(self, command: Command) -> None:
        if command.slot.pid in self.slots:
            signal_all(freeze({command.slot.pid}), signal.SIGKILL)

    def kill_strays(self) -> None:
        """A subreaper was killed (memory): what it watched is ours now and belongs to no command."""
        ours = set(self.slots) | ({self.spare.pid} if self.spare else set())
        signal_all(freeze({os.getpid()} | ours) - descendants(ours), signal.SIGKILL)

    def reap(self) -> None:
        """Wait for what ended."""
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return

    def do_hold(self, header: Header, _: bytes) -> None:
        """Stop the clocks, and with ``stop`` the commands, until released."""
        if self.held is None:
            self.held = time.monotonic()
        if header["stop"]:
            freeze(set(self.slots))
        self.send({"op": "ok", "id": header["id"]})

    def do_release(self, header: Header, _: bytes) -> None:
        if self.held is not None:
            away = time.monotonic() - self.held
            self.held = None
            for command in self.slots.values():
                command.started += away
                if command.deadline is not None:
                    command.deadline += away
        if header["stop"]:
            signal_all(descendants(set(self.slots)), signal.SIGCONT)
        self.send({"op": "ok", "id": header["id"]})

    # -- calls on the cell's loopback

    def do_dial(self, header: Header, payload: bytes) -> None:
        name = header["id"]
        call = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        call.setblocking(False)
        code = call.connect_ex(("127.0.0.1", header["port"]))
        if code not in (0, errno.EINPROGRESS):
            call.close()
            self.send({"op": "closed", "id": name, "error": os.strerror(code)})
            return
        self.calls[name] = call
        left, room = bytearray(payload), [header["limit"]]

        def on_event(fd: int) -> None:
            try:
                if left:
                    del left[: call.send(left)]
                    if not left:
                        self.poll.modify(fd, select.EPOLLIN)
                    return
                data = call.recv(65536)
            except BlockingIOError:
                return
            except OSError as error:
                self.hang(name, os.strerror(error.errno or 0))
                return
            room[0] -= len(data)
            if data:
                self.send({"op": "data", "id": name}, data)
            if not data or room[0] < 0:
                self.hang(name, "" if not data else "too long")

        self.hear(call.fileno(), select.EPOLLOUT if left else select.EPOLLIN, on_event)

    def do_hang(self, header: Header, _: bytes) -> None:
        self.hang(header["id"], "")

    def hang(self, name: str, error: str = "") -> None:
        call = self.calls.pop(name, None)
        if call:
            self.close(call.detach())
            self.send({"op": "closed", "id": name, "error": error})

    # -- files

    def do_list(self, header: Header, _: bytes) -> None:
        self.work.append((header["id"], self.tree.listing()))

    def do_fetch(self, header: Header, payload: bytes) -> None:
        self.work.append((header["id"], self.tree.fetch(json.loads(payload))))

    def do_get(self, header: Header, _: bytes) -> None:
        self.work.append((header["id"], self.tree.get(header["path"], header["limit"])))

    def do_put(self, header: Header, payload: bytes) -> None:
        def put() -> Iterator[Slice]:
            self.tree.put(header["entries"], payload)
            yield from ()

        self.work.append((header["id"], put()))

    def work_on(self) -> None:
        """One slice of the oldest piece of file work."""
        name, slices = self.work[0]
        try:
            with self.tree:
                part = next(slices, None)
        except (Refused, OSError, ValueError) as error:
            text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self.send({"op": "err", "id": name, "error": text, "errno": getattr(error, "errno", 0)})
            part = None
        else:
            if part is None:
                self.send({"op": "ok", "id": name})
        if part is None:
            del self.work[0]
        else:
            self.send({"op": "part", "id": name, **part[0]}, part[1])

    # -- time

    def on_time(self) -> float:
        """Kill what is late; seconds until this must be looked at again, -1 for never."""
        if self.held is not None:
            return -1
        soon = -1.0
        now = time.monotonic()
        for command in list(self.slots.values()):
            if command.deadline is not None and command.deadline <= now and not command.dying:
                command.dying = command.timed_out = True
                self.kill(command)
            elif command.dying:
                self.kill(command)
            wait = 0.01 if command.dying else -1.0 if command.deadline is None else command.deadline - now
            if wait >= 0 and (soon < 0 or wait < soon):
                soon = wait
        return soon

    def run(self) -> NoReturn:
        while True:
            self.flush()
            wait = self.on_time()
            busy = bool(self.work) and self.queued < BACKLOG
            events = self.poll.poll(0 if busy or self.spare is None else wait)
            for fd, _ in events:
                callback = self.heard.get(fd)
                if callback:
                    callback(fd)
            if busy and self.work:
                self.work_on()
            elif not events and self.spare is None:
                try:
                    self.spare = Slot(self.config, self.null, self.tree)
                except OSError:
                    self.poll.poll(0.05)  # no process left in the cell; commands say so


def main() -> NoReturn:
    """Be the runner."""
    config = json.loads(sys.argv[1])
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    gc.collect()
    gc.freeze()
    _Runner(config).run()


if __name__ == "__main__":
    main()
