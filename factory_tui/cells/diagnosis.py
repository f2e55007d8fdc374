"""What the Docker engine of this machine is like, for the doctor: does it answer, is it safe, is there an image."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import docker
import docker.errors

from factory_tui.cells.client import Engine
from factory_tui.cells.docker import by_workspace, connect
from factory_tui.cells.protocol import CellError

RUNC_SAFE = ((1, 2, 8), (1, 3, 3))
"""Below these, per minor line, runc has container breakouts (CVE-2025-31133, CVE-2025-52565, CVE-2025-52881)."""


class Diagnosis(NamedTuple):
    """One thing looked at."""

    what: str
    well: bool
    found: str
    remedy: str = ""


def diagnose(image: str, gone: Callable[[str], bool]) -> list[Diagnosis]:
    """Look at the engine, at the image that cells would use, and for cells of workspaces that are `gone`.

    Blocks for seconds at most.
    """
    try:
        client = connect()
    except CellError as error:
        found, _, remedy = str(error).partition(". Remedy: ")
        return [Diagnosis("docker", False, found, f"{remedy}; until then rehearsals run in process cells, UNFENCED")]
    with_engine = [*_engine(client, image), *_left(client, gone)]
    client.close()
    return with_engine


def _engine(client: Engine, image: str) -> Iterator[Diagnosis]:
    version = client.version()
    where = client.where
    found = f"engine {version['Version']} at {where} ({where.source})"
    bare = where.scheme == "http" and not where.place[0].startswith(("127.", "::1", "localhost"))
    remedy = "use TLS or ssh: whoever reaches that port is root on that machine" if bare else ""
    yield Diagnosis("docker", not bare, found, remedy)
    for part in version.get("Components", ()):
        if part["Name"] == "runc":
            yield _runc(part["Version"])
    try:
        client.images.get(image)
        yield Diagnosis("image", well=True, found=f"{image} is here")
    except docker.errors.ImageNotFound:
        remedy = "none needed: it is pulled, or made from this host's files; or name another in [cells] image"
        yield Diagnosis("image", well=True, found=f"{image} is not here", remedy=remedy)


def _left(client: docker.DockerClient, gone: Callable[[str], bool]) -> Iterator[Diagnosis]:
    left = [name for workspace, names in by_workspace(client).items() if gone(workspace) for name in names]
    if left:
        many = "1 container is" if len(left) == 1 else f"{len(left)} containers are"
        found = f"{many} left of workspaces that are no longer there"
        yield Diagnosis("cells", well=False, found=found, remedy=f"docker rm -f {' '.join(sorted(left))}")


def _runc(version: str) -> Diagnosis:
    numbers = tuple(
        int(part)
        for part in version.split("+", maxsplit=1)[0].split("-", maxsplit=1)[0].split(".")[:3]
        if part.isdigit()
    )
    safe = numbers >= RUNC_SAFE[1] or RUNC_SAFE[0] <= numbers < (1, 3)
    remedy = "" if safe else "update runc to 1.2.8, 1.3.3 or newer: older ones let a container break out"
    return Diagnosis("runc", safe, version, remedy)
