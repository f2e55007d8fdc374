"""Git as plumbing: one program that reads and writes objects of a repository of ours, and nothing else.

Owns how git is started: no configuration of this user or machine, no hooks, no filters, no replacements. It runs in
the repository's own folder, so that nothing an agent wrote can steer it.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

AUTHOR = "factory-tui <factory-tui@localhost>"
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
FILE, PROGRAM, LINK, TREE = "100644", "100755", "120000", "40000"
AFRESH = "deleteall\n"
"""In a fast-import stream: the commit under way has none of its parent's files."""
OLDEST = (2, 32)
"""The version of git that began to gather packs by their size."""


class DeliveryError(Exception):
    """A snapshot or handover could not be made; the message is for people, with git's own words and the remedy."""


class NoRoom(DeliveryError):  # noqa: N818
    """The disk was full, whatever room it has by now: what was written so far is gone again."""


class Item(NamedTuple):
    """An entry of a git tree: path from where the walk began, mode, and object name."""

    path: bytes
    mode: str
    name: str


class Git:
    """One repository, by the path of its git directory. Calls block: run them in a thread. They raise DeliveryError."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def make(cls, directory: Path, folder: Path | None = None) -> "Git":
        """A repository at `directory`, bare, or the one of the work tree `folder`; again is harmless."""
        where = ["--bare", str(directory)] if folder is None else [str(folder)]
        form = ["--template=", "--initial-branch=main", "--object-format=sha1"]
        _call(["init", "--quiet", *form, *where], _environment(), cwd=directory.parent if folder is None else folder)
        return cls(directory)

    def run(self, *arguments: str) -> bytes:
        """The output of one command."""
        return _call(list(arguments), _environment(self.directory), cwd=self.directory)

    def head(self, limit: int, *arguments: str) -> bytes:
        """The first bytes of a command's output; it is ended once there are `limit` and one more."""
        with _start(list(arguments), _environment(self.directory), self.directory) as process:
            output = _pipe(process.stdout).read(limit + 1)
            if len(output) > limit:
                process.kill()
                process.communicate()
                return output
            _, errors = process.communicate()
        if process.returncode:
            raise _trouble(list(arguments), errors)
        return output

    def fast_import(self, stream: Iterable[bytes]) -> list[str]:
        """Feed a stream of git-fast-import(1) in one process; the lines that its `get-mark` and `ls` answered."""
        # unpackLimit=0: a pack is written and synced whole, where loose objects would be neither
        command = ["-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", "--done"]
        with _start(command, _environment(self.directory), self.directory) as process:
            feed = _pipe(process.stdin)
            try:
                for chunk in stream:
                    feed.write(chunk)
                feed.write(b"done\n")
                feed.flush()
            except BrokenPipeError:
                pass  # it ended early, and says why below
            except BaseException:
                process.kill()
                raise
            output, errors = process.communicate()
        if process.returncode:
            raise _trouble(command, errors)
        return output.decode("ascii", "replace").splitlines()

    def packs(self) -> int:
        """How many files its objects are in."""
        return sum(1 for _ in (self.directory / "objects" / "pack").glob("*.pack"))

    def gather(self) -> None:
        """Join small packs, until each is twice as large as the next, and write all refs into one file."""
        self.run("repack", "--quiet", "-d", "-n", "--geometric=2")
        self.run("pack-refs", "--all")

    @contextmanager
    def objects(self) -> Iterator["Objects"]:
        """A reader of objects, one process for as many as are asked for."""
        with _start(["cat-file", "--batch"], _environment(self.directory), self.directory) as process:
            try:
                yield Objects(_pipe(process.stdin), _pipe(process.stdout))
            finally:
                process.kill()
                process.communicate()


class Objects:
    """Objects of one repository, by name. Raises DeliveryError for one that is not there."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests = requests
        self._answers = answers

    def read(self, name: str) -> bytes:
        """The content of an object, without its header."""
        self._requests.write(name.encode() + b"\n")
        self._requests.flush()
        head = self._answers.readline().split()
        if len(head) != 3:
            raise DeliveryError(
                f"git has no object `{name}`. Remedy: restore .factory/ from a backup, or run the seed again."
            )
        data = self._answers.read(int(head[2]) + 1)
        return data[:-1]

    def tree(self, name: str) -> list[Item]:
        """The entries of one tree, in git's order."""
        data, at, found = self.read(name), 0, []
        while at < len(data):
            space, end = data.index(b" ", at), data.index(b"\0", at)
            found.append(Item(data[space + 1 : end], data[at:space].decode(), data[end + 1 : end + 21].hex()))
            at = end + 21
        return found

    def walk(self, name: str) -> Iterator[Item]:
        """Every entry that is no tree, below the tree of that name, however deep."""
        below = [Item(b"", TREE, name)]
        while below:
            above = below.pop()
            for item in self.tree(above.name):
                whole = item._replace(path=above.path + b"/" + item.path if above.path else item.path)
                if item.mode == TREE:
                    below.append(whole)
                else:
                    yield whole

    def commit(self, name: str) -> "Commit":
        """A commit, by name."""
        head, _, message = self.read(name).partition(b"\n\n")
        keys = [line.split(b" ", 1) for line in head.split(b"\n")]
        parents = [value.decode() for key, value in keys if key == b"parent"]
        tree = next(value.decode() for key, value in keys if key == b"tree")
        seconds = next(int(value.split()[-2]) for key, value in keys if key == b"committer")
        return Commit(name, tree, parents[0] if parents else "", seconds, message.decode("utf-8", "surrogateescape"))


class Commit(NamedTuple):
    """A commit: its first parent ("" for a root), its time in UTC seconds, its message."""

    name: str
    tree: str
    parent: str
    seconds: int
    message: str


def version() -> tuple[int, ...]:
    """Of the git on this machine. Raises DeliveryError where there is none that works."""
    told = _call(["version"], _environment(), Path("/"))
    return tuple(map(int, re.findall(rb"\d+", told)[:3]))


def commit_head(ref: str, mark: int, parent: str, seconds: int, message: str) -> bytes:
    """The beginning of a commit in a fast-import stream: its parent's tree, to be altered by the lines that follow."""
    text = message.encode("utf-8", "surrogateescape")
    # without a parent, the reset makes it a root even where the ref exists
    head = f"reset {ref}\n\ncommit {ref}\nmark :{mark}\ncommitter {AUTHOR} {seconds} +0000\ndata {len(text)}\n"
    after = f"\nfrom {parent}\n" if parent else "\n"
    return head.encode() + text + after.encode()


def change(path: str, mode: str, data: bytes) -> Iterator[bytes]:
    """A file of the commit under way, with its content."""
    yield named(path, mode, "inline").encode("utf-8", "surrogateescape")
    yield from _data(data)


def named(path: str, mode: str, name: str) -> str:
    """A file of the commit under way, by git's name of a blob that the repository has."""
    return f"M {mode} {name} {_quoted(path)}\n"


def dropped(path: str) -> str:
    """A file that the commit under way has not, though its parent has."""
    return f"D {_quoted(path)}\n"


def _quoted(path: str) -> str:
    quoted = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{quoted}"'


def blob(data: bytes) -> Iterator[bytes]:
    """Content for `named` files further on in the stream."""
    yield b"blob\n"
    yield from _data(data)


def _data(data: bytes) -> Iterator[bytes]:
    yield b"data %d\n" % len(data)
    yield data
    yield b"\n"


def _environment(directory: Path | None = None) -> dict[str, str]:
    own = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
    return own | ({"GIT_DIR": str(directory)} if directory else {})


def _start(arguments: list[str], environment: dict[str, str], cwd: Path) -> subprocess.Popen[bytes]:
    command = ["git", "-c", f"core.hooksPath={os.devnull}", "-c", "gc.auto=0", *arguments]
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(command, env=environment, cwd=cwd, stdin=pipe, stdout=pipe, stderr=pipe)
    except FileNotFoundError as error:
        if cwd.is_dir():
            message = "git is not on this machine, and snapshots need it. Remedy: install git (apt-get install git)."
            raise DeliveryError(message) from None
        raise DeliveryError(f"{cwd} is gone: {error.strerror}. Remedy: restore .factory/ from a backup.") from None


def _call(arguments: list[str], environment: dict[str, str], cwd: Path) -> bytes:
    with _start(arguments, environment, cwd) as process:
        output, errors = process.communicate()
    if process.returncode:
        raise _trouble(arguments, errors)
    return output


def _trouble(arguments: list[str], errors: bytes) -> DeliveryError:
    told = errors.decode("utf-8", "replace").partition("\nfast-import: dumping")[0]
    text = told.strip() or "no reason given"
    name = next(word for word in arguments if not word.startswith("-") and "=" not in word)
    said = f"git {name}: {text[-500:].rstrip('.')}."
    full = any(words in text for words in ("No space left", "Out of diskspace", "Disk quota exceeded"))
    return NoRoom(f"{said} Remedy: free space on the disk.") if full else DeliveryError(said)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise TypeError("the process was started without this pipe")
    return pipe
