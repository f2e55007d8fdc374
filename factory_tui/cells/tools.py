"""What of this host goes into an image besides the small programs: a Python, and the tools that were asked for.

Tools that are programs are taken as the host has them; those that are Python packages from the packages of the Python
that goes in, with what they require. Nothing is downloaded.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from factory_tui.cells.protocol import ImageUnfit
from factory_tui.domain.decoding import prepared

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PACKAGES = ("ruff", "mypy", "bandit")
"""Tools that are installed into a Python."""
PROGRAMS = ("git", "node")
TOOLS = (*PACKAGES, *PROGRAMS)
_TALK = ("git-remote-", "git-http-", "git-daemon", "git-imap-send", "git-instaweb", "git-shell", "scalar")
"""Parts of git that need a network, which no cell has."""
_ASK = r"""
import importlib.metadata as metadata, json, os, re, sys, sysconfig
packages = {}
def take(name):
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in packages:
        return
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return
    files = {str(one): os.path.realpath(found.locate_file(one)) for one in found.files or ()}
    scripts = {one.name: one.value for one in found.entry_points if one.group == "console_scripts"}
    packages[key] = {"version": found.version, "files": files, "scripts": scripts}
    for one in found.requires or ():
        if "extra ==" not in one:
            take(re.match(r"[A-Za-z0-9._-]+", one)[0])
for name in sys.argv[1:]:
    take(name)
json.dump({
    "program": sys.executable, "executable": getattr(sys, "_base_executable", "") or sys.executable,
    "version": sys.version_info[:2],
    "library": sysconfig.get_path("stdlib"), "scripts": sysconfig.get_path("scripts"), "packages": packages,
}, sys.stdout)
"""


class Package(msgspec.Struct, frozen=True):
    """An installed package: its files by their path beside other packages, and what its commands call."""

    version: str
    files: dict[str, str]
    scripts: dict[str, str]


class Python(msgspec.Struct, frozen=True):
    """The Python that goes into an image, with those of the packages asked for that it has."""

    program: str
    """What it is called here; perhaps of a virtual environment."""
    executable: str
    """The file that goes in."""
    version: tuple[int, int]
    library: str
    """The folder of its standard library."""
    scripts: str
    packages: dict[str, Package] = {}

    @property
    def name(self) -> str:
        """`python3.12`."""
        return f"python{self.version[0]}.{self.version[1]}"


def python(named: str = "", packages: Sequence[str] = ()) -> Python:
    """This Python, or the one at the path `named`. Raises ImageUnfit."""
    if not named and not packages:
        executable = getattr(sys, "_base_executable", "") or sys.executable
        return Python(
            sys.executable,
            executable,
            sys.version_info[:2],
            sysconfig.get_path("stdlib"),
            sysconfig.get_path("scripts"),
        )
    program = named or sys.executable
    try:
        asked = subprocess.run(
            [program, "-c", _ASK, *packages], capture_output=True, text=True, check=True, timeout=60, cwd="/"
        )
        found = msgspec.json.decode(asked.stdout, type=prepared(Python))
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError) as error:
        said = getattr(error, "stderr", "") or str(error)
        raise ImageUnfit(f"{program} is no Python to make an image from: {said.strip().splitlines()[-1]}") from error
    if found.version < (3, 8):
        raise ImageUnfit(f"{program} is Python {found.version[0]}.{found.version[1]}; a cell's runner needs 3.8")
    return found


def gather(tools: Sequence[str], host: Python) -> tuple[dict[str, Path], dict[str, str], list[str]]:
    """Path in the image -> file here; path -> text of what is written new; what is not here, with its remedy."""
    files: dict[str, Path] = {}
    texts: dict[str, str] = {}
    lacking = []
    for tool in tools:
        if tool == "ruff" and (found := _program("ruff", host)):
            files["usr/local/bin/ruff"] = found
        elif tool in PACKAGES and tool in host.packages:
            continue
        elif tool in PACKAGES:
            mend = f"{host.program} -m pip install {tool}, or name a Python that has it by --python"
            lacking.append(f"{tool} is not installed in this Python. Remedy: {mend}")
        elif found := _program(tool, host):
            files[f"usr/bin/{tool}"] = found
            files.update(_beside(tool))
        else:
            lacking.append(f"{tool} is not on this host's PATH. Remedy: install it, or leave it out of --with")
    for package in host.packages.values():
        for name, outside in package.files.items():
            if not name.startswith("..") and Path(outside).is_file():
                files[f"usr/local/lib/{host.name}/site-packages/{name}"] = Path(outside)
        for name, value in package.scripts.items():
            module, _, function = value.partition("[")[0].strip().partition(":")
            texts[f"usr/local/bin/{name}"] = (
                f"#!/usr/local/bin/python3\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n"
            )
    return files, texts, lacking


def _program(name: str, host: Python) -> Path | None:
    found = shutil.which(name, path=f"{host.scripts}:{os.environ.get('PATH', os.defpath)}")
    return Path(os.path.realpath(found)) if found else None


def _beside(tool: str) -> Iterator[tuple[str, Path]]:
    """What a program needs at the very place where it lies here."""
    places = []
    if tool == "git":
        asked = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True, cwd="/")
        places = [Path(asked.stdout.strip()), Path("/usr/share/git-core/templates")]
    elif tool == "node":
        places = [Path("/usr/share/nodejs")]
    for place in places:
        for path in place.rglob("*"):
            real = Path(os.path.realpath(path))
            if real.is_file() and real.name != "git" and not path.name.startswith(_TALK):
                yield str(path)[1:], real
