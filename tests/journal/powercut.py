"""A disk that loses its power: all that the journal asks of it is recorded, and any cut of it can be played.

SQLite works over a VFS of apsw's that records; what the journal itself writes is seen at its syncs and renames. After
a cut a synced write is there; each other one is there or not, or a torn part of it, in any order.
"""

import os
import random
import sqlite3
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import pytest

SECTOR = 512
_NAMED_BY_SYNC = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL
"""Files whose name SQLite makes durable with their first sync."""


class Write(NamedTuple):
    """Bytes at a place of a file."""

    file: int
    offset: int
    data: bytes

    def apply(self, content: bytearray) -> None:
        if len(content) < self.offset:
            content.extend(bytes(self.offset - len(content)))
        content[self.offset : self.offset + len(self.data)] = self.data

    def torn(self, chance: random.Random) -> "Write":
        """Its beginning or its end, up to a border of sectors or not."""
        if len(self.data) < 2:
            return self
        at = chance.randrange(1, len(self.data))
        at -= at % SECTOR if chance.random() < 0.5 else 0
        if chance.random() < 0.5:
            return Write(self.file, self.offset, self.data[:at])
        return Write(self.file, self.offset + at, self.data[at:])


class Truncate(NamedTuple):
    """A file ends there."""

    file: int
    size: int

    def apply(self, content: bytearray) -> None:
        del content[self.size :]

    def torn(self, _chance: random.Random) -> "Truncate":
        return self


class Sync(NamedTuple):
    """What was written to a file so far stays."""

    file: int


class Name(NamedTuple):
    """A path is this file from now on; None: no file."""

    path: Path
    file: int | None


class SyncNames(NamedTuple):
    """The names in a folder so far stay."""

    folder: Path


class Acknowledged(NamedTuple):
    """Somebody was told that this event is on disk."""

    seq: int
    identity: str


Asked = Write | Truncate | Sync | Name | SyncNames | Acknowledged


class Disk:
    """What was asked of it, in order."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._files: dict[Path, int] = {}
        self._numbers = count()

    def file(self, path: Path) -> int:
        """The file of that name, made where there is none."""
        if path not in self._files:
            self._files[path] = next(self._numbers)
            self.asked.append(Name(path, self._files[path]))
        return self._files[path]

    def remove(self, path: Path) -> None:
        """The name is gone."""
        if self._files.pop(path, None) is not None:
            self.asked.append(Name(path, None))

    def rename(self, before: Path, after: Path) -> None:
        """The file has another name, and whatever had that one is gone."""
        file = self.file(before)
        self.remove(before)
        self._files[after] = file
        self.asked.append(Name(after, file))

    def cut(self, at: int, chance: random.Random, *, lies: bool) -> dict[Path, bytes]:
        """What is found after the power went before the request `at`; a disk that `lies` only said that it synced."""
        contents: dict[int, bytearray] = defaultdict(bytearray)
        pending: dict[int, list[Write | Truncate]] = defaultdict(list)
        names: dict[Path, int] = {}
        renamed: list[Name] = []
        for one in self.asked[:at]:
            match one:
                case Write() | Truncate():
                    pending[one.file].append(one)
                case Name():
                    renamed.append(one)
                case Sync() if not lies:
                    for write in pending.pop(one.file, ()):
                        write.apply(contents[one.file])
                case SyncNames() if not lies:
                    _take(names, [name for name in renamed if name.path.parent == one.folder])
                    renamed = [name for name in renamed if name.path.parent != one.folder]
        _take(names, [name for name in renamed if chance.random() < 0.5])
        for file, writes in pending.items():
            there = [write for write in writes if chance.random() < 0.6]
            chance.shuffle(there)
            for write in there:
                (write.torn(chance) if chance.random() < 0.3 else write).apply(contents[file])
        return {path: bytes(contents[file]) for path, file in names.items()}


def _take(names: dict[Path, int], changes: Iterable[Name]) -> None:
    for path, file in changes:
        if file is None:
            names.pop(path, None)
        else:
            names[path] = file


class Recorder(apsw.VFS):
    """SQLite's way to a disk. WAL's index is memory, which no cut leaves."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        super().__init__("recorder", "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 -- SQLite's
        return _File(self.disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self.disk.remove(Path(filename))
        if syncdir:
            self.disk.asked.append(SyncNames(Path(filename).parent))


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        assert name is not None, "a temporary file"
        self._path = Path(name if isinstance(name, str) else name.filename())
        self._disk = disk
        self._named = not flags[0] & _NAMED_BY_SYNC
        super().__init__("", name, flags)
        disk.file(self._path)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.asked.append(Write(self._disk.file(self._path), offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._disk.asked.append(Truncate(self._disk.file(self._path), newsize))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._disk.asked.append(Sync(self._disk.file(self._path)))
        if not self._named:
            self._named = True
            self._disk.asked.append(SyncNames(self._path.parent))


class Database:
    """As much of sqlite3.Connection, and of the journal's writer, as the journal asks for; on a recorded disk."""

    def __init__(self, path: str) -> None:
        self._real = apsw.Connection(path, vfs="recorder")
        self._real.execute("PRAGMA wal_autocheckpoint = 16")  # many checkpoints for cuts to fall into

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> apsw.Cursor:
        return self._real.execute(sql, tuple(parameters))

    def executescript(self, sql: str) -> apsw.Cursor:
        return self._real.execute(sql)

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> apsw.Cursor:
        cursor = self._real.cursor()
        with self._real:
            cursor.executemany(sql, parameters)
        return cursor

    def commit(self) -> None:
        if self._real.in_transaction:
            self._real.execute("COMMIT")

    def close(self) -> None:
        self._real.close()


@contextmanager
def recording() -> Iterator[Disk]:
    """The journal's work goes to the disk that is given."""
    disk = Disk()
    recorder = Recorder(disk)
    sync, replace = os.fsync, Path.replace

    def recorded_sync(handle: int) -> None:
        sync(handle)
        path = Path(f"/proc/self/fd/{handle}").readlink()
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            disk.asked.append(SyncNames(path))
        else:
            file = disk.file(path)
            disk.asked += [Truncate(file, 0), Write(file, 0, path.read_bytes()), Sync(file)]

    def recorded_replace(before: Path, after: Path) -> Path:
        disk.rename(before, after)
        return replace(before, after)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", recorded_sync)
        patched.setattr(Path, "replace", recorded_replace)
        patched.setattr(sqlite3, "connect", lambda path, **_: Database(str(path)))
        yield disk
    recorder.unregister()
