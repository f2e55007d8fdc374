"""Which Docker engine is meant, and what is said when it is not reached."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import socket
import threading
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factory_tui.cells import images
from factory_tui.cells.docker import connect
from factory_tui.cells.knock import knock
from factory_tui.cells.protocol import NoEngine
from factory_tui.cells.reach import Address, Tls, find
from tests.cells.conftest import LABELS
from tests.cells.faraway import Faraway, authority, certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from factory_tui.cells.docker import DockerCells
    from tests.e2e.sshd import Sshd


def context(home: Path, name: str, host: str, *, tls: bool = False) -> None:
    """A context as `docker context create` writes it."""
    key = hashlib.sha256(name.encode()).hexdigest()
    meta = home / "contexts" / "meta" / key
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))
    if tls:
        folder = home / "contexts" / "tls" / key / "docker"
        folder.mkdir(parents=True)
        (folder / "ca.pem").touch()


class TestWhichEngine:
    def test_without_a_word_it_is_this_machines(self, tmp_path: Path) -> None:
        where = find({"DOCKER_CONFIG": str(tmp_path)})
        assert (str(where), where.source) == ("unix:///var/run/docker.sock", "the default")

    def test_the_current_context_is_meant(self, tmp_path: Path) -> None:
        context(tmp_path, "lab", "ssh://ana@lab.example:2222")
        (tmp_path / "config.json").write_text('{"currentContext": "lab"}')
        where = find({"DOCKER_CONFIG": str(tmp_path)})
        assert (str(where), where.source) == ("ssh://ana@lab.example:2222", "the context 'lab'")

    def test_the_environment_goes_before_it(self, tmp_path: Path) -> None:
        context(tmp_path, "lab", "ssh://lab")
        context(tmp_path, "safe", "tcp://safe.example:2376", tls=True)
        (tmp_path / "config.json").write_text('{"currentContext": "lab"}')
        said = {"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "safe"}
        safe = find(said)
        assert str(safe) == "tcp://safe.example:2376"
        assert safe.tls is not None
        assert (safe.tls.ca is not None, safe.tls.cert, safe.tls.verify) == (True, None, True)
        assert str(find({**said, "DOCKER_HOST": "unix:///run/x.sock"})) == "unix:///run/x.sock"
        assert find({**said, "DOCKER_CONTEXT": "default"}).source == "the default"

    def test_the_variables_of_tls_are_heeded(self, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").touch()
        said = {"DOCKER_HOST": "tcp://[::1]:2376", "DOCKER_CERT_PATH": str(tmp_path)}
        assert find(said).tls is None
        where = find({**said, "DOCKER_TLS_VERIFY": "1"})
        assert (where.scheme, where.place, where.tls) == ("https", ("::1", 2376), Tls(tmp_path / "ca.pem", None, None))

    def test_ssh_runs_what_users_of_docker_expect(self) -> None:
        *_, name, command = find({"DOCKER_HOST": "ssh://ana@lab:2222"}).words()
        assert (name, command) == ("lab", "docker system dial-stdio")
        assert find({"DOCKER_HOST": "ssh://lab/run/user/7/docker.sock"}).words()[-1] == (
            "docker --host unix:///run/user/7/docker.sock system dial-stdio"
        )
        assert find({"DOCKER_HOST": "ssh://ana@lab:2222"}).by_hand() == "ssh -p 2222 ana@lab docker version"

    @pytest.mark.parametrize(
        "host",
        ["tcp://host", "gopher://host:1", "ssh://", "ssh://ana:secret@lab", "ssh://-oProxyCommand=x", "ssh://a:b"],
    )
    def test_what_is_no_address_is_said_without_its_password(self, host: str) -> None:
        with pytest.raises(NoEngine, match=r"DOCKER_HOST .*Remedy") as refused:
            find({"DOCKER_HOST": host})
        assert "secret" not in str(refused.value)

    def test_a_context_that_is_not_there_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(NoEngine, match=r"the Docker context 'gone', which DOCKER_CONTEXT names.*docker context ls"):
            find({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "gone"})


@contextmanager
def listener(answer: bytes | None) -> Iterator[Address]:
    """Something that is no Docker engine; None for one that says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            to, _ = server.accept()
            with to:
                to.recv(1 << 16)
                if answer is None:
                    to.recv(1)
                else:
                    to.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield Address(f"http://127.0.0.1:{server.getsockname()[1]}", "the test")
        thread.join()


class TestNoEngine:
    def test_nothing_listens(self) -> None:
        with pytest.raises(NoEngine, match=r"at tcp://127.0.0.1:1 \(the test\): Connection refused\. Remedy"):
            knock(Address("http://127.0.0.1:1", "the test"))

    def test_something_else_answers(self) -> None:
        with listener(b"HTTP/1.0 404 Not Found\r\n\r\n") as where, pytest.raises(NoEngine, match="is no Docker engine"):
            knock(where)

    def test_it_is_too_slow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("factory_tui.cells.knock.FAR_SECONDS", 0.2)
        with listener(None) as where, pytest.raises(NoEngine, match=r"nothing in 0\.2 s\. Remedy"):
            knock(where)

    def test_it_knows_no_tls(self, tmp_path: Path) -> None:
        authority(tmp_path)
        with listener(b"HTTP/1.0 400 Bad Request\r\n\r\n") as where, pytest.raises(NoEngine, match="TLS failed"):
            knock(Address(where.host.replace("http", "https"), "the test", Tls.of(tmp_path)))

    def test_there_is_no_ssh(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "/nowhere")
        with pytest.raises(NoEngine, match=r"there is no ssh here\. Remedy: install"):
            knock(Address("ssh://lab", "the test"))


@pytest.mark.docker
class TestFaraway:
    def test_one_with_tls_is_said_to_want_it(self, faraway_engine: Faraway) -> None:
        with pytest.raises(NoEngine, match=r"without TLS\. Remedy: set DOCKER_TLS_VERIFY=1"):
            knock(Address(faraway_engine.tls.host.replace("https", "http"), "the test"))

    def test_one_by_another_authority_is_not_trusted(self, faraway_engine: Faraway, tmp_path: Path) -> None:
        authority(tmp_path)
        with pytest.raises(NoEngine, match=rf"that can be trusted: .*{tmp_path}/ca\.pem"):
            knock(replace(faraway_engine.tls, tls=Tls.of(tmp_path)))

    def test_one_by_another_name_is_not_trusted(self, faraway_engine: Faraway) -> None:
        host = faraway_engine.tls.host.replace("127.0.0.1", "localhost")
        with pytest.raises(NoEngine, match="that can be trusted: Hostname mismatch"):
            knock(replace(faraway_engine.tls, host=host))

    def test_a_certificate_of_ours_that_it_does_not_know_is_said(self, faraway_engine: Faraway, tmp_path: Path) -> None:
        authority(tmp_path)
        certificate(tmp_path, "cert", "clientAuth")
        mine = Tls(faraway_engine.certificates / "ca.pem", tmp_path / "cert.pem", tmp_path / "cert-key.pem")
        with pytest.raises(NoEngine, match=r"TLS failed \(.*Remedy"):
            knock(replace(faraway_engine.tls, tls=mine))

    def test_the_authorities_of_the_web_decide_nothing(
        self, faraway_engine: Faraway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        authority(tmp_path)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        with closing(connect(faraway_engine.tls)) as client:
            assert client.ping()

    def test_another_host_key_is_said(self, faraway_ssh: Address, tmp_path: Path) -> None:
        shutil.copy(faraway_ssh.ssh[2], config := tmp_path / "config")
        (known := tmp_path / "known").touch()
        config.write_text(f"Host *\nUserKnownHostsFile {known}\n{config.read_text()}")
        stranger = replace(faraway_ssh, ssh=("ssh", "-F", str(config), *faraway_ssh.ssh[3:]))
        with pytest.raises(NoEngine, match=r"Host key verification failed\. Remedy: see that `ssh -p"):
            knock(stranger)

    def test_no_key_is_said(self, faraway_ssh: Address, faraway_engine: Faraway) -> None:
        other = replace(faraway_ssh, ssh=(*faraway_ssh.ssh[:4], str(faraway_engine.folder / "host")))
        with pytest.raises(NoEngine, match=r"Permission denied.*Remedy"):
            knock(other)

    def test_no_engine_behind_ssh_is_said(self, faraway_ssh: Address, faraway_engine: Faraway) -> None:
        with pytest.raises(NoEngine, match=r"nowhere\.sock.*Remedy"):
            knock(replace(faraway_ssh, host=faraway_ssh.host.replace(str(faraway_engine.socket), "/nowhere.sock")))

    def test_an_image_that_is_not_there_is_made_over_ssh(self, faraway_ssh: Address) -> None:
        with closing(connect(faraway_ssh)) as client:
            made = images.ensure(client, "127.0.0.1:1/none:1")
            assert client.images.get(made).tags == [made]


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="class")
class TestDroppedLine:
    async def test_it_costs_no_outcome(self, ssh_cells: DockerCells, faraway_sshd: tuple[Address, Sshd]) -> None:
        cell = await ssh_cells.start(LABELS)
        running = asyncio.create_task(
            cell.run("until test -e go; do sleep 0.01; done; echo once | tee -a count", id="running")
        )
        assert (await cell.run("true")).exit == 0
        assert faraway_sshd[1].drop() > 0
        await cell.write("go", b"")
        assert (await running).stdout == b"once\n"
        assert await cell.read("count") == b"once\n"
        assert faraway_sshd[1].drop() > 0
        await cell.close()
