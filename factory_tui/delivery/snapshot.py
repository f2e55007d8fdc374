"""Snapshots: a pass's output as a commit that only the engine writes.

A commit's tree holds `work/`, the work tree as it is; `manifest.json`, what git cannot say of it (empty directories,
modes, and files under names that git refuses, such as a nested `.git`); and `odd/`, the content of those files. The
same tree, parent, message and time give the same commit. Knows no cell, only what a cell's tree gave.
"""

import asyncio
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from factory_tui.cells.protocol import Entry, Stamp, TreeUnfit
from factory_tui.delivery.git import EMPTY_TREE, FILE, LINK, PROGRAM, Commit, DeliveryError, Git, change, commit_head
from factory_tui.domain.hostile import clean_bytes

FORMAT = 1
PATH_LIMIT = 3000
"""Bytes of a path, so that it can be written again below any folder of ours."""
DEPTH_LIMIT = 200
_IGNORABLE = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
"""Characters that some file systems leave out of a name, so that git takes the rest for `.git`."""


class Snapshot(msgspec.Struct, frozen=True):
    """A work tree in the repository: commit, git's name of the work tree, how many files, how many bytes."""

    commit: str
    tree: str
    files: int
    size: int


class Known(NamedTuple):
    """What is known of a file in a cell: its stamp and its blob ("" for one that is excluded)."""

    stamp: Stamp
    blob: str


class Snapshots:
    """The bare repository of a workspace's snapshots, and what is known of the cells they came from.

    `exclude` are globs of names that no snapshot holds. Every method may raise DeliveryError.
    """

    def __init__(self, repo: Path, exclude: tuple[str, ...] = ()) -> None:
        self._git = Git(repo)
        self._stamps = repo.with_name("stamps")
        self._exclude = exclude
        self._made = False
        self._writer = ThreadPoolExecutor(1, "snapshots")  # one at a time: alike packs would collide by name

    def known(self, cell: str) -> dict[str, Stamp]:
        """Stamps to hand to `tree()` of that cell: files that its last snapshot has, or leaves out, as they were."""
        return {path: known.stamp for path, known in self._known(cell).items()}

    def forget(self, cell: str) -> None:
        """Drop the stamps of a cell that is gone."""
        self._stamp_file(cell).unlink(missing_ok=True)

    async def take(self, entries: Iterable[Entry], *, cell: str, parent: str, message: str, at: int) -> Snapshot:
        """Keep a work tree, read with `known(cell)`, as a child of `parent` ("" for none); `at` is UTC milliseconds.

        Raises TreeUnfit for what the agent has to mend first.
        """
        work = partial(self._take, list(entries), cell, parent, message, at)
        return await asyncio.get_running_loop().run_in_executor(self._writer, work)

    async def entries(self, commit: str) -> list[Entry]:
        """The work tree of a commit, sorted by path, to be planted in a cell."""
        return await asyncio.to_thread(self.read, commit)

    async def diff(self, before: str, after: str) -> str:
        """What changed between two commits' work trees, unified, safe to draw; "" is a tree without files."""
        return clean_bytes(await asyncio.to_thread(self._diff, before, after))

    async def diff_head(self, before: str, after: str, limit: int) -> tuple[str, bool]:
        """The first `limit` bytes of that diff in whole lines, and whether there is more."""
        data = await asyncio.to_thread(self._diff, before, after, limit)
        if len(data) <= limit:
            return clean_bytes(data), False
        kept, line_end, _ = data[:limit].rpartition(b"\n")
        return clean_bytes(kept + line_end), True

    def commit(self, name: str) -> Commit:
        """The commit of that name; blocks."""
        with self._git.objects() as objects:
            return objects.commit(name)

    def _take(self, entries: list[Entry], cell: str, parent: str, message: str, at: int) -> Snapshot:
        self._make()
        known = self._known(cell)
        kept = [entry for entry in entries if not self._excluded(entry.path)]
        check(kept)
        fresh = {entry.path: _blob(entry, known) for entry in kept if entry.kind != "dir"}
        manifest = _manifest(kept)
        shape = [(entry.path, entry.kind, entry.mode, fresh.get(entry.path)) for entry in kept]
        name = hashlib.sha256(repr((FORMAT, shape, parent, message, at // 1000)).encode("utf-8", "surrogateescape"))
        ref = f"refs/snapshots/{name.hexdigest()[:40]}"
        stream = _stream(kept, fresh, manifest, commit_head(ref, 1, parent, at // 1000, message))
        commit, tree = self._git.fast_import(stream)
        self._remember(cell, entries, fresh)
        files = [entry for entry in kept if entry.kind == "file"]
        size = sum(entry.stamp.size if entry.data is None else len(entry.data) for entry in files)
        return Snapshot(commit, EMPTY_TREE if tree.startswith("missing") else tree.split()[2], len(files), size)

    def _make(self) -> None:
        if not self._made:
            self._git.directory.parent.mkdir(parents=True, exist_ok=True)
            Git.make(self._git.directory)
            # left by a machine that went down: this engine alone writes here
            for pattern in (
                "refs/snapshots/*.lock",
                "objects/pack/*.keep",
                "objects/pack/tmp_*",
                "fast_import_crash_*",
            ):
                for stale in self._git.directory.glob(pattern):
                    stale.unlink(missing_ok=True)
            self._made = True

    def _excluded(self, path: str) -> bool:
        return any(_fits(part, self._exclude) for part in path.split("/"))

    def read(self, commit: str) -> list[Entry]:
        """What `entries` gives, for callers that are in a thread already."""
        with self._git.objects() as objects:
            root = {item.path: item for item in objects.tree(objects.commit(commit).tree)}
            manifest = json.loads(objects.read(root[b"manifest.json"].name))
            found: dict[str, Entry] = {}
            for item in objects.walk(root[b"work"].name) if b"work" in root else ():
                path = item.path.decode("utf-8", "surrogateescape")
                mode = manifest["modes"].get(path, 0o755 if item.mode == PROGRAM else 0o644)
                found[path] = _entry(path, item.mode == LINK, mode, objects.read(item.name))
            odd = {item.path: item.name for item in (objects.tree(root[b"odd"].name) if b"odd" in root else ())}
            for number, (path, link, mode) in enumerate(manifest["odd"]):
                found[path] = _entry(path, link, mode, objects.read(odd[str(number).encode()]))
        dirs = manifest["dirs"]
        folders = {path[:at] for path in (*found, *dirs) for at in _slashes(path)} | set(dirs)
        for path in folders:
            found[path] = Entry(path, "dir", dirs.get(path, 0o755))
        return [found[path] for path in sorted(found)]

    def _diff(self, before: str, after: str, limit: int | None = None) -> bytes:
        with self._git.objects() as objects:
            trees = []
            for name in (before, after):
                items = objects.tree(objects.commit(name).tree) if name else []
                trees.append(next((item.name for item in items if item.path == b"work"), EMPTY_TREE))
        plain = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/")
        words = ("diff-tree", "-r", "-p", *plain, *trees)
        return self._git.run(*words) if limit is None else self._git.head(limit, *words)

    def _stamp_file(self, cell: str) -> Path:
        return self._stamps / f"{hashlib.sha256(cell.encode()).hexdigest()[:32]}.json"

    def _known(self, cell: str) -> dict[str, Known]:
        try:
            rows = json.loads(self._stamp_file(cell).read_bytes())
        except (FileNotFoundError, ValueError):  # none yet, or torn by a crash: everything is read anew
            return {}
        known = {path: Known(Stamp(*stamp), blob) for path, (stamp, blob) in rows.items()}
        return {path: one for path, one in known.items() if one.blob or self._excluded(path)}

    def _remember(self, cell: str, entries: list[Entry], blobs: Mapping[str, str]) -> None:
        rows = {
            entry.path: [msgspec.to_builtins(entry.stamp), blobs.get(entry.path, "")]
            for entry in entries
            if entry.kind == "file"
        }
        self._stamps.mkdir(exist_ok=True)
        path = self._stamp_file(cell)
        path.with_suffix(".new").write_text(json.dumps(rows))
        path.with_suffix(".new").replace(path)


@lru_cache(1 << 16)
def _fits(name: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)


def check(entries: Iterable[Entry]) -> None:
    """Raise DeliveryError for paths that lead out of a tree, stand twice, or go through what is no directory.

    Raises TreeUnfit for paths that are too long.
    """
    kinds: dict[str, str] = {}
    for entry in entries:
        parts = entry.path.split("/")
        if "\0" in entry.path or any(part in ("", ".", "..") for part in parts):
            raise DeliveryError(f"{entry.path!r:.200} is no path inside a work tree.")
        if len(parts) > DEPTH_LIMIT or len(entry.path.encode("utf-8", "surrogateescape")) > PATH_LIMIT:
            limits = f"longer than {PATH_LIMIT} bytes or more than {DEPTH_LIMIT} folders deep"
            raise TreeUnfit(f"the path {entry.path!r:.100} and so on is {limits}.")
        if entry.path in kinds:
            raise DeliveryError(f"{entry.path!r:.200} stands twice in the work tree.")
        kinds[entry.path] = entry.kind
    for path in kinds:
        if any(kinds.get(path[:at], "dir") != "dir" for at in _slashes(path)):
            raise DeliveryError(f"{path!r:.200} goes through what is no directory.")


def refused(entry: Entry) -> bool:
    """Whether git, here or where it is cloned to, would take a part of the path for its own folder (CVE-2014-9390)."""
    if entry.path.isascii() and "git" not in entry.path.lower():
        return False
    for part in re.split(r"[/\\]", entry.path):
        plain = _IGNORABLE.sub("", part).lower().partition(":")[0].rstrip(" .")
        if plain in (".git", "git~1") or (entry.kind == "link" and plain.startswith((".gitmodules", "gitmod~"))):
            return True
    return False


def git_mode(entry: Entry) -> str:
    """The nearest mode that git has."""
    return LINK if entry.kind == "link" else PROGRAM if entry.mode & 0o100 else FILE


def content(entry: Entry) -> bytes | None:
    """What a blob of the entry holds; None when it was left out as known."""
    return entry.target.encode("utf-8", "surrogateescape") if entry.kind == "link" else entry.data


def _slashes(path: str) -> Iterator[int]:
    return (at for at, letter in enumerate(path) if letter == "/")


def _blob(entry: Entry, known: Mapping[str, Known]) -> str:
    """Git's name of the entry's content: gitformat-pack(5), SHA-1 over a header and the bytes."""
    data = content(entry)
    if data is not None:
        return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    before = known.get(entry.path)
    if before is None or before.stamp != entry.stamp:
        raise DeliveryError(f"{entry.path!r:.200} came without its content, which no snapshot of this cell has.")
    return before.blob


def _manifest(entries: list[Entry]) -> bytes:
    """What git cannot say: directories that are empty or of an unusual mode, modes of files, and refused names."""
    full = {path[:at] for path in (entry.path for entry in entries if not refused(entry)) for at in _slashes(path)}
    dirs = {e.path: e.mode for e in entries if e.kind == "dir" and (e.path not in full or e.mode != 0o755)}
    plain = [entry for entry in entries if entry.kind == "file" and not refused(entry)]
    modes = {e.path: e.mode for e in plain if e.mode != (0o755 if git_mode(e) == PROGRAM else 0o644)}
    odd = [[e.path, e.kind == "link", e.mode] for e in entries if e.kind != "dir" and refused(e)]
    return json.dumps({"format": FORMAT, "dirs": dirs, "modes": modes, "odd": odd}, sort_keys=True).encode()


def _stream(entries: list[Entry], blobs: Mapping[str, str], manifest: bytes, head: bytes) -> Iterator[bytes]:
    yield head
    odd = 0
    for entry in entries:
        if entry.kind == "dir":
            continue
        data = content(entry)
        path = b"work/" + entry.path.encode("utf-8", "surrogateescape")
        if refused(entry):
            path = b"odd/%d" % odd
            odd += 1
        yield from change(path, git_mode(entry), blobs[entry.path] if data is None else data)
    yield from change(b"manifest.json", FILE, manifest)
    yield b'get-mark :1\nls :1 "work"\n'


def _entry(path: str, link: bool, mode: int, data: bytes) -> Entry:
    if link:
        return Entry(path, "link", 0o777, target=data.decode("utf-8", "surrogateescape"))
    return Entry(path, "file", mode, data)


def write_tree(entries: Iterable[Entry], folder: Path) -> None:
    """Write entries, with their content, into a new folder: directories, files, then links: none is followed.

    Every file's content is on disk then; the folders' own entries are not yet.
    """
    ordered = list(entries)
    check(ordered)
    folders = {entry.path[:at] for entry in ordered for at in _slashes(entry.path)}
    folders |= {entry.path for entry in ordered if entry.kind == "dir"}
    for path in sorted(folders):
        (folder / path).mkdir()
    for entry in ordered:
        if entry.kind == "file":
            with (folder / entry.path).open("xb") as file:
                file.write(entry.data or b"")
                os.fchmod(file.fileno(), entry.mode & 0o777)
                file.flush()
                os.fsync(file.fileno())
    for entry in ordered:
        if entry.kind == "link":
            (folder / entry.path).symlink_to(entry.target)
    for entry in ordered:
        if entry.kind == "dir":
            (folder / entry.path).chmod(entry.mode & 0o777 | 0o700)
