"""Snapshots: a pass's output as a commit that only the engine writes.

A commit's tree holds `work/`, the work tree as it is; `manifest.json`, what git cannot say of it (empty directories,
modes, and files under names that git refuses, such as a nested `.git`); and `odd/`, the content of those files. The
same tree, parent, message and time give the same commit. Knows no cell, only what a cell's tree gave.
"""

import asyncio
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from fnmatch import translate
from functools import cache, partial
from pathlib import Path

import msgspec

from factory_tui.cells.protocol import Entry, Stamp, TreeUnfit
from factory_tui.delivery.git import (
    AFRESH,
    EMPTY_TREE,
    FILE,
    LINK,
    PROGRAM,
    Commit,
    DeliveryError,
    Git,
    blob,
    change,
    commit_head,
    dropped,
    named,
)
from factory_tui.delivery.stamps import NO_STAMP, Known, Sight, Stamps
from factory_tui.domain.hostile import clean_bytes

log = logging.getLogger(__name__)

FORMAT = 1
PATH_LIMIT = 3000
"""Bytes of a path, so that it can be written again below any folder of ours."""
DEPTH_LIMIT = 200
PACKS = 100
"""Snapshots since packs were gathered after which they are again: git looks through each for what it does not find."""
_NO_NAMES = frozenset(("", ".", ".."))
_IGNORABLE = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
"""Characters that some file systems leave out of a name, so that git takes the rest for `.git`."""


class Snapshot(msgspec.Struct, frozen=True):
    """A work tree in the repository: commit, git's name of the work tree, how many files, how many bytes."""

    commit: str
    tree: str
    files: int
    size: int


class Changed(msgspec.Struct, frozen=True):
    """A file that differs: its bytes before and after, None where it was not there. The path is safe to draw."""

    path: str
    before: int | None
    after: int | None


class Snapshots:
    """The bare repository of a workspace's snapshots, and what is known of the cells they came from.

    `exclude` are globs of names that no snapshot holds. Every method may raise DeliveryError.
    """

    def __init__(self, repo: Path, exclude: tuple[str, ...] = ()) -> None:
        self._git = Git(repo)
        self._stamps = Stamps(repo.with_name("stamps"))
        self._left_out = re.compile("|".join(map(translate, exclude)) or "(?!)").match
        self._made = False
        self._spared = 0
        self._writer = ThreadPoolExecutor(1, "snapshots")  # one at a time: alike packs would collide by name

    def known(self, cell: str) -> dict[str, Stamp]:
        """Stamps to hand to `tree()` of that cell: files that its last snapshot has, or leaves out, as they were."""
        seen = self._stamps.of(cell).known.items()
        return {
            path: known.stamp for path, known in seen if known.mode != LINK and (known.name or self._excluded(path))
        }

    def forget(self, cell: str) -> None:
        """Drop the stamps of a cell that is gone."""
        self._stamps.forget(cell)

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

    async def changed(self, before: str, after: str) -> list[Changed]:
        """Which files differ between two commits' work trees, by path, and how large they were and are."""
        return await asyncio.to_thread(self._changed, before, after)

    def commit(self, name: str) -> Commit:
        """The commit of that name; blocks."""
        with self._git.objects() as objects:
            return objects.commit(name)

    def _take(self, entries: list[Entry], cell: str, parent: str, message: str, at: int) -> Snapshot:
        self._make()
        self._gather()
        kept = self._kept(entries)
        check(kept)
        before = self._stamps.of(cell)
        odd = [entry.path for entry in kept if refused(entry)]
        now = _sight(entries, kept, odd, before.known)
        base = before if parent and before.commit == parent and before.odd == now.odd else None
        files, manifest = _changes(now, base), _manifest(kept, odd)
        told = hashlib.sha256(repr((FORMAT, files, manifest, parent, message, at // 1000)).encode())
        ref = f"refs/snapshots/{told.hexdigest()[:40]}"
        head = commit_head(ref, 1, parent, at // 1000, message)
        try:
            commit, tree = self._git.fast_import(_stream(kept, head, files, manifest))
        except DeliveryError:
            self._clear()  # what did not fit, before the journal wants that room
            raise
        self._stamps.keep(cell, now._replace(commit=commit))
        sizes = [entry.stamp.size if entry.data is None else len(entry.data) for entry in kept if entry.kind == "file"]
        return Snapshot(commit, EMPTY_TREE if tree.startswith("missing") else tree.split()[2], len(sizes), sum(sizes))

    def _make(self) -> None:
        if not self._made:
            self._git.directory.parent.mkdir(parents=True, exist_ok=True)
            Git.make(self._git.directory)
            self._clear()
            self._made = True

    def _clear(self) -> None:
        """Remove what a git that was cut off has left, by a kill or a full disk: this engine alone writes here."""
        for pattern in (
            "refs/snapshots/*.lock",
            "packed-refs.lock",
            "packed-refs.new",
            "objects/pack/*.keep",
            "objects/pack/tmp_*",
            "objects/pack/.tmp-*",
            "fast_import_crash_*",
        ):
            for stale in self._git.directory.glob(pattern):
                stale.unlink(missing_ok=True)

    def _gather(self) -> None:
        """Now and then, have few packs. Where there is no room for that, there may be for a snapshot."""
        if (packs := self._git.packs()) > PACKS + self._spared:
            try:
                self._git.gather()
                self._spared = 0
            except DeliveryError as trouble:
                log.warning("snapshots stay in %d packs for now: %s", packs, trouble)
                self._clear()
                self._spared = packs

    def _excluded(self, path: str) -> bool:
        return any(map(self._left_out, path.split("/")))

    def _kept(self, entries: list[Entry]) -> list[Entry]:
        excluded = cache(self._excluded)  # by folder: a tree has fewer of them
        split = (entry.path.rpartition("/") for entry in entries)
        return [
            entry
            for entry, (folder, _, name) in zip(entries, split, strict=True)
            if not (self._left_out(name) or excluded(folder))
        ]

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
        folders = _folders((*found, *dirs)) | set(dirs)
        for path in folders:
            found[path] = Entry(path, "dir", dirs.get(path, 0o755))
        return [found[path] for path in sorted(found)]

    def _diff(self, before: str, after: str, limit: int | None = None) -> bytes:
        plain = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/")
        words = ("diff-tree", "-r", "-p", *plain, *self._trees(before, after))
        return self._git.run(*words) if limit is None else self._git.head(limit, *words)

    def _trees(self, *commits: str) -> list[str]:
        """Git's names of their work trees."""
        with self._git.objects() as objects:
            found = [objects.tree(objects.commit(name).tree) if name else [] for name in commits]
        return [next((item.name for item in items if item.path == b"work"), EMPTY_TREE) for items in found]

    def _changed(self, before: str, after: str) -> list[Changed]:
        was, now = (self._sizes(tree) for tree in self._trees(before, after))
        paths = sorted(path for path in was.keys() | now.keys() if was.get(path) != now.get(path))
        return [Changed(clean_bytes(path), _size(was.get(path)), _size(now.get(path))) for path in paths]

    def _sizes(self, tree: str) -> dict[bytes, tuple[bytes, bytes, bytes]]:
        """Mode, name and size of each file of a tree."""
        found = {}
        for line in self._git.run("ls-tree", "-r", "-l", "-z", tree).split(b"\0")[:-1]:
            about, _, path = line.partition(b"\t")
            mode, _, name, size = about.split()
            found[path] = (mode, name, size)
        return found


def check(entries: Iterable[Entry]) -> None:
    """Raise DeliveryError for paths that lead out of a tree, stand twice, or go through what is no directory.

    Raises TreeUnfit for paths that are too long.
    """
    kinds: dict[str, str] = {}
    folders: set[str] = set()
    for entry in entries:
        path = entry.path
        folder, slash, name = path.rpartition("/")
        if "\0" in path or name in _NO_NAMES:
            raise DeliveryError(f"{path!r:.200} is no path inside a work tree.")
        long = 4 * len(path) > PATH_LIMIT and len(path.encode("utf-8", "surrogateescape")) > PATH_LIMIT
        if long or path.count("/") >= DEPTH_LIMIT:
            limits = f"longer than {PATH_LIMIT} bytes or more than {DEPTH_LIMIT} folders deep"
            raise TreeUnfit(f"the path {path!r:.100} and so on is {limits}.")
        if path in kinds:
            raise DeliveryError(f"{path!r:.200} stands twice in the work tree.")
        kinds[path] = entry.kind
        if slash:
            folders.add(folder)
    for folder in folders:
        if not _NO_NAMES.isdisjoint(folder.split("/")):
            raise DeliveryError(f"{folder!r:.200} is no path inside a work tree.")
        if any(kinds.get(above, "dir") != "dir" for above in _upwards(folder)):
            raise DeliveryError(f"{folder!r:.200} is no directory, or goes through what is none.")


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


def _size(found: tuple[bytes, bytes, bytes] | None) -> int | None:
    return None if found is None else int(found[2])


def _upwards(folder: str) -> Iterator[str]:
    """A folder and those that it is in."""
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def _folders(paths: Iterable[str]) -> set[str]:
    """The folders that these paths are in."""
    return {above for folder in {path.rpartition("/")[0] for path in paths} for above in _upwards(folder)}


def _name(entry: Entry, known: Mapping[str, Known]) -> str:
    """Git's name of the entry's content: gitformat-pack(5), SHA-1 over a header and the bytes."""
    data = content(entry)
    if data is not None:
        return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    before = known.get(entry.path)
    if before is None or not before.name or before.stamp != entry.stamp:
        raise DeliveryError(f"{entry.path!r:.200} came without its content, which no snapshot of this cell has.")
    return before.name


def _manifest(entries: list[Entry], odd: list[str]) -> bytes:
    """What git cannot say: directories that are empty or of an unusual mode, modes of files, and refused names."""
    apart = set(odd)
    full = _folders(entry.path for entry in entries if entry.path not in apart)
    dirs = {e.path: e.mode for e in entries if e.kind == "dir" and (e.path not in full or e.mode != 0o755)}
    plain = [entry for entry in entries if entry.kind == "file" and entry.path not in apart]
    modes = {e.path: e.mode for e in plain if e.mode != (0o755 if git_mode(e) == PROGRAM else 0o644)}
    strange = [[e.path, e.kind == "link", e.mode] for e in entries if e.kind != "dir" and e.path in apart]
    return json.dumps({"format": FORMAT, "dirs": dirs, "modes": modes, "odd": strange}, sort_keys=True).encode()


def _sight(entries: list[Entry], kept: list[Entry], odd: list[str], before: Mapping[str, Known]) -> Sight:
    """What a snapshot of these entries sees; of those that are not kept the stamps alone."""
    known = {entry.path: Known(entry.stamp, "", "") for entry in entries if entry.kind == "file"}
    for entry in kept:
        if entry.kind != "dir":
            stamp = NO_STAMP if entry.kind == "link" else entry.stamp
            known[entry.path] = Known(stamp, _name(entry, before), git_mode(entry))
    return Sight("", known, [path for path in odd if path in known])


def _changes(now: Sight, before: Sight | None) -> bytes:
    """What the commit has other than its parent, which is `before`: all of it where there is none."""
    places = now.places()
    lines = [] if before else [AFRESH]
    lines += [dropped(places.get(path) or f"work/{path}") for path in now.gone(before)]
    lines += [named(places.get(path) or f"work/{path}", one.mode, one.name) for path, one in now.new(before)]
    return "".join(lines).encode("utf-8", "surrogateescape")


def _stream(entries: list[Entry], head: bytes, files: bytes, manifest: bytes) -> Iterator[bytes]:
    for entry in entries:
        data = content(entry)
        if data is not None:
            yield from blob(data)
    yield head
    yield files
    yield from change("manifest.json", FILE, manifest)
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
    folders = _folders(entry.path for entry in ordered) | {entry.path for entry in ordered if entry.kind == "dir"}
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
