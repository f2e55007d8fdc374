"""What the Docker engine of this machine is like, for the doctor: does it answer, is it safe, is there an image; and
what its host cannot enforce.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import docker
import docker.errors

from factory_tui.cells.bubblewrap import look
from factory_tui.cells.building import reference_of
from factory_tui.cells.client import Engine
from factory_tui.cells.containers import labelled, labels_of
from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.protocol import CellError
from factory_tui.config.recipe import Recipe

RUNC_SAFE = ((1, 2, 8), (1, 3, 3))
"""Below these, per minor line, runc has container breakouts (CVE-2025-31133, CVE-2025-52565, CVE-2025-52881)."""
KEPT_UP = 23
"""The oldest major version of the engine whose makers still mended it when this was written."""


_NONE: dict[str, Recipe] = {}


class Diagnosis(NamedTuple):
    """One thing looked at. ``instead`` is what makes up for something that this host cannot do."""

    what: str
    well: bool
    found: str
    remedy: str = ""
    instead: str = ""


def diagnose(
    image: str, gone: Callable[[str], bool], *, bubblewrapped: bool = True, recipes: Mapping[str, Recipe] = _NONE
) -> list[Diagnosis]:
    """Look at the engine, at the images that cells would use (`recipes`: those of seeds, by name), and for cells of
    workspaces that are `gone`; without an engine, at what fences process cells.

    Blocks for seconds at most.
    """
    try:
        client = connect()
    except CellError as error:
        found, _, remedy = str(error).partition(". Remedy: ")
        fence = bubblewrap(bubblewrapped)
        until = "runs work in process cells, which bubblewrap fences"
        if not fence.well:
            until = "rehearsals run in process cells, UNFENCED"
        return [Diagnosis("docker", False, found, f"{remedy}; until then {until}"), fence]
    with_engine = [*_engine(client, image), *_images(client, recipes), *_left(client, gone)]
    client.close()
    return with_engine


def bubblewrap(wanted: bool) -> Diagnosis:
    """Whether it fences process cells, as seen from inside; blocks for a second."""
    if not wanted:
        return Diagnosis("bubblewrap", False, "not wanted by [cells] bubblewrap", "leave that out of config.toml")
    bubble = look()
    if isinstance(bubble, str):
        found, _, remedy = bubble.partition(". Remedy: ")
        return Diagnosis("bubblewrap", False, found, remedy)
    lacking = "use Docker, or mend that; until then process cells say UNFENCED"
    found = "namespaces, seccomp filter and limits hold, as seen from inside"
    return Diagnosis("bubblewrap", not bubble.lacks, bubble.lacks or found, lacking if bubble.lacks else "")


async def surroundings(cells: DockerCells) -> list[Diagnosis]:
    """The versions of these cells' engine, and what its host cannot enforce."""
    return await cells.ask(lambda c: [*_versions(c), *host(c.info())])


def _versions(client: Engine) -> Iterator[Diagnosis]:
    """The engine and what it starts containers by, each judged."""
    version = client.version()
    where = client.where
    found = f"engine {version['Version']} at {where} ({where.source})"
    bare = where.scheme == "http" and not where.place[0].startswith(("127.", "::1", "localhost"))
    remedy = "use TLS or ssh: whoever reaches that port is root on that machine" if bare else ""
    if not bare and _numbers(version["Version"]) < (KEPT_UP,):
        remedy = "update the engine: its makers mend it no more, your distribution perhaps does"
    yield Diagnosis("docker", not bare, found, remedy)
    for part in version.get("Components", ()):
        if part["Name"] == "runc":
            yield _runc(part["Version"])
        elif part["Name"] == "containerd":
            yield Diagnosis("containerd", True, part["Version"])


def _engine(client: Engine, image: str) -> Iterator[Diagnosis]:
    yield from _versions(client)
    try:
        client.images.get(image)
        yield Diagnosis("image", well=True, found=f"{image} is here")
    except docker.errors.ImageNotFound:
        remedy = "none needed: it is pulled, or made from this host's files; or name another in [cells] image"
        yield Diagnosis("image", well=True, found=f"{image} is not here", remedy=remedy)


def host(info: dict[str, Any]) -> Iterator[Diagnosis]:
    """What the engine's host cannot enforce, by the answer of ``/info``, and what makes up for it."""
    options = {one.split(",")[0].removeprefix("name=") for one in info.get("SecurityOptions") or ()}
    cgroup = info.get("CgroupVersion", "1")
    if "rootless" in options and cgroup == "1":
        found = "a rootless engine on cgroup v1 can limit no memory, processes or processors"
        yield Diagnosis("limits", False, found, "boot with cgroup v2 (systemd.unified_cgroup_hierarchy=1)")
    if "seccomp" not in options:
        found = "the engine has no seccomp: a command may make every system call"
        yield Diagnosis("seccomp", False, found, "use an engine and a kernel with seccomp, or a runtime such as runsc")
    if not options & {"userns", "rootless"}:
        instead = "commands are no root, nothing makes them so, and root there has three capabilities"
        yield Diagnosis("user namespace", True, "root in a cell is the host's root", instead=instead)
    if not options & {"apparmor", "selinux"}:
        instead = "no capability, filtered system calls, a read-only root"
        yield Diagnosis("AppArmor, SELinux", True, "neither is there", instead=instead)
    if cgroup == "1":
        instead = "cgroups are read-only in a cell, in a namespace of its own; mounting takes a capability"
        yield Diagnosis("cgroup", True, "v1, whose release_agent runs as root on the host", instead=instead)
        instead = "the kernel's own bound for the whole host (net.ipv4.tcp_mem, udp_mem); cgroup v2 counts them"
        yield Diagnosis("sockets", True, "v1 does not count their buffers to a cell's memory", instead=instead)
    if not _has_quota(info):
        instead = "the root is read-only; all that can be written is a tmpfs with a size and a count of files"
        yield Diagnosis("storage", True, f"{info.get('Driver', 'its driver')} has no quota here", instead=instead)
    yield Diagnosis("runtimes", True, ", ".join(sorted(info.get("Runtimes") or ())))


def _has_quota(info: dict[str, Any]) -> bool:
    """Whether the storage driver could bound a container's layer: overlay2 on XFS with project quota, btrfs, zfs."""
    told = dict(info.get("DriverStatus") or ())
    driver = info.get("Driver", "")
    return driver in ("btrfs", "zfs") or (driver == "overlay2" and told.get("Backing Filesystem") == "xfs")


def _images(client: Engine, recipes: Mapping[str, Recipe]) -> Iterator[Diagnosis]:
    for seed, recipe in recipes.items():
        if recipe.digest and (recipe.image or recipe.build):
            name = reference_of(recipe.build) if recipe.build else recipe.image
            try:
                client.images.get(name)
                yield Diagnosis(f"image of {seed}", well=True, found=f"{name} is here, for {recipe.file}")
            except docker.errors.ImageNotFound:
                found = f"{name} is not here, for {recipe.file}"
                made, base = ("built", "what its FROM names") if recipe.build else ("pulled", "it")
                remedy = f"none needed: it is {made} when a run begins; without a network, docker load {base}"
                yield Diagnosis(f"image of {seed}", True, found, remedy)


def _left(client: docker.DockerClient, gone: Callable[[str], bool]) -> Iterator[Diagnosis]:
    left = [one["Id"][:12] for one in labelled(client) if gone(labels_of(one["Labels"]).workspace)]
    if left:
        many = "1 container is" if len(left) == 1 else f"{len(left)} containers are"
        found = f"{many} left of workspaces that are no longer there"
        yield Diagnosis("cells", well=False, found=found, remedy=f"factory-tui cells rm {' '.join(sorted(left))}")


def _runc(version: str) -> Diagnosis:
    numbers = _numbers(version)
    safe = numbers >= RUNC_SAFE[1] or RUNC_SAFE[0] <= numbers < (1, 3)
    remedy = "" if safe else "update runc to 1.2.8, 1.3.3 or newer: older ones let a container break out"
    return Diagnosis("runc", safe, version, remedy)


def _numbers(version: str) -> tuple[int, ...]:
    plain = version.split("+", maxsplit=1)[0].split("-", maxsplit=1)[0]
    return tuple(int(part) for part in plain.split(".")[:3] if part.isdigit())
