"""Bare containers: create, cp of a tree, start -a and rm, by the docker command line or by docker-py.

The least that runs a product once in a container of its own: no fence, no limits, nothing judged and nothing kept.
"""

import io
import subprocess
import tarfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import docker

from factory_tui.cells.protocol import Entry

One = Callable[[docker.DockerClient, str, str, bytes], bytes]
"""(client, image, command of bash, tree as tar) -> what the command said."""


def timed(one: One, image: str, command: str, entries: Sequence[Entry], *, number: int, at_once: int) -> float:
    """Seconds that `number` of them take; what each says holds "word"."""
    tar, client = _tar(entries), docker.from_env()

    def judge(_: int) -> None:
        said = one(client, image, command, tar)
        if b"word" not in said:
            raise RuntimeError(f"a bare container said {said!r}")

    with ThreadPoolExecutor(at_once) as threads:
        began = time.perf_counter()
        list(threads.map(judge, range(number)))
        took = time.perf_counter() - began
    client.close()
    return took


def _tar(entries: Sequence[Entry]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for entry in entries:
            told = tarfile.TarInfo(entry.path)
            told.mode, told.type = entry.mode, tarfile.DIRTYPE if entry.kind == "dir" else tarfile.REGTYPE
            told.size = len(entry.data or b"")
            archive.addfile(told, io.BytesIO(entry.data or b""))
    return held.getvalue()


def by_command_line(_: docker.DockerClient, image: str, command: str, tar: bytes) -> bytes:
    """Four processes of `docker`, one after the other."""

    def run(*words: str, told: bytes = b"") -> bytes:
        return subprocess.run(["docker", *words], input=told, check=True, capture_output=True).stdout

    name = run("create", "--network", "none", "-w", "/tmp", image, "bash", "-c", command).decode().strip()
    run("cp", "-", f"{name}:/tmp", told=tar)
    said = run("start", "-a", name)
    run("rm", "-f", name)
    return said


def by_docker_py(client: docker.DockerClient, image: str, command: str, tar: bytes) -> bytes:
    """The same calls of the API over a kept connection."""
    api = client.api
    made = api.create_container(
        image, ["bash", "-c", command], working_dir="/tmp", host_config=api.create_host_config(network_mode="none")
    )
    name: str = made["Id"]
    api.put_archive(name, "/tmp", tar)
    output = api.attach(name, stdout=True, stream=True)
    api.start(name)
    said = b"".join(output)
    api.remove_container(name, force=True)
    return said
