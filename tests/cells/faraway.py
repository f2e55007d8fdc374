"""A second Docker engine on loopback, reached as one on another machine is: by TCP with TLS, and by a real ssh."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from factory_tui.cells.knock import knock
from factory_tui.cells.protocol import CellError
from factory_tui.cells.reach import Address, Tls
from tests.aside import Bridge
from tests.e2e.sshd import Sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 60.0


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def authority(folder: Path) -> None:
    """ca.pem and its key."""
    folder.mkdir(exist_ok=True)
    ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(folder, "req", "-x509", *ec, "-keyout", "ca-key.pem", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test")


def certificate(folder: Path, name: str, usage: str, alternative: str = "") -> None:
    """NAME.pem and NAME-key.pem by the folder's authority."""
    ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(folder, "req", *ec, "-keyout", f"{name}-key.pem", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    extensions = f"extendedKeyUsage={usage}\n" + (f"subjectAltName={alternative}\n" if alternative else "")
    (folder / f"{name}.ext").write_text(extensions)
    by = ("-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-days", "2")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", *by, "-out", f"{name}.pem", "-extfile", f"{name}.ext")


class Faraway:
    """The engine's folder, and its addresses. `became` is how this user becomes root, who alone may start it."""

    def __init__(self, folder: Path, became: list[str]) -> None:
        self.folder, self._became = folder, became
        self.socket = folder / "docker.sock"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.certificates = folder / "certificates"
        authority(self.certificates)
        certificate(self.certificates, "server", "serverAuth", "IP:127.0.0.1")
        certificate(self.certificates, "cert", "clientAuth")
        (self.certificates / "cert-key.pem").rename(self.certificates / "key.pem")

    @property
    def tls(self) -> Address:
        """By TCP with TLS."""
        return Address(f"https://127.0.0.1:{self.port}", "the test", Tls.of(self.certificates))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start it, and stop it with all that it started."""
        keys, bridge = self.certificates, Bridge(self._became)
        words = [
            *(*self._became, "dockerd", *bridge.words()),
            *(
                "--data-root",
                f"{self.folder}/data",
                "--exec-root",
                f"{self.folder}/run",
                "--pidfile",
                f"{self.folder}/pid",
            ),
            *("--host", f"unix://{self.socket}", "--host", f"tcp://127.0.0.1:{self.port}", "--tlsverify"),
            *("--group", str(os.getgid()), "--config-file", f"{self.folder}/daemon.json"),
            *(f"--tlscacert={keys}/ca.pem", f"--tlscert={keys}/server.pem", f"--tlskey={keys}/server-key.pem"),
        ]
        (self.folder / "daemon.json").write_text("{}")
        log = self.folder / "log"
        with log.open("wb") as file:
            engine = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True)
        try:
            deadline = time.monotonic() + PATIENCE
            while not self._answers():
                assert engine.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            bridge.check()
            yield
        finally:
            subprocess.run([*self._became, "kill", str(engine.pid)], check=False)
            engine.wait()
            bridge.remove()

    def _answers(self) -> bool:
        try:
            return bool(knock(self.tls))
        except CellError:
            return False

    @contextmanager
    def by_ssh(self, sshd_program: str) -> Iterator[tuple[Address, Sshd]]:
        """The address by an sshd of its own, and that sshd."""
        home = self.folder / "home"
        (home / ".ssh").mkdir(parents=True, exist_ok=True)
        server = Sshd(sshd_program, self.folder, home)
        server.authorized.write_text(server.key("ana").read_text())
        with server.running():
            host = f"ssh://127.0.0.1:{server.port}{self.socket}"
            yield Address(host, "the test", ssh=tuple(server.ssh("ana"))), server


@contextmanager
def faraway(became: list[str]) -> Iterator[Faraway]:
    """One that runs, in a folder whose path is short enough for its sockets."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="far", dir="/var/tmp"))
        folder.chmod(0o755)
        stack.callback(subprocess.run, [*became, "rm", "-rf", str(folder)], check=True)
        engine = Faraway(folder, became)
        stack.enter_context(engine.running())
        yield engine
