"""File work in the work tree, done as the agent. Every path is walked from the tree's descriptor, no link followed."""

from __future__ import annotations

import contextlib
import json
import os
import stat

from factory_tui.cells.runner.frames import hasher
from factory_tui.cells.runner.loop import BACKLOG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory_tui.cells.runner.frames import Header, Slice
    from factory_tui.cells.runner.loop import Loop

PART = 1 << 18
"""Bytes of payload after which a listing or a file goes on in the next frame."""
DEPTH = 100
"""Folders below folders that a listing follows."""
_SLICE = 8 << 20
"""Bytes of files read for a listing after which others have their turn."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Refused(Exception):  # noqa: N818
    """A file request that is not done; the text says why."""


class Tree:
    """The work tree, seen and changed as the agent's uid."""

    def __init__(self, config: Header) -> None:
        self._root = os.open(config["work"], _FOLDER)
        self._work = config["work"].encode()
        self._uid, self._gid = config["uid"], config["gid"]
        self._buffer = memoryview(bytearray(PART))

    def __enter__(self) -> Tree:
        if self._uid is not None:
            os.setegid(self._gid)
            os.seteuid(self._uid)
        return self

    def __exit__(self, *_: object) -> None:
        if self._uid is not None:
            os.seteuid(0)
            os.setegid(0)

    def _parts(self, path: str) -> list[bytes]:
        raw = path.encode("utf-8", "surrogateescape")
        if raw == self._work or raw.startswith(self._work + b"/"):
            raw = raw[len(self._work) + 1 :]
        parts = [part for part in raw.split(b"/") if part not in (b"", b".")]
        if raw.startswith(b"/") or b".." in parts or b"\0" in raw:
            raise Refused(f"{path}: leads out of the work tree")
        if len(parts) > DEPTH:
            raise Refused(f"{path[:80]}...: more than {DEPTH} folders deep")
        return parts

    def _folder(self, parts: list[bytes], make: bool = False) -> int:
        at = os.dup(self._root)
        for part in parts:
            try:
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, 0o755, dir_fd=at)
                below = self._open(part, _FOLDER, at, 0o500)
            finally:
                os.close(at)
            at = below
        return at

    def _open(self, name: bytes, flags: int, at: int, need: int) -> int:
        """Open below a folder; where the agent took its own right to read away, give it back: to a folder for good,
        since what is below it needs it too, to a file for a moment.
        """
        try:
            return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
        except PermissionError:
            handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            try:
                mode = os.fstat(handle).st_mode
                if stat.S_ISLNK(mode) or mode & need == need:
                    raise
                os.chmod(f"/proc/self/fd/{handle}", stat.S_IMODE(mode) | need)
                try:
                    return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
                finally:
                    if not stat.S_ISDIR(mode):
                        os.chmod(f"/proc/self/fd/{handle}", stat.S_IMODE(mode))
            finally:
                os.close(handle)

    def listing(self, room: int) -> Iterator[Slice]:
        """Everything in the tree, folder by folder: no data, but of each file the digest, up to ``room`` bytes in all.

        Times prove nothing: a program that maps a file on a tmpfs, reads it and then writes changes none of them.
        """
        todo: list[list[bytes]] = [[]]
        while todo:
            parts = todo.pop()
            if len(parts) >= DEPTH:
                raise Refused(f"the work tree is more than {DEPTH} folders deep")
            try:
                at = self._folder(parts)
            except (FileNotFoundError, NotADirectoryError):
                continue  # it went while we looked
            found: list[Header] = []
            read = 0
            try:
                for name in os.listdir(at):
                    raw = os.fsencode(name)
                    entry = self._entry(at, parts, raw)
                    if entry is None:
                        continue
                    found.append(entry)
                    if entry["kind"] == "dir":
                        todo.append([*parts, raw])
                    elif entry["kind"] == "file" and entry["stamp"][0] <= room:
                        entry["stamp"] = self._digest(raw, at, room) or entry["stamp"]
                        room -= entry["stamp"][0]
                        read += entry["stamp"][0]
                    if len(found) >= 500 or read >= _SLICE:
                        yield {"entries": found}, b""
                        found, read = [], 0
            finally:
                os.close(at)
            if found:
                yield {"entries": found}, b""

    def _digest(self, name: bytes, at: int, room: int) -> tuple[int, str] | None:
        """How long a file is, and the digest of what it holds; nothing where it cannot be read."""
        try:
            fd = self._open(name, os.O_RDONLY | os.O_NONBLOCK, at, 0o400)
        except OSError:
            return None
        try:
            state, size = hasher(), 0
            while size <= room and (count := os.readv(fd, [self._buffer])):
                state.update(self._buffer[:count])
                size += count
        except OSError:
            return None
        finally:
            os.close(fd)
        return size, state.hexdigest()

    @staticmethod
    def _entry(at: int, parts: list[bytes], name: bytes) -> Header | None:
        try:
            info = os.stat(name, dir_fd=at, follow_symlinks=False)
            target = os.readlink(name, dir_fd=at) if stat.S_ISLNK(info.st_mode) else b""
        except FileNotFoundError:
            return None  # it went while we looked
        kind = {stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "link"}.get(stat.S_IFMT(info.st_mode))
        if kind is None:
            return None  # pipes, sockets and devices are no part of a snapshot
        return {
            "path": b"/".join([*parts, name]).decode("utf-8", "surrogateescape"),
            "kind": kind,
            "mode": stat.S_IMODE(info.st_mode) & 0o777 | (0o500 if kind == "dir" else 0),
            "target": target.decode("utf-8", "surrogateescape"),
            "stamp": (info.st_size, ""),
        }

    def _regular(self, path: str) -> tuple[int, os.stat_result]:
        parts = self._parts(path)
        if not parts:
            raise Refused(f"{path}: is a folder")
        at = self._folder(parts[:-1])
        try:
            info = os.stat(parts[-1], dir_fd=at, follow_symlinks=False)
            if not stat.S_ISREG(info.st_mode):
                raise Refused(f"{path}: is no regular file")
            fd = self._open(parts[-1], os.O_RDONLY | os.O_NONBLOCK, at, 0o400)
        finally:
            os.close(at)
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            os.close(fd)
            raise Refused(f"{path}: is no regular file")
        return fd, info

    def fetch(self, paths: list[str]) -> Iterator[Slice]:
        """The data of these files, in pieces; a file that went is left out."""
        for path in paths:
            try:
                fd, info = self._regular(path)
            except FileNotFoundError:
                continue
            entry: Header = {"path": path, "mode": stat.S_IMODE(info.st_mode) & 0o777}
            try:
                left = info.st_size
                while True:
                    data = os.read(fd, min(PART, left)) if left else b""
                    left -= len(data)
                    yield entry, data
                    if not data or not left:
                        break
            finally:
                os.close(fd)

    def get(self, path: str, limit: int) -> Iterator[Slice]:
        """The first bytes of one file, in pieces."""
        fd, _ = self._regular(path)
        try:
            while limit:
                data = os.read(fd, min(PART, limit))
                limit -= len(data)
                if not data:
                    break
                yield {}, data
        finally:
            os.close(fd)

    def put(self, entries: list[Header], payload: bytes) -> Iterator[Slice]:
        """Make entries, in one go; ``size`` bytes of the payload belong to each file, at ``offset``."""
        used = 0
        for entry in entries:
            parts = self._parts(entry["path"])
            if not parts:
                continue
            data = payload[used : used + entry["size"]]
            used += entry["size"]
            at = self._folder(parts[:-1], make=True)
            try:
                self._make(entry, parts[-1], at, data)
            finally:
                os.close(at)
        yield from ()

    def _make(self, entry: Header, name: bytes, at: int, data: bytes) -> None:
        try:
            old: os.stat_result | None = os.stat(name, dir_fd=at, follow_symlinks=False)
        except FileNotFoundError:
            old = None
        folder = old is not None and stat.S_ISDIR(old.st_mode)
        mode = entry["mode"]
        if mode is None:
            mode = stat.S_IMODE(old.st_mode) if old is not None and stat.S_ISREG(old.st_mode) else 0o644
        if entry["kind"] == "dir":
            if not folder:
                if old is not None:
                    os.unlink(name, dir_fd=at)
                os.mkdir(name, 0o700, dir_fd=at)
            fd = self._open(name, _FOLDER, at, 0o500)
        elif entry["kind"] == "link":
            if old is not None:
                os.unlink(name, dir_fd=at)
            os.symlink(entry["target"].encode("utf-8", "surrogateescape"), name, dir_fd=at)
            return
        else:
            flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            if not entry["offset"]:
                if old is not None:
                    os.unlink(name, dir_fd=at)
                flags |= os.O_CREAT | os.O_EXCL
            fd = os.open(name, flags, 0o600, dir_fd=at)
        try:
            view, offset = memoryview(data), entry["offset"]
            while view:
                written = os.pwrite(fd, view, offset)
                view, offset = view[written:], offset + written
            os.fchmod(fd, mode & 0o777)
        finally:
            os.close(fd)


class Work:
    """File requests, done one slice at a time between the loop's other callbacks."""

    def __init__(self, loop: Loop, tree: Tree) -> None:
        self._loop, self._tree = loop, tree
        self._todo: list[tuple[str, Iterator[Slice]]] = []

    def list(self, header: Header, _: bytes) -> None:
        """Everything in the tree."""
        self._todo.append((header["id"], self._tree.listing(header["room"])))

    def fetch(self, header: Header, payload: bytes) -> None:
        """The data of the files that the payload names."""
        self._todo.append((header["id"], self._tree.fetch(json.loads(payload))))

    def get(self, header: Header, _: bytes) -> None:
        """One file."""
        self._todo.append((header["id"], self._tree.get(header["path"], header["limit"])))

    def put(self, header: Header, payload: bytes) -> None:
        """Make entries."""
        self._todo.append((header["id"], self._tree.put(header["entries"], payload)))

    def clear(self) -> None:
        """Forget all of it: the engine that asked is gone."""
        self._todo.clear()

    def ready(self) -> bool:
        """Whether there is a slice to do and room for what it gives."""
        return bool(self._todo) and len(self._loop.waiting) < BACKLOG

    def step(self) -> None:
        """One slice of the oldest request."""
        name, slices = self._todo[0]
        try:
            with self._tree:
                part = next(slices, None)
        except (Refused, OSError, ValueError) as error:
            text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self._loop.send({"op": "err", "id": name, "error": text})
            part = None
        else:
            if part is None:
                self._loop.send({"op": "ok", "id": name})
        if part is None:
            del self._todo[0]
        else:
            self._loop.send({"op": "part", "id": name, **part[0]}, part[1])
