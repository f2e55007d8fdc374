"""What the last snapshot of a cell saw, kept beside the repository: the next reads and tells only what differs.

Owns the files it is kept in, and what one sight differs from another by. Knows no git program and no cell.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from factory_tui.cells.protocol import Stamp

NO_STAMP = Stamp(-1, 0)
"""Of a link: no file is of this size."""


class Known(NamedTuple):
    """A file or link of a cell: its stamp, git's name of what it holds and git's mode, both "" where left out."""

    stamp: Stamp
    name: str
    mode: str


class Sight(NamedTuple):
    """A work tree as its snapshot saw it: the commit, files and links by path, and paths that git refuses, in order."""

    commit: str
    known: Mapping[str, Known]
    odd: list[str]

    def places(self) -> dict[str, str]:
        """Where the commit holds what is not at `work/` and its path."""
        return {path: f"odd/{number}" for number, path in enumerate(self.odd)}

    def gone(self, before: "Sight | None") -> Iterator[str]:
        """Paths that an earlier sight's commit has and this one's has not."""
        for path, known in before.known.items() if before else ():
            if known.name and not (path in self.known and self.known[path].name):
                yield path

    def new(self, before: "Sight | None") -> Iterator[tuple[str, Known]]:
        """Files and links that are not the same in an earlier sight's commit."""
        was = before.known if before else {}
        for path, known in self.known.items():
            if known.name and ((old := was.get(path)) is None or old[1:] != known[1:]):
                yield path, known


NOTHING = Sight("", {}, [])


class Stamps:
    """The sights of a workspace's cells, one file each. The one used last is held in memory, too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last = ("", NOTHING)

    def of(self, cell: str) -> Sight:
        """What the last snapshot of that cell saw; nothing where there was none, or a crash tore the file."""
        holder, sight = self._last
        if holder == cell:
            return sight
        try:
            commit, odd, paths, sizes, digests, names, modes = json.loads(self._file(cell).read_bytes())
            known = map(Known, map(Stamp, sizes, digests), names, modes)
            sight = Sight(commit, dict(zip(paths, known, strict=True)), odd)
        except (FileNotFoundError, ValueError, TypeError):
            return NOTHING
        self._last = cell, sight
        return sight

    def keep(self, cell: str, sight: Sight) -> None:
        """Remember what a snapshot saw, once its commit is on the disk."""
        rows = [(path, one.stamp.size, one.stamp.digest, one.name, one.mode) for path, one in sight.known.items()]
        columns = [*zip(*rows, strict=True)] or [()] * 5  # read back in half the time that rows take
        self._folder.mkdir(exist_ok=True)
        path = self._file(cell)
        path.with_suffix(".new").write_text(json.dumps((sight.commit, sight.odd, *columns)))
        path.with_suffix(".new").replace(path)
        self._last = cell, sight

    def forget(self, cell: str) -> None:
        """Drop what is known of a cell that is gone."""
        self._file(cell).unlink(missing_ok=True)
        if self._last[0] == cell:
            self._last = "", NOTHING

    def _file(self, cell: str) -> Path:
        return self._folder / f"{hashlib.sha256(cell.encode()).hexdigest()[:32]}.json"
