"""Twins: `twins/<name>/`, a behavioural clone of a service, with twin.toml beside its code and its API document.

Owns their form and what of a folder is the twin. It does not know how one is run, or whether it is true to its service.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from factory_tui.config.reading import Document, Mistakes, Problem, as_text, bytes_of, nearest

TWIN_FILE = "twin.toml"
RECORDINGS = "recordings"
FIDELITY = "fidelity.json"
"""What `factory-tui twins check` found, beside the twin."""
NOT_CODE = (RECORDINGS, FIDELITY, "provenance.json", "__pycache__", "README.md")
"""What lies in the folder and is no part of what is run."""
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
MOST = 16 << 20
"""Bytes of a twin."""
_HOST = re.compile(r"(?=.{3,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")
_WRITE = f"Write it, with host, command and document; or ship one with the loop `twin`. {TWIN_FILE}: docs/twins.md."


class Ready(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a twin is up: any HTTP answer to a GET of `path`, or that status."""

    path: str = "/"
    timeout: Annotated[float, msgspec.Meta(gt=0, le=60)] = 10.0
    status: int | None = None


class TwinFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """twin.toml."""

    host: str
    """The host name of the service that it stands for."""
    command: str
    document: str
    """Its API document, a file of the folder."""
    ready: Ready = Ready()
    seed_data: str = ""
    """A JSON file of the folder: what it begins with, where nobody gives it other data."""
    volatile: list[str] = []
    """Keys of JSON bodies and names of headers whose values differ each time: recordings are no measure of those."""


class File(msgspec.Struct, frozen=True):
    """A file of a twin, by its path in the folder."""

    path: str
    data: bytes
    mode: int = 0o644


class Twin(TwinFile, frozen=True, kw_only=True):
    """A twin as read: what it says of itself, and its files."""

    name: str
    files: tuple[File, ...]
    digest: str
    """12 hex digits that change with any byte of what is run."""

    @property
    def variable(self) -> str:
        """The variable by which a product finds it."""
        return f"{re.sub(r'[^A-Z0-9]', '_', self.name.upper())}_URL"


def load_twin(twins: Path, name: str) -> Twin:
    """The twin of that name in the folder `twins`. Raises Mistakes."""
    file = f"{twins.name}/{name}/{TWIN_FILE}"
    known = twin_names(twins)
    if name not in known:
        meant = nearest(name, known)
        remedy = f"Did you mean `{meant}`?" if meant else f"{_WRITE} There are: {', '.join(known) or 'none yet'}."
        raise Mistakes(Problem(file, 0, "", f"there is no twin `{name}`.", remedy))
    return read_twin(twins / name, name, file)


def read_twin(folder: Path, name: str, file: str) -> Twin:
    """What lies in the folder, as the twin of that name; `file`: what its twin.toml is called. Raises Mistakes."""
    try:
        document = Document(bytes_of(folder / TWIN_FILE), file)
        shape = document.convert(TwinFile)
        files = tuple(_files(folder))
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}."
        raise Mistakes(Problem(file, 0, "", message, "Make it a readable file.")) from None
    problems = list(_lint(document, shape, name, {one.path: one.data for one in files}))
    if problems:
        raise Mistakes(*problems)
    told = hashlib.sha256(msgspec.json.encode(files))
    return Twin(**msgspec.structs.asdict(shape), name=name, files=files, digest=told.hexdigest()[:12])


def all_twins(twins: Path) -> tuple[list[Twin], list[Problem]]:
    """Every twin that can be read, by name, and the problems of those that cannot."""
    found: list[Twin] = []
    problems: list[Problem] = []
    for name in twin_names(twins):
        try:
            found.append(load_twin(twins, name))
        except Mistakes as mistakes:
            problems += mistakes.problems
    return found, problems


def twin_names(twins: Path) -> list[str]:
    """The folders that are meant as twins, by name."""
    if not twins.is_dir():
        return []
    return sorted(one.name for one in twins.iterdir() if one.is_dir() and not one.name.startswith((".", "_")))


def recordings(twins: Path, name: str) -> list[Path]:
    """The recorded exchanges of a twin, by name."""
    return sorted((twins / name / RECORDINGS).glob("[!.]*.har"))


def _files(folder: Path) -> Iterator[File]:
    """What is run. Raises OSError, Mistakes for what is more than a cell is given."""
    left = MOST
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if any(part.startswith(".") or part == "__pycache__" for part in parts) or parts[0] in NOT_CODE:
            continue
        if path.is_symlink() or not path.is_file():
            continue
        left -= path.stat().st_size
        if left < 0:
            message = f"its files are longer than {MOST >> 20} MiB."
            place = f"{folder.parent.name}/{folder.name}"
            raise Mistakes(Problem(place, 0, "", message, "Take out what it does not need to run."))
        yield File("/".join(parts), bytes_of(path), path.stat().st_mode & 0o777)


def _lint(document: Document, shape: TwinFile, name: str, files: dict[str, bytes]) -> Iterable[Problem]:
    if not NAME.fullmatch(name):
        yield Problem(
            document.file, 0, "", f"`{name}` is no name for a twin.", "Use lower case letters, digits, - and _."
        )
    if not _HOST.fullmatch(shape.host):
        remedy = "Write the service's host name alone, in lower case, as in api.payments.example."
        yield document.problem(("host",), f"`{shape.host}` is no host name.", remedy)
    if not shape.command.strip():
        yield document.problem(("command",), "is empty.", "Write how it is started, as in python3 twin.py.")
    if not shape.ready.path.startswith("/"):
        yield document.problem(("ready", "path"), "does not begin with /.", "Write the path of a URL.")
    if shape.document not in files:
        remedy = f"Name one of its files: {', '.join(sorted(files))}."
        yield document.problem(("document",), f"there is no file `{shape.document}`.", remedy)
    if shape.seed_data:
        try:
            json.loads(as_text(files[shape.seed_data], shape.seed_data))
        except KeyError:
            message = f"there is no file `{shape.seed_data}`."
            yield document.problem(("seed_data",), message, "Write that file, or take the key out.")
        except (ValueError, RecursionError, Mistakes) as error:
            yield document.problem(("seed_data",), f"`{shape.seed_data}` is no JSON: {error}.", "Mend that file.")
