"""Folders that stand whole or not at all: written beside their place, put on disk, and then put in it.

Knows nothing of what the files are.
"""

import hashlib
import os
import shutil
from collections.abc import Collection
from pathlib import Path

from factory_tui.config.workspace import sync_folder


def digests(folder: Path, left_out: Collection[str]) -> dict[str, str]:
    """The sha256 of every regular file in the folder, by path, but those whose first name is left out."""
    found = {}
    for parent, folders, files in os.walk(folder):
        top = Path(parent) == folder
        folders[:] = [name for name in folders if not (top and name in left_out)]
        for name in files:
            path = Path(parent, name)
            if not path.is_symlink() and not (top and name in left_out):
                found[path.relative_to(folder).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def sync(folder: Path, unwritten: Path) -> None:
    """Wait until the folder is on disk: all of its folders, and those files that lie below `unwritten`."""
    for parent, _, files in os.walk(folder):
        for name in files if Path(parent).is_relative_to(unwritten) else ():
            with Path(parent, name).open("rb") as file:
                os.fsync(file.fileno())
        sync_folder(Path(parent))


def replace(partial: Path, folder: Path) -> None:
    """Put the folder `partial` in the place of `folder`; an old one goes only when the new one stands there."""
    old = _old(folder)
    remove(old)
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    for above in folder.parents[:3]:
        sync_folder(above)
    remove(old)


def restore(folder: Path) -> None:
    """Put the old folder back where a `replace` was cut off with neither in place."""
    if _old(folder).exists() and not folder.exists():
        _old(folder).rename(folder)


def restore_all(above: Path) -> None:
    """The same of every folder in there."""
    for old in above.glob(".*.old"):
        restore(above / old.name[1 : -len(".old")])


def remove(folder: Path) -> None:
    """Remove the folder with all that is in it, if it is there."""
    if folder.exists():
        shutil.rmtree(folder)


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")
