"""Which Docker engine is meant, and how it is reached: a Unix socket, TCP, TCP with TLS, or ssh.

Goes by what the `docker` command goes by: DOCKER_HOST with its TLS variables, else DOCKER_CONTEXT, else the current
context, else the socket of this machine. Over ssh every stream is an `ssh HOST docker system dial-stdio` of its own.
Knows nothing of containers.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shlex
import socket
import ssl
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import docker.errors
from docker.utils import parse_host

from factory_tui.cells.protocol import NoEngine

if TYPE_CHECKING:
    from collections.abc import Mapping

_READ: Final = 1 << 18
_SSH: Final = (
    *("-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "LogLevel=ERROR"),
    *("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"),  # a dead line is noticed within a minute
)


@dataclass(frozen=True)
class Tls:
    """Certificates as files; without `ca` the system's authorities vouch, without `verify` nobody does."""

    ca: Path | None
    cert: Path | None
    key: Path | None
    verify: bool = True

    @classmethod
    def of(cls, folder: Path, *, verify: bool = True) -> Tls:
        """The certificates that lie in a folder under Docker's names."""
        ca, cert, key = (
            path if path.exists() else None for path in (folder / f"{n}.pem" for n in ("ca", "cert", "key"))
        )
        return cls(ca, cert, key, verify)

    def context(self) -> ssl.SSLContext:
        """For a client. Raises OSError for certificates that cannot be used."""
        context = ssl.create_default_context(cafile=self.ca)
        # The default from Python 3.13 on; an authority made by Docker's own recipe lacks the key usage it asks for.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if self.cert and self.key:
            context.load_cert_chain(self.cert, self.key)
        if not self.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


@dataclass(frozen=True)
class Address:
    """Where a Docker engine is. `host` is a URL, `source` says who named it, `ssh` is the program with its options."""

    host: str
    source: str = "the default"
    tls: Tls | None = None
    ssh: tuple[str, ...] = ("ssh",)

    @property
    def scheme(self) -> str:
        """One of unix, http, https, ssh."""
        return "unix" if self.host.startswith(("unix:", "http+unix:")) else self.host.partition("://")[0]

    @property
    def path(self) -> str:
        """Of a Unix socket."""
        return "/" + self.host.partition("://")[2].lstrip("/")

    @property
    def place(self) -> tuple[str, int]:
        """Host and port of a TCP engine."""
        parts = urlsplit(self.host)
        return parts.hostname or "", parts.port or 0

    def words(self) -> list[str]:
        """The command that carries one stream to the engine over ssh."""
        parts = urlsplit(self.host)
        user = ["-l", parts.username] if parts.username else []
        port = ["-p", str(parts.port)] if parts.port else []
        there = ["--host", f"unix://{shlex.quote(parts.path)}"] if parts.path.strip("/") else []
        words = ["docker", *there, "system", "dial-stdio"]
        return [*self.ssh, *_SSH, *user, *port, "--", parts.hostname or "", " ".join(words)]

    def by_hand(self) -> str:
        """What a person types to see whether ssh gets there."""
        parts = urlsplit(self.host)
        port = ["-p", str(parts.port)] if parts.port else []
        return shlex.join(["ssh", *port, parts.netloc.removesuffix(f":{parts.port}"), "docker", "version"])

    def __str__(self) -> str:
        """As people write it."""
        _, _, rest = self.host.partition("://")
        return {"unix": f"unix://{self.path}", "ssh": self.host}.get(self.scheme, f"tcp://{rest}")


def find(environ: Mapping[str, str] = os.environ) -> Address:
    """The address that the environment and Docker's own configuration name. Raises NoEngine for one that is none."""
    if host := environ.get("DOCKER_HOST"):
        folder = environ.get("DOCKER_CERT_PATH") or str(_home(environ))
        tls = Tls.of(Path(folder)) if environ.get("DOCKER_TLS_VERIFY") else None
        return _address(host, "DOCKER_HOST", tls)
    name, source = environ.get("DOCKER_CONTEXT", ""), "DOCKER_CONTEXT"
    if not name:
        name, source = _current(environ), str(_home(environ) / "config.json")
    if name in ("", "default"):
        return _address("", "the default", None)
    return _context(_home(environ) / "contexts", name, source)


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("DOCKER_CONFIG") or Path(environ.get("HOME") or Path.home()) / ".docker")


def _current(environ: Mapping[str, str]) -> str:
    try:
        found = json.loads((_home(environ) / "config.json").read_bytes())
    except (OSError, ValueError):
        return ""  # none, or one that is Docker's business to complain of
    return str(found.get("currentContext") or "") if isinstance(found, dict) else ""


def _context(folder: Path, name: str, source: str) -> Address:
    key = hashlib.sha256(name.encode()).hexdigest()
    try:
        endpoint = json.loads((folder / "meta" / key / "meta.json").read_bytes())["Endpoints"]["docker"]
        host, skip = str(endpoint["Host"]), bool(endpoint.get("SkipTLSVerify"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoEngine(
            f"the Docker context {name!r}, which {source} names, cannot be read ({error!r}). Remedy: see"
            " `docker context ls`, then `docker context use` one that is there, or set DOCKER_HOST"
        ) from error
    keys = folder / "tls" / key / "docker"
    tls = Tls.of(keys, verify=not skip) if skip or keys.is_dir() else None
    return _address(host, f"the context {name!r}", tls)


def _address(host: str, source: str, tls: Tls | None) -> Address:
    if host.startswith("ssh://"):
        parts = urlsplit(host)
        try:
            wrong = parts.password or not parts.hostname or parts.hostname.startswith("-") or parts.port == 0
        except ValueError:
            wrong = True
        if wrong:
            raise NoEngine(
                f"{source} names no ssh://USER@HOST:PORT. Remedy: write it so, without a password; ssh needs a key"
            )
        return Address(host, source)
    try:
        return Address(str(parse_host(host or None, tls=tls is not None)), source, tls)
    except docker.errors.DockerException as error:
        raise NoEngine(
            f"{source} names a Docker engine by {host!r}, which is no address ({error}). Remedy: unix:///PATH,"
            " tcp://HOST:PORT or ssh://USER@HOST"
        ) from error


class Line:
    """A blocking stream."""

    def __init__(self, to: socket.socket) -> None:
        self.socket = to

    def end(self, patience: float = 0.0) -> str:
        """Close it; `patience` in seconds is for what ends by itself. Why it ended, where that is known."""
        del patience
        self.socket.close()
        return ""


class SshLine(Line):
    """One ssh that carries one stream. Owns the process and its words."""

    def __init__(self, where: Address) -> None:
        ours, theirs = socket.socketpair()
        super().__init__(ours)
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        try:
            with theirs:
                self._process = subprocess.Popen(
                    where.words(),
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=self._said,
                    start_new_session=True,
                )
        except BaseException:
            ours.close()
            self._said.close()
            raise

    def end(self, patience: float = 0.0) -> str:
        """End it, after some seconds for what ends by itself; the last line that ssh, or what it ran, said."""
        if self._said.closed:
            return ""
        super().end()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            self._process.wait()
        self._said.seek(0)
        said = self._said.read()[-2000:].decode("utf-8", "replace").strip()
        self._said.close()
        return said.splitlines()[-1].strip() if said else ""


def dial(where: Address, seconds: float | None) -> Line:
    """Open a blocking stream to the engine, with a timeout for that and all that follows. Raises OSError."""
    if where.scheme == "ssh":
        line: Line = SshLine(where)
        line.socket.settimeout(seconds)
        return line
    if where.scheme == "unix":
        to = socket.socket(socket.AF_UNIX)
        try:
            to.settimeout(seconds)
            to.connect(where.path)
        except BaseException:
            to.close()
            raise
        return Line(to)
    to = socket.create_connection(where.place, seconds)
    try:
        watch(to)
        return Line(where.tls.context().wrap_socket(to, server_hostname=where.place[0]) if where.tls else to)
    except BaseException:
        to.close()
        raise


class Stream:
    """A two-way stream to an engine, asyncio's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: Line | None = None) -> None:
        self.reader, self.writer = reader, writer
        self._line = line

    async def close(self, patience: float = 0.0) -> str:
        """Close it, sending what is queued unless the other side has stopped reading; what ssh said."""
        self.writer.close()
        try:
            async with asyncio.timeout(2):
                await self.writer.wait_closed()
        except TimeoutError:
            self.writer.transport.abort()
        except OSError:
            pass  # it was broken: nothing is left to close
        return await asyncio.to_thread(self._line.end, patience) if self._line else ""


async def stream(where: Address) -> Stream:
    """Open a stream to the engine. Raises OSError."""
    if where.scheme == "unix":
        return Stream(*await asyncio.open_unix_connection(where.path, limit=_READ))
    if where.scheme == "ssh":
        line = SshLine(where)
        try:
            return Stream(*await asyncio.open_unix_connection(sock=line.socket, limit=_READ), line)
        except BaseException:
            line.end()
            raise
    secure = await asyncio.to_thread(where.tls.context) if where.tls else None
    reader, writer = await asyncio.open_connection(*where.place, limit=_READ, ssl=secure)
    watch(writer.get_extra_info("socket"))
    return Stream(reader, writer)


def watch(line: socket.socket) -> None:
    """Let the kernel find out within a minute that the other machine is gone."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in ((socket.TCP_KEEPIDLE, 15), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 3)):
        line.setsockopt(socket.IPPROTO_TCP, option, seconds)
