"""What changes on disk, once it is whole.

Wakes by inotify, and judges by looking: which files there are, and their stamps. A file that is held open for writing
is not whole, and nor is one that changed a moment ago: writers that close and open again, as an editor that truncates
first, are given time. It does not know what a file means.
"""

import asyncio
import errno
import fcntl
import fnmatch
import logging
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from watchfiles._rust_notify import RustNotify

from factory_tui.config.seed import IGNORED
from factory_tui.config.workspace import Workspace
from factory_tui.engine.library import Whole
from factory_tui.engine.sources import CONFIG, STANDARDS, Group
from factory_tui.harness.labels import FOLDER as LABELS

log = logging.getLogger(__name__)
SETTLE = 0.15
"""Seconds for which nothing of a group may have changed before it is read."""
GONE = 0.3
"""The same for files that are gone: some programs remove a file before they write it anew."""
LOOK = 0.03
"""Seconds between looks while something is not whole."""
BUSY = 5.0
"""Seconds of that after which it looks less often."""
LONG = 5_000
"""Milliseconds after which it looks without being woken."""
PATIENCE = 1.0
"""Seconds that whoever wants what is newest waits for it to be whole."""
Stamp = tuple[str, int, int, int, int]
"""Path, inode, size, and when content and entry changed."""
Take = Callable[[Collection[Group], Whole], Awaitable[Collection[Group]]]
"""Takes over groups that changed; those that could not be, and are to be tried again."""


class Watching:
    """Over one workspace. `take` is told of every group that changed since `begin`."""

    def __init__(self, workspace: Workspace, take: Take) -> None:
        self._workspace = workspace
        self._take = take
        self._taken: dict[Group, tuple[Stamp, ...]] = {}
        self._seen: dict[Group, tuple[tuple[Stamp, ...], float]] = {}
        self._looking = asyncio.Lock()

    async def begin(self, take: Take) -> None:
        """Have everything taken that is whole now, by another taker; what is being written follows."""
        now = await asyncio.to_thread(stamps, self._workspace)
        left = await take(now.keys(), lambda group: not _is_written(now.get(group, ())))
        self._taken = {group: found for group, found in now.items() if group not in left}

    async def run(self) -> None:
        """Watch, until cancelled."""
        with ThreadPoolExecutor(1, "watch") as waiting:  # it waits all the time: nobody else's thread
            await self._run(waiting)

    async def _run(self, waiting: ThreadPoolExecutor) -> None:
        while True:
            folders = _folders(self._workspace)
            try:
                notify = RustNotify([*map(str, folders)], False, False, LONG, False, True)
            except OSError as trouble:  # a folder that went at once, or no watch to be had: then by looking alone
                log.warning("cannot watch: %s", trouble)
                await self._settle()
                await asyncio.sleep(PATIENCE / 2)
                continue
            with notify:
                while _folders(self._workspace) == folders:
                    await self._settle()
                    await _change(notify, waiting)

    async def caught_up(self) -> None:
        """Until all that changed is taken, for PATIENCE at most."""
        until = time.monotonic() + PATIENCE
        while await self._look() and time.monotonic() < until:  # noqa: ASYNC110 -- as in _settle
            await asyncio.sleep(LOOK)

    async def _settle(self) -> None:
        began = time.monotonic()
        while await self._look():  # noqa: ASYNC110 -- nobody tells when a writer closes
            # Some programs hold a file open for days: looking costs a stat of every file.
            await asyncio.sleep(LOOK if time.monotonic() - began < BUSY else PATIENCE / 4)

    async def _look(self) -> bool:
        """One look; whether anything is not taken yet."""
        async with self._looking:
            now = await asyncio.to_thread(stamps, self._workspace)
            at, whole, waiting = time.monotonic(), [], False
            for group in now.keys() | self._taken.keys():
                found = now.get(group, ())
                if found == self._taken.get(group, ()):
                    self._seen.pop(group, None)
                    continue
                waiting = True
                seen = self._seen.get(group)
                if seen is None or seen[0] != found:
                    self._seen[group] = (found, at)
                elif at - seen[1] >= (SETTLE if found else GONE):
                    whole.append(group)
            whole = [group for group in whole if not await asyncio.to_thread(_is_written, now.get(group, ()))]
            if not whole:
                return waiting

            def still(group: Group) -> bool:
                found = stamps(self._workspace).get(group, ())
                before = now.get(group, ()) if group in whole else self._taken.get(group, ())
                return found == before and not _is_written(found)

            left = await self._take(whole, still)
            for group in set(whole) - set(left):
                self._taken[group] = now.get(group, ())
                self._seen.pop(group, None)
            return True


def stamps(workspace: Workspace) -> dict[Group, tuple[Stamp, ...]]:
    """What stands in the workspace's files, by what is read as one; what cannot be looked at is not there."""
    found: dict[Group, list[Stamp]] = {CONFIG: [], STANDARDS: []}
    _stamp(workspace.config, found[CONFIG])
    _stamp(workspace.standards, found[STANDARDS])
    for path in _within(workspace.seeds):
        if path.name.endswith(".md") and not path.is_dir():
            _stamp(path, found.setdefault(("seeds", path.name.removesuffix(".md")), []))
        elif path.is_dir():
            group = found.setdefault(("seeds", path.name.removesuffix(".md")), [])
            for parent, folders, files in os.walk(path):
                folders[:] = sorted(name for name in folders if not _ignored(name))
                for name in sorted(files):
                    if not any(fnmatch.fnmatchcase(name, one) for one in IGNORED[:2]):
                        _stamp(Path(parent, name), group)
    for path in _within(workspace.loops):
        if path.suffix == ".dot":
            _stamp(path, found.setdefault(("loops", path.stem), []))
    twins = [Path(parent, name) for parent, _, names in _walked(workspace.twins) for name in names]
    for folder in _within(workspace.scenarios):
        if folder.is_dir():
            for path in _within(folder):
                if path.suffix == ".toml":
                    _stamp(path, found.setdefault(("scenarios", folder.name), []))
            for path in _within(folder / LABELS) if ("scenarios", folder.name) in found else ():
                _stamp(path, found["scenarios", folder.name])
            for path in twins if ("scenarios", folder.name) in found else ():
                _stamp(path, found["scenarios", folder.name])
    return {group: tuple(some) for group, some in found.items()}


def _within(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not _ignored(path.name))
    except OSError:
        return []


def _ignored(name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in IGNORED)


def _stamp(path: Path, to: list[Stamp]) -> None:
    try:
        found = path.stat()
    except OSError:
        return
    to.append((str(path), found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))


def _folders(workspace: Workspace) -> list[Path]:
    """Every folder whose entries matter: none of them is watched with what is below it, least of all our own state."""
    found = [workspace.root]
    for top in (workspace.seeds, workspace.loops, workspace.scenarios, workspace.twins):
        found += [Path(parent) for parent, _, _ in _walked(top)]
    return found


def _walked(top: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """What os.walk gives, by name and without what is ignored."""
    for parent, folders, files in os.walk(top):
        folders[:] = sorted(name for name in folders if not _ignored(name))
        yield parent, folders, sorted(name for name in files if not _ignored(name))


def _is_written(found: Collection[Stamp]) -> bool:
    """Whether anybody holds one of these files open for writing.

    A read lease is refused then (fcntl(2)). It is given back at once; a writer that comes between waits that long, and
    the signal that tells of it is one that is ignored by default. Where leases are not to be had, settling must do.
    """
    for path, *_ in found:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            continue  # gone, which shows by its stamp, or not to be read, which is said when it is
        try:
            fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except OSError as refused:
            if refused.errno == errno.EAGAIN:
                return True
        finally:
            os.close(handle)
    return False


async def _change(notify: RustNotify, thread: ThreadPoolExecutor) -> None:
    """Until something changed, or long enough."""
    stop = threading.Event()
    waiting = asyncio.get_running_loop().run_in_executor(thread, notify.watch, 100, 50, LONG, stop)
    try:
        await asyncio.shield(waiting)
    except asyncio.CancelledError:
        stop.set()
        await waiting
        raise
