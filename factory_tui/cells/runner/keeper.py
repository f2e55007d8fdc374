"""A keeper: a subreaper that runs one command at a time and outlives it, so that a command copies no process.

The keeper has the rights of the runner, in the agent's group; the command has the agent's. Over a socket the runner
sends a command (a length, then JSON, with the command's three streams); the keeper answers with the wait status when
the command's own process ended, and with CLEAN when nothing that it started is left. Only then comes the next command.
Between two the runner may send a shell to start ahead, with its streams; it then has the next command's text, if that
comes as a text alone, and is killed before anything else is started.
"""

from __future__ import annotations

import array
import ctypes
import errno
import gc
import json
import os
import resource
import signal
import socket
import struct

from factory_tui.cells.runner.ahead import Ahead, image
from factory_tui.cells.runner.rights import acting, limit, raise_oom_score

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from factory_tui.cells.runner.frames import Header

    Image = tuple[list[bytes], dict[bytes, bytes], bytes]

CLEAN = -1
_SIZE = struct.Struct(">I")
_CODE = struct.Struct("i")
_STREAMS = 3
_PR_SET_CHILD_SUBREAPER = 36


class Keeper:
    """The runner's end. Raises OSError when the cell has no process or descriptor left."""

    def __init__(self, config: Header) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            try:
                self.pid = os.fork()
            except OSError:
                self._socket.close()
                raise
            if self.pid == 0:
                try:
                    _keep(theirs, config)
                finally:
                    os._exit(70)
        self.fd = self._socket.fileno()

    def start(self, spec: Header, streams: list[int]) -> None:
        """Send a command: ``argv``, ``env``, ``cwd``, ``long``; or a shell to start ahead: ``ahead`` for ``argv``; or
        a ``text`` for that one, without streams. Raises OSError when the keeper is gone.
        """
        raw = json.dumps(spec).encode()
        message = _SIZE.pack(len(raw)) + raw
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", streams))] if streams else []
        rest = message[self._socket.sendmsg([message], rights) :]
        if rest:
            self._socket.sendall(rest)

    def answers(self) -> list[int]:
        """Wait statuses and CLEAN, as they came; nothing when the keeper is gone."""
        try:
            data = self._socket.recv(_CODE.size * 2)
        except ConnectionResetError:
            return []
        return [code for (code,) in _CODE.iter_unpack(data)]

    def close(self) -> None:
        """Let the keeper end."""
        self._socket.close()


def be_subreaper() -> None:
    """Become the parent of what loses its own below this process."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _keep(inherited: socket.socket, config: Header) -> NoReturn:
    """Do once what every command would have to, then run commands until the runner closes the socket."""
    gc.disable()
    be_subreaper()
    null = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(null, fd)
    here = os.dup2(inherited.detach(), 3)
    os.closerange(here + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.set_inheritable(here, False)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)  # whoever started the engine may have had some ignored, or held back
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(0o022)
    raise_oom_score()
    limit({"CORE": 0, **config.get("limits", {})})
    if config["uid"] is not None:
        os.setgroups([])
        os.setresgid(config["gid"], config["gid"], config["gid"])
    with socket.socket(fileno=here) as runner:
        ready = _Ready(config)
        while True:
            raw, streams = _receive(runner)
            spec = json.loads(raw)
            if "ahead" in spec:
                ready.start(spec, streams)
                continue
            child, spec, streams = ready.take(spec, streams)
            try:
                child = child or _start(spec, streams, config)
            except (OSError, ValueError) as error:
                child = -1
                why = "; the cell's processes are used up" if isinstance(error, BlockingIOError) else ""
                os.write(streams[2], f"cannot start: {error}{why}\n".encode("utf-8", "replace"))
                runner.sendall(_CODE.pack((127 if isinstance(error, FileNotFoundError) else 126) << 8))
            for fd in streams:
                os.close(fd)
            try:
                while True:
                    pid, code = os.wait()
                    if pid == child:
                        child = -1  # another that it left may be given the same number
                        runner.sendall(_CODE.pack(code))
            except ChildProcessError:
                runner.sendall(_CODE.pack(CLEAN))


class _Ready:
    """The shell that was started ahead, if there is one, and how a fresh one would be started."""

    def __init__(self, config: Header) -> None:
        self._config = config
        self._spec: Header = {}
        self._streams = array.array("i")
        self._shell: Ahead | None = None

    def start(self, spec: Header, streams: array.array[int]) -> None:
        """Start one; where that cannot be, the command that is meant for it starts as any other."""
        self._drop()
        argv, env = image(spec["ahead"], spec["env"])
        self._spec, self._streams = {**spec, "argv": argv}, streams
        try:
            with acting(self._config["uid"]):
                behind, gate = os.pipe()
        except OSError:
            return
        try:
            pid = _start({**self._spec, "env": env}, array.array("i", [*streams, behind]), self._config)
        except OSError:
            os.close(gate)
        else:
            self._shell = Ahead(pid, gate, spec["ahead"])
        finally:
            os.close(behind)

    def take(self, spec: Header, streams: array.array[int]) -> tuple[int, Header, array.array[int]]:
        """The process of this command where it waited (else 0), what else to start, and its streams."""
        if "text" not in spec:
            self._drop()
            return 0, spec, streams
        shell, self._shell = self._shell, None
        streams, self._streams = self._streams, array.array("i")
        with acting(self._config["uid"]):
            pid = shell.pid if shell and shell.give(spec["text"]) else 0
        return pid, {**self._spec, "argv": [*self._spec["argv"][:2], spec["text"]]}, streams

    def _drop(self) -> None:
        """There may be one, or only its streams."""
        if self._shell:
            self._shell.drop()
        for fd in self._streams:
            os.close(fd)
        self._shell, self._streams = None, array.array("i")


def _receive(runner: socket.socket) -> tuple[bytes, array.array[int]]:
    """The next command and its streams; without a runner, the end."""
    streams = array.array("i")
    room = socket.CMSG_SPACE(_STREAMS * streams.itemsize)
    data, rights, _, _ = runner.recvmsg(_SIZE.size, room, socket.MSG_CMSG_CLOEXEC)
    for _, _, given in rights:
        streams.frombytes(given)
    left = _SIZE.unpack(data)[0] if data else 0
    parts = []
    while left:
        part = runner.recv(left)
        left = left - len(part) if part else 0
        parts.append(part)
    if not data or not parts[-1]:
        os._exit(0)
    return b"".join(parts), streams


def _start(spec: Header, streams: array.array[int], config: Header) -> int:
    """Start a command; its process. Raises OSError, ValueError.

    Python's own fork would copy the keeper for every command. posix_spawn shares its memory until the command is there,
    but changes no user: so the keeper is the agent meanwhile, but for the saved uid, by which it comes back. Another
    command may send it a signal then, which is why the runner outlives a keeper that is killed or stopped.
    """
    argv, env, cwd = _image(spec, config)
    script = _script(argv[-1]) if spec["long"] else -1
    try:
        if script >= 0:
            argv[1:] = [b"/proc/self/fd/%d" % script]
        if config["uid"] is not None:
            os.setresuid(config["uid"], config["uid"], 0)
        os.chdir(cwd)
        return _spawn(argv, env, [(os.POSIX_SPAWN_DUP2, fd, at) for at, fd in enumerate(streams)])
    finally:
        if config["uid"] is not None:
            os.setresuid(0, 0, 0)
        if script >= 0:
            os.close(script)


def _spawn(argv: list[bytes], env: dict[bytes, bytes], streams: list[tuple[int, int, int]]) -> int:
    """Look where the command's own PATH says: posix_spawnp would go by the keeper's."""
    missing: OSError = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0])
    for folder in [b""] if b"/" in argv[0] else env.get(b"PATH", os.defpath.encode()).split(b":"):
        try:
            return os.posix_spawn(os.path.join(folder, argv[0]), argv, env, file_actions=streams, setsid=True)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError as error:
            missing = error
    raise missing


def _image(spec: Header, config: Header) -> Image:
    """What to execute: arguments, environment and folder, as the system takes them."""
    argv = [word.encode("utf-8", "surrogateescape") for word in spec["argv"]]
    env = {k.encode("utf-8", "surrogateescape"): v.encode("utf-8", "surrogateescape") for k, v in spec["env"].items()}
    return argv, env, os.path.join(config["work"], spec["cwd"]).encode("utf-8", "surrogateescape")


def _script(text: bytes) -> int:
    """A file that holds a command that is too long to be one argument (128 KiB)."""
    fd = os.memfd_create("command", 0)
    view = memoryview(text)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
