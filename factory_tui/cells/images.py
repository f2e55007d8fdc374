"""Where a cell's image comes from: a local one, a pull, or one made here from this host's own files.

The made image holds bash, the usual small programs and this Python with its standard library, and nothing else; its
name carries a digest of what went in, so that the same host makes it once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker.errors
import requests

from factory_tui.cells import fence
from factory_tui.cells.building import MARK
from factory_tui.cells.protocol import CellLimits, ImageUnfit, NoImage
from factory_tui.cells.tools import PACKAGES, Python, gather
from factory_tui.cells.tools import python as find_python
from factory_tui.domain.hostile import clean_bytes, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from factory_tui.cells.client import Engine

    Progress = Callable[[str], None]

NAME = "factory-tui-cell"
PULL_SECONDS = 15
_RECIPE = "2"
_PROGRAMS = """
bash sh env cat ls cp mv rm mkdir rmdir ln chmod touch head tail wc sort uniq cut tr tee echo printf test true false
sleep
date pwd basename dirname seq id uname stat mktemp readlink realpath du df md5sum sha256sum base64 timeout nohup
nproc od nl
tac comm join split shuf expr install yes xargs find grep sed awk tar gzip diff cmp patch ps kill pgrep
pkill setsid git curl
truncate
"""
_TERMINALS = "dumb linux screen tmux-256color vt100 xterm xterm-256color"
"""What programs on a terminal look their terminal up by."""
_LEFT_OUT = {"test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "site-packages", "dist-packages"}
_ENV = ("ENV PATH=/usr/local/bin:/usr/bin:/bin", "ENV LD_LIBRARY_PATH=/usr/lib:/usr/local/lib", "ENV LANG=C.UTF-8")


def _quiet(_: str) -> None:
    """Nobody listens."""


def ensure(client: Engine, image: str, *, bootstrap: bool = True, progress: Progress = _quiet) -> str:
    """The reference of an image that cells can be made from: ``image``, else (and for an empty name) a made one.

    Blocks for up to PULL_SECONDS and a few seconds of making; call it in a thread. Raises NoImage with what was tried.
    """
    tried = []
    if image:
        if _local(client, image):
            return image
        progress(f"pulling {image}")
        reason = _pull(client, image)
        if not reason:
            return image
        tried.append(f"{image} is not on the engine and could not be pulled within {PULL_SECONDS} s ({reason})")
    if bootstrap:
        try:
            return make(client, progress)
        except ImageUnfit as error:
            tried.append(str(error))
    else:
        tried.append("making an image from this host's files was not asked for")
    raise NoImage(
        f"no image for cells: {'; '.join(tried)}. Remedy: factory-tui image bootstrap, or docker load one, and name it "
        "in [cells] image"
    )


def _local(client: Engine, image: str) -> bool:
    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        return False
    return True


def _pull(client: Engine, image: str) -> str:
    """Pull; why that failed, or nothing."""
    ends = time.monotonic() + PULL_SECONDS
    try:
        repository, _, tag = image.rpartition(":") if ":" in image.rsplit("/", 1)[-1] else (image, "", "latest")
        with closing(client.another(PULL_SECONDS)) as patient:
            for event in patient.api.pull(repository, tag=tag, stream=True, decode=True):
                if "error" in event:
                    return str(event["error"])
                if time.monotonic() > ends:
                    return "too slow"
    except (docker.errors.DockerException, requests.RequestException) as error:
        return str(error).splitlines()[0]
    return "" if _local(client, image) else "the engine does not have it after the pull"


def _processor(name: str) -> str:
    """By the name that Docker uses, which is not the kernel's."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(name, name)


def make(client: Engine, progress: Progress = _quiet, *, tools: Sequence[str] = (), python: str = "") -> str:
    """Make the image from this host's files, unless the engine has it; its reference.

    `tools`: of `tools.TOOLS`, from this host. `python`: the path of the Python that goes in, else this one. Raises
    ImageUnfit when this host lacks what is needed, with what mends it.
    """
    there, here = _processor(str(client.version()["Arch"])), _processor(os.uname().machine)
    if there != here:
        raise ImageUnfit(
            f"this host's files are for {here}, and the Docker engine's machine is {there}. Remedy: name an image that "
            "it has as [cells] image in config.toml, or make one there with factory-tui image bootstrap"
        )
    host = find_python(python, [one for one in tools if one in PACKAGES])
    more, texts, lacking = gather(tools, host)
    if lacking:
        raise ImageUnfit("\n".join(lacking))
    files = _contents(host) | more
    digest = hashlib.sha256(f"{_RECIPE}{sorted(texts.items())}".encode())
    for inside, outside in sorted(files.items()):
        info = outside.stat()
        digest.update(f"{inside} {info.st_size} {info.st_mtime_ns} {info.st_mode}\n".encode())
    tag = f"{'-'.join((host.name.replace('thon', ''), *sorted(tools)))}-{digest.hexdigest()[:12]}"
    reference = f"{NAME}:{tag}"
    with _alone():
        if _local(client, reference):
            return reference
        progress(f"making {reference} from this host's files")
        with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
            with tarfile.open(fileobj=archive, mode="w") as tar:
                _write(tar, files | _libraries(files), texts)
            archive.flush()
            client.api.import_image(archive.name, repository=NAME, tag=tag, changes=[*_ENV, f"LABEL {MARK}=host"])
    if not _local(client, reference):
        raise ImageUnfit(
            "the Docker engine did not keep the image made from this host's files. Remedy: see the room on its disk, "
            "and its log"
        )
    return reference


def versions(client: Engine, image: str, tools: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """What each tool says its version is, in a container behind the fence; and those that do not work there."""
    said, against = {}, []
    user = fence.draw()
    options = fence.options(CellLimits(), user, fence.terms(client.info(), ""))
    options["log_config"] = docker.types.LogConfig(type="json-file", config={"max-size": "64k"})
    for tool in tools:
        try:
            output = client.containers.run(
                image,
                [tool, "--version"],
                entrypoint=[],
                **options | {"user": str(user)},
                remove=True,
                stderr=True,
            )
        except docker.errors.ContainerError as error:
            wrote: Any = error.stderr  # bytes, whatever its types say
            lines = clean_bytes(wrote or b"").strip().splitlines() or [str(error)]
            against.append(f"{tool} does not work in {image}: {one_line(lines[-1])}")
        except docker.errors.APIError as error:
            against.append(f"{tool} does not work in {image}: {one_line(str(error.explanation or error))}")
        else:
            said[tool] = one_line(output.decode("utf-8", "replace"))
    return said, against


@contextmanager
def _alone() -> Iterator[None]:
    """One maker at a time on this host."""
    path = Path(tempfile.gettempdir()) / f"factory-tui-image-{os.getuid()}.lock"
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _contents(host: Python) -> dict[str, Path]:
    """Path in the image -> file on this host."""
    files = {"usr/local/bin/python3": Path(os.path.realpath(host.executable))}
    for name in _PROGRAMS.split():
        found = shutil.which(name, path="/usr/local/bin:/usr/bin:/bin")
        if found:
            files[f"usr/bin/{name}"] = Path(os.path.realpath(found))
        elif name in ("bash", "env", "cat"):
            raise ImageUnfit(f"this host has no {name} to make an image from. Remedy: install bash and coreutils")
    library = Path(host.library)
    for folder, below, names in os.walk(library):
        below[:] = [b for b in below if b not in _LEFT_OUT and not b.startswith("config-")]
        for name in names:
            path = Path(folder) / name
            if not name.endswith((".a", ".opt-1.pyc", ".opt-2.pyc")) and path.is_file():
                files[f"usr/local/lib/{host.name}/{path.relative_to(library)}"] = path
    locale = Path("/usr/lib/locale/C.utf8")
    files.update({str(p)[1:]: p for p in locale.rglob("*") if p.is_file()})
    for name in _TERMINALS.split():
        known = (Path(folder, name[0], name) for folder in ("/lib/terminfo", "/usr/share/terminfo"))
        files.update({f"usr/share/terminfo/{name[0]}/{name}": found for found in known if found.is_file()})
    return files


def _libraries(files: dict[str, Path]) -> dict[str, Path]:
    """The shared libraries and the loader that the programs and extension modules among these name."""
    programs = [outside for inside, outside in files.items() if "/bin/" in inside or inside.endswith(".so")]
    ldd = shutil.which("ldd")
    if ldd is None:
        raise ImageUnfit("this host has no ldd to find shared libraries with. Remedy: install libc-bin")
    said = subprocess.run(
        [ldd, *map(str, programs)], capture_output=True, text=True, check=False, env={"PATH": os.defpath, "LC_ALL": "C"}
    ).stdout
    found: dict[str, Path] = {}
    for line in said.splitlines():
        library = re.match(r"\s+(\S+) => (/\S+) \(0x", line)
        if library:
            found[f"usr/lib/{library[1].rsplit('/', 1)[-1]}"] = Path(library[2])
        loader = re.match(r"\s+(/(?:lib|lib64)/\S+) (?:=> \S+ )?\(0x", line)
        if loader:
            found[f"usr{loader[1]}"] = Path(loader[1])
    return found


def _write(tar: tarfile.TarFile, files: dict[str, Path], texts: dict[str, str]) -> None:
    def add(name: str, kind: bytes, mode: int, target: str = "", data: bytes = b"") -> None:
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.linkname, info.size = kind, mode, target, len(data)
        tar.addfile(info, BytesIO(data))

    folders = {"tmp", "work", "root", "proc", "sys", "dev", "etc", "usr/lib", "usr/lib64", "usr/local/lib"}
    for inside in (*files, *texts):
        folders.update(str(parent) for parent in Path(inside).parents)
    for folder in sorted(folders - {"."}):
        add(folder, tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755)
    for link in ("bin", "lib", "lib64"):
        add(link, tarfile.SYMTYPE, 0o777, f"usr/{link}")
    add("usr/local/bin/python", tarfile.SYMTYPE, 0o777, "python3")
    people = "root:x:0:0:root:/root:/bin/bash\nagent:x:1000:1000:agent:/tmp:/bin/bash\n"
    add("etc/passwd", tarfile.REGTYPE, 0o644, data=people.encode())
    add("etc/group", tarfile.REGTYPE, 0o644, data=b"root:x:0:\nagent:x:1000:\n")
    for inside, text in sorted(texts.items()):
        add(inside, tarfile.REGTYPE, 0o755, data=text.encode())
    for inside, outside in sorted(files.items()):
        if inside in texts:
            continue
        info = tarfile.TarInfo(inside)
        found = outside.stat()
        # whole seconds, as compiled Python files record them for their sources
        info.mode, info.mtime, info.size = found.st_mode & 0o755, int(found.st_mtime), found.st_size
        with outside.open("rb") as file:
            tar.addfile(info, file)
