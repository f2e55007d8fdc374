"""File work in the work tree, done as the agent. Every path is walked from the tree's descriptor, no link followed."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
from _blake2 import blake2b  # without hashlib, which loads OpenSSL: every process below the runner pays for it

from factory_tui.cells.runner.loop import BACKLOG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from factory_tui.cells.runner.frames import Header, Slice
    from factory_tui.cells.runner.loop import Loop

    Row = tuple[Any, ...]

PART = 1 << 18
"""Bytes of payload after which a listing or a file goes on in the next frame."""
DEPTH = 100
"""Folders below folders that a listing follows."""
_SLICE = 8 << 20
"""Bytes of files read for a listing after which others have their turn."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Refused(Exception):  # noqa: N818
    """A file request that is not done; the text says why."""


def keyed() -> Callable[[bytes], int]:
    """A hash of bytes under a key that this process alone knows: 64 bits are enough, since nobody can try for them.

    Python's own is four times as quick as BLAKE2b wherever it is SipHash, with a random key and for short texts too.
    """
    if sys.flags.hash_randomization and sys.hash_info.algorithm.startswith("siphash") and not sys.hash_info.cutoff:
        return hash
    key = os.urandom(16)
    return lambda data: int.from_bytes(blake2b(data, digest_size=8, key=key).digest(), "big")


_hash = keyed()


def _digest(before: int, data: bytes) -> int:
    """The digest of a file up to here, from that before these bytes; of nothing it is 0."""
    return _hash(b"%d %d" % (before, _hash(data))) if data else before


def _read(fd: int, size: int, room: int) -> tuple[int, int]:
    """How long a file is that said to have this size, and its digest; 0 where it cannot be read to its end."""
    whole, digest, most = 0, 0, min(size + 1, PART)
    try:
        while whole <= room:
            data = os.read(fd, most)
            whole += len(data)
            digest = _digest(digest, data)
            if len(data) < most:  # which is the end: before it, a file gives what it is asked for
                return whole, digest
    except OSError:
        return size, 0
    return whole, 0


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


class Tree:
    """The work tree, seen and changed as the agent's uid."""

    def __init__(self, config: Header) -> None:
        self._work = config["work"].encode()
        self._uid, self._gid = config["uid"], config["gid"]
        with self:
            self._root = os.open(config["work"], _FOLDER)

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
        """Everything in the tree, by folder: no data, but of each file the digest, up to ``room`` bytes in all.

        Times prove nothing: a program that maps a file on a tmpfs, reads it and then writes changes none of them.
        """
        told: dict[str, dict[str, list[Row]]] = {}
        rows = read = 0
        for folder, kind, row in self._walk(room):
            if folder not in told:
                told[folder] = {"files": [], "dirs": [], "links": []}
            told[folder][kind].append(row)
            rows += 1
            read += row[2] if kind == "files" and row[3] else 0
            if rows >= 500 or read >= _SLICE:
                yield {"folders": told}, b""
                told, rows, read = {}, 0, 0
        yield {"folders": told}, b""

    def _walk(self, room: int) -> Iterator[tuple[str, str, Row]]:
        """Folder, kind, and what there is to tell, of everything that can be part of a snapshot."""
        todo = [b""]
        while todo:
            path = todo.pop()
            parts = path.split(b"/") if path else []
            if len(parts) >= DEPTH:
                raise Refused(f"the work tree is more than {DEPTH} folders deep")
            try:
                at = self._folder(parts)
            except (FileNotFoundError, NotADirectoryError):
                continue  # it went while we looked
            folder = _text(path)
            try:
                with os.scandir(at) as found:
                    for item in found:
                        name = os.fsencode(item.name)
                        try:
                            if item.is_file(follow_symlinks=False):
                                mode, size, digest = self._file(name, at, room)
                                room -= size if digest else 0
                                yield folder, "files", (_text(name), mode, size, digest)
                            elif item.is_dir(follow_symlinks=False):
                                mode = os.stat(name, dir_fd=at, follow_symlinks=False).st_mode
                                todo.append(path + b"/" + name if path else name)
                                yield folder, "dirs", (_text(name), mode & 0o777 | 0o500)
                            elif item.is_symlink():
                                yield folder, "links", (_text(name), _text(os.readlink(name, dir_fd=at)))
                        except FileNotFoundError:
                            pass  # it went while we looked
            finally:
                os.close(at)

    def _file(self, name: bytes, at: int, room: int) -> tuple[int, int, int]:
        """The mode of a file, its length, and the digest of what it holds; 0 where it is not or cannot be read."""
        try:
            fd = self._open(name, os.O_RDONLY | os.O_NONBLOCK, at, 0o400) if room else -1
        except OSError:
            fd = -1
        try:
            info = os.stat(name, dir_fd=at, follow_symlinks=False) if fd < 0 else os.fstat(fd)
            if not stat.S_ISREG(info.st_mode):
                raise FileNotFoundError
            size, digest = info.st_size, 0
            if fd >= 0 and size <= room:
                size, digest = _read(fd, size, room)
            return info.st_mode & 0o777, size, digest
        finally:
            if fd >= 0:
                os.close(fd)

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
        """The data of these files, in pieces, each with the digest up to it; a file that went is left out."""
        for path in paths:
            try:
                fd, info = self._regular(path)
            except FileNotFoundError:
                continue
            entry: Header = {"path": path, "mode": stat.S_IMODE(info.st_mode) & 0o777, "digest": 0}
            try:
                left = info.st_size
                while True:
                    data = os.read(fd, min(PART, left)) if left else b""
                    left -= len(data)
                    entry["digest"] = _digest(entry["digest"], data)
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

    def __init__(self, loop: Loop, tree: Tree, annex: Tree | None) -> None:
        self._loop, self._tree, self._annex = loop, tree, annex
        self._todo: list[tuple[str, Tree, Iterator[Slice]]] = []

    def list(self, header: Header, _: bytes) -> None:
        """Everything in the tree."""
        self._todo.append((header["id"], self._tree, self._tree.listing(header["room"])))

    def fetch(self, header: Header, payload: bytes) -> None:
        """The data of the files that the payload names."""
        self._todo.append((header["id"], self._tree, self._tree.fetch(json.loads(payload))))

    def get(self, header: Header, _: bytes) -> None:
        """One file."""
        self._todo.append((header["id"], self._tree, self._tree.get(header["path"], header["limit"])))

    def put(self, header: Header, payload: bytes) -> None:
        """Make entries, in the annex where that is asked for."""
        tree = self._annex if header.get("annex") and self._annex else self._tree
        self._todo.append((header["id"], tree, tree.put(header["entries"], payload)))

    def clear(self) -> None:
        """Forget all of it: the engine that asked is gone."""
        self._todo.clear()

    def ready(self) -> bool:
        """Whether there is a slice to do and room for what it gives."""
        return bool(self._todo) and len(self._loop.waiting) < BACKLOG

    def step(self) -> None:
        """One slice of the oldest request."""
        name, tree, slices = self._todo[0]
        try:
            with tree:
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
