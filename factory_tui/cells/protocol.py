"""What a cell is, to everyone above: the shapes, the protocols and the errors a person can mend.

Owns the contract that every kind of cell keeps; one conformance suite runs against all of them. Knows neither Docker
nor processes nor frames.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from factory_tui.domain.gauges import Gauge, Lack

if TYPE_CHECKING:
    from factory_tui.config.recipe import Recipe

Kind = Literal["docker", "process"]
Stream = Literal["stdout", "stderr"]
OnOutput = Callable[[Stream, bytes], None]
OnGauge = Callable[[Gauge], None]

Say = Callable[[str], None]

MIB = 1 << 20


class CellError(Exception):
    """A cell could not do what was asked; the message is for people and says what to do where something can be done."""


class NoEngine(CellError):  # noqa: N818
    """No Docker engine answers."""


class NoPermission(CellError):  # noqa: N818
    """A Docker engine is there but this user may not talk to it."""


class NoImage(CellError):  # noqa: N818
    """No image for cells could be had; the message lists what was tried and the command that mends it."""


class Unmade(NoImage):
    """The image that a seed asks for could not be built or pulled, and will not be before somebody mends it."""


class ImageUnfit(CellError):  # noqa: N818
    """The image cannot carry a cell, for example because it has no python3."""


class NoRuntime(CellError):  # noqa: N818
    """The Docker engine does not have the container runtime that was asked for."""


class CellDied(CellError):  # noqa: N818
    """The cell or its runner ended; an agent can do that to its own cell, so it is not by itself a broken machine."""


class TreeUnfit(CellError):  # noqa: N818
    """The work tree is such that no snapshot can hold it. Its agent can mend that: the message is for it."""


class CellLimits(msgspec.Struct, frozen=True):
    """What one cell may use. Sizes in bytes; the sum of the work and temp space stays below the memory limit.

    A process cell applies those which a process can be given: open files and core size.
    """

    memory: int = 1024 * MIB
    cpus: float = 1.0
    pids: int = 256
    nofile: int = 1024
    work_bytes: int = 512 * MIB
    work_inodes: int = 65_536
    tmp_bytes: int = 128 * MIB


class Outcome(msgspec.Struct, frozen=True):
    """How one command ended.

    ``exit`` is negative for the signal that ended it. ``cut`` counts the bytes left out of the middle of both streams
    to hold the limit. ``lost`` says that the cell died or no longer knows the command: then ``exit`` means nothing.
    """

    exit: int
    stdout: bytes = b""
    stderr: bytes = b""
    cut: int = 0
    timed_out: bool = False
    seconds: float = 0.0
    lost: bool = False
    lacked: tuple[Lack, ...] = ()
    """What of the cell ran out while it ran."""


class Exchange(msgspec.Struct, frozen=True):
    """One HTTP exchange; ``error`` is empty, or says why there was no response (then ``status`` is 0).

    ``cut`` counts the bytes of the body beyond the limit, as far as they were read.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    seconds: float = 0.0
    error: str = ""
    cut: int = 0


class Stamp(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What tells a changed file from an unchanged one without sending it: its length, and the digest of what it holds.

    The digest means something to its cell only, which keeps the key; it is 0 where nobody asked for it, and of an empty
    file. No time of a file is in it: an agent can keep them as they were.
    """

    size: int
    digest: int = 0


class Entry(msgspec.Struct, frozen=True, gc=False):  # nothing in it leads back to it, and a tree has thousands
    """One file, directory or link of a work tree.

    ``path`` and ``target`` are relative posix paths with undecodable bytes as surrogate escapes. ``data`` is None for a
    directory or link, and for a file whose stamp equals the one that the caller said it knows. ``mode`` holds the
    permission bits.
    """

    path: str
    kind: Literal["file", "dir", "link"]
    mode: int = 0o644
    data: bytes | None = None
    target: str = ""
    stamp: Stamp = Stamp(0)


class Labels(msgspec.Struct, frozen=True):
    """Whose cell it is, so that a restarted engine adopts or removes every one."""

    workspace: str
    run: str
    role: str
    number: int = 0
    holder: str = ""
    """The process that it is for, as `holder` tells it; empty: the workspace's engine. While that one lives, nobody
    else adopts or sweeps the cell.
    """


class Mould(msgspec.Struct, frozen=True):
    """What cells are made from, where that is not the workspace's own choice; equal moulds make equal cells.

    ``image``: a reference that the engine has; empty: the workspace's. ``id``: the engine's own id of it, as it was
    prepared. ``env``: variables of every command in the cell, in the order of their names; the runner hears none.
    ``hosts``: names that its loopback answers to. With any, the cell has an annex: a second tree, and where the kind
    can change users a second user, for what serves under those names; the agent's commands can neither read nor end it.
    """

    image: str = ""
    id: str = ""
    env: tuple[tuple[str, str], ...] = ()
    hosts: tuple[str, ...] = ()


ANY = Mould()
"""The workspace's own choice."""


class Image(msgspec.Struct, frozen=True):
    """What a cell was made from: the name it was asked for by, and the engine's id of it; empty in a process cell."""

    reference: str = ""
    id: str = ""


class Service(Protocol):
    """A long-running process in a cell, listening on ``port`` of the cell's loopback."""

    @property
    def port(self) -> int:
        """The value of PORT in its environment."""
        ...

    async def alive(self) -> bool:
        """Whether the process still runs."""
        ...

    async def stop(self) -> Outcome:
        """Kill it with everything it started; its logs are the outcome's streams."""
        ...


class Cell(Protocol):
    """One fenced place where commands run. Every method may raise CellDied.

    ``work`` is the path of the work tree inside the cell; relative paths are resolved against it. ``fenced`` is False
    where nothing but good manners keeps a command from the host.
    """

    @property
    def id(self) -> str:
        """Unique for the engine; a docker cell's container id."""
        ...

    @property
    def kind(self) -> Kind:
        """Which kind of cell it is."""
        ...

    @property
    def fenced(self) -> bool:
        """Whether the kind keeps commands from the host."""
        ...

    @property
    def image(self) -> Image:
        """What it was made from."""
        ...

    @property
    def work(self) -> str:
        """The absolute path of the work tree, as commands in the cell see it."""
        ...

    @property
    def annex(self) -> str:
        """The absolute path of the annex; empty where there is none."""
        ...

    @property
    def hosts(self) -> Mapping[str, str]:
        """The addresses of the loopback by the names that resolve to them, each its own."""
        ...

    @property
    def closed(self) -> bool:
        """Whether it was removed."""
        ...

    async def run(
        self,
        command: str | Sequence[str],
        *,
        id: str = "",  # noqa: A002
        stdin: bytes = b"",
        env: Mapping[str, str] = {},
        cwd: str = "",
        timeout: float = 120.0,
        limit: int = MIB,
        on_output: OnOutput | None = None,
    ) -> Outcome:
        """Run a command to its end: a string by a fresh ``bash -c`` (``sh -c`` without bash), a sequence as it is.

        Concurrent commands are fine. Cancelling the awaiting task, or the timeout (seconds), kills all that the
        command started, daemons too. ``limit`` bounds the bytes kept of each stream, head and tail. The same ``id``
        asked again, also after a re-attach, gives the kept outcome or waits for the running command; it never runs
        twice. ``on_output`` hears output as it comes.
        """
        ...

    async def outcome(self, id: str) -> Outcome:  # noqa: A002
        """Wait for a command started earlier, perhaps by another engine; ``lost`` when the cell does not know it."""
        ...

    def leave(self) -> None:
        """Stop waiting for commands that have an id, and let them go on: who waits is cancelled, and may ask for the
        outcome later.
        """
        ...

    async def serve(
        self, command: str | Sequence[str], *, env: Mapping[str, str] = {}, cwd: str = "", annex: bool = False
    ) -> Service:
        """Start a long-running process with PORT in its environment: a free one in a process cell.

        ``annex``: in the annex, as its user; HOME and TMPDIR are there too.
        """
        ...

    async def http(
        self,
        port: int,
        method: str,
        path: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        timeout: float = 10.0,
        limit: int = MIB,
    ) -> Exchange:
        """Do one HTTP exchange with a service on the cell's loopback; redirects are not followed."""
        ...

    async def read(self, path: str, limit: int = 16 * MIB) -> bytes:
        """The file's first ``limit`` bytes. Raises CellError for what is no regular file in the work tree."""
        ...

    async def write(self, path: str, data: bytes, mode: int | None = None) -> None:
        """Write a file in the work tree, with its folders; without a mode a file keeps its own, a new one gets 0644.

        Raises CellError for a path that leads outside.
        """
        ...

    async def tree(self, known: Mapping[str, Stamp] | None = None) -> list[Entry]:
        """The whole work tree, sorted by path; the data of files whose stamp is ``known`` is left out.

        Raises TreeUnfit for one that is larger than the cell's work space, or too deep.
        """
        ...

    async def plant(self, entries: Iterable[Entry], *, annex: bool = False) -> None:
        """Put entries into the work tree, as a snapshot gave them, or into the annex.

        Raises CellError for a path that leads outside.
        """
        ...

    async def gauge(self, hear: OnGauge, every: float) -> None:
        """Have ``hear`` called with what the cell uses, now and whenever it moved, every so many seconds at most; until
        cancelled. Returns at once where the kind cannot tell.
        """
        ...

    async def tell(self, env: Mapping[str, str]) -> None:
        """Give variables to every command from now on, for as long as the cell lives."""
        ...

    async def pause(self) -> None:
        """Freeze every process of the cell."""
        ...

    async def resume(self) -> None:
        """Undo pause."""
        ...

    async def detach(self) -> None:
        """Let go of the cell and leave it running, where its kind can run alone; who waits for it is cancelled."""
        ...

    async def close(self) -> None:
        """Remove the cell with all that is in it. Closing again does nothing."""
        ...


class Cells(Protocol):
    """One kind of cell, for one workspace."""

    @property
    def kind(self) -> Kind:
        """The kind of cell that ``start`` gives."""
        ...

    @property
    def fenced(self) -> bool:
        """Whether its cells keep commands from the host."""
        ...

    async def start(self, labels: Labels, mould: Mould = ANY) -> Cell:
        """A started cell with an empty work tree. Raises CellError."""
        ...

    async def prepare(self, recipe: Recipe, say: Say) -> Mould:
        """What cells by this recipe are made from: there already, or built or pulled now, which may take minutes.

        `say` hears that line by line, in another thread. Cancelled, it stops. Raises CellError.
        """
        ...

    async def adopt(self) -> list[tuple[Labels, Cell]]:
        """This workspace's cells that are still alive, attached again; a kind that cannot survive gives none."""
        ...

    async def sweep(self, keep: Collection[str] = ()) -> int:
        """Remove every cell of this workspace whose id is not kept; how many those were.

        Raises CellError when some cannot be removed, once all others are.
        """
        ...

    async def answers(self) -> bool:
        """Whether cells can be had now: False while the container engine does not answer."""
        ...

    async def close(self) -> None:
        """Let go of connections and threads. Cells stay as they are: sweep or close them first."""
        ...
