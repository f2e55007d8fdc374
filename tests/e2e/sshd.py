"""A small sshd on loopback, with keys and configuration of its own, and what its users type."""

import os
import pwd
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from factory_tui.link.client import Link
from factory_tui.link.ssh import Address, SshLink

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


class Sshd:
    """Listens while its context is open. `home` is the folder whose .ssh/authorized_keys it reads."""

    def __init__(self, program: str, folder: Path, home: Path) -> None:
        self.folder = folder
        self.program = folder / "factory-tui"
        self.program.write_text(
            f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.quote(sys.executable)} -m factory_tui "$@"\n'
        )
        self.program.chmod(0o755)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.authorized = home / ".ssh" / "authorized_keys"
        self.key("host")
        self._config = folder / "sshd_config"
        self._config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {self.authorized}\nStrictModes no\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nPrintMotd no\nPrintLastLog no\n"
        )
        host = (folder / "host.pub").read_text()
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {host}")
        self._client = folder / "ssh_config"
        self._client.write_text(
            f"Host *\nUser {pwd.getpwuid(os.geteuid()).pw_name}\nIdentitiesOnly yes\nIdentityAgent none\n"
            f"UserKnownHostsFile {folder}/known_hosts\nGlobalKnownHostsFile none\nStrictHostKeyChecking yes\n"
        )
        self._program = program
        self._server: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start it, and stop it with all that it started."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it would lock itself in
        with (self.folder / "log").open("wb") as log:
            self._server = subprocess.Popen(
                [self._program, "-D", "-e", "-f", str(self._config)], stdin=subprocess.DEVNULL, stderr=log
            )
        try:
            self._wait()
            yield
        finally:
            self.drop()
            self._server.terminate()
            self._server.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 5) as probe:
                    assert probe.recv(4) == b"SSH-"
                    return
            except OSError:
                assert self._server is not None
                assert self._server.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def key(self, name: str) -> Path:
        """A new key's public file; the private one lies beside it."""
        path = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)], check=True)
        return path.with_suffix(".pub")

    def ssh(self, key: str) -> list[str]:
        """The ssh of whoever has this key."""
        return ["ssh", "-F", str(self._client), "-i", str(self.folder / key)]

    def to(self, key: str, *options: str) -> list[str]:
        """What they type to get here; a command may follow."""
        return [*self.ssh(key), "-p", str(self.port), *options, "127.0.0.1"]

    def address(self, workspace: Path) -> str:
        """The workspace, as `attach` names it."""
        return f"ssh://127.0.0.1:{self.port}{quote(str(workspace))}"

    async def link(self, key: str, workspace: Path) -> Link:
        """A link over ssh."""
        return await SshLink.attach(Address.parse(self.address(workspace)), self.ssh(key), [str(self.program)])

    def drop(self) -> int:
        """Kill the server's end of every connection, without a word; how many there were."""
        assert self._server is not None
        children = Path(f"/proc/{self._server.pid}/task/{self._server.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        return len(children)
