"""Real trees on disk as entries, as a cell would tell them."""

import zlib
from pathlib import Path

from msgspec.structs import replace

from factory_tui.cells.protocol import Entry, Stamp


def read_tree(folder: Path, known: dict[str, Stamp] | None = None) -> list[Entry]:
    found = []
    for path in sorted(folder.rglob("*"), key=lambda one: one.relative_to(folder).as_posix()):
        at, name = path.lstat(), path.relative_to(folder).as_posix()
        if path.is_symlink():
            found.append(link(name, str(path.readlink())))
        elif path.is_dir():
            found.append(Entry(name, "dir", at.st_mode & 0o7777))
        else:
            whole = file(name, path.read_bytes(), at.st_mode & 0o7777)
            found.append(whole if (known or {}).get(name) != whole.stamp else replace(whole, data=None))
    return found


def bare(entries: list[Entry]) -> list[tuple[str, str, int, bytes | None, str]]:
    """Entries without their stamps."""
    return [(entry.path, entry.kind, entry.mode, entry.data, entry.target) for entry in entries]


def file(path: str, data: bytes = b"x", mode: int = 0o644) -> Entry:
    return Entry(path, "file", mode, data, stamp=Stamp(len(data), zlib.crc32(data)))


def folder(path: str, mode: int = 0o755) -> Entry:
    return Entry(path, "dir", mode)


def link(path: str, target: str) -> Entry:
    return Entry(path, "link", 0o777, target=target)
