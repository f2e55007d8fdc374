"""What is kept beside the journal: every revision of seeds and scenarios that is in use, and the newest good settings.

So an engine that starts while a file on disk is broken still has what its runs began with. One file a revision, written
whole or not at all. It does not know which revisions those are.
"""

import os
import time
from collections.abc import Collection
from pathlib import Path
from typing import TypeVar

import msgspec

from factory_tui.config.reading import Mistakes, Problem
from factory_tui.domain.decoding import prepared

T = TypeVar("T")


class Shelf:
    """A folder of ours, `kind/name/revision` below it. Raises Mistakes when it, or its parent, is a symbolic link."""

    def __init__(self, folder: Path) -> None:
        for path in (folder.parent, folder):
            if path.is_symlink():
                remedy = "Put a folder of your own there; what is kept in it is read back as it is."
                raise Mistakes(Problem(str(path), 0, "", "is a symbolic link.", remedy))
        self._folder = folder

    def put(self, kind: str, name: str, revision: str, what: object) -> None:
        """Keep it, over what was kept by that name; whole, whatever ends this process. Raises OSError."""
        path = self._folder / kind / name / revision
        data = msgspec.msgpack.encode(what)
        if path.is_file() and path.read_bytes() == data:
            os.utime(path)
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f".{os.urandom(4).hex()}")
        try:
            with fresh.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)

    def get(self, kind: str, name: str, revision: str, shape: type[T]) -> T | None:
        """What was kept; None when nothing was, or by a version that wrote another shape."""
        path = self._folder / kind / name / revision
        if path.is_symlink() or not path.is_file():
            return None
        try:
            return msgspec.msgpack.decode(path.read_bytes(), type=prepared(shape))
        except msgspec.DecodeError:
            return None

    def names(self, kind: str) -> list[str]:
        """The names that something of that kind is kept of."""
        folder = self._folder / kind
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def prune(self, kind: str, wanted: Collection[tuple[str, str]], *, older: float = 0.0) -> None:
        """Remove every revision of that kind but the (name, revision) that are wanted, if it is `older`, in seconds."""
        before = time.time() - older
        for name in self.names(kind):
            folder = self._folder / kind / name
            old = [path for path in folder.iterdir() if path.lstat().st_mtime <= before]
            for path in old:
                if (name, path.name) not in wanted:
                    path.unlink()
            if not any(folder.iterdir()):
                folder.rmdir()
