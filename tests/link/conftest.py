"""An engine small enough to see through, behind a real socket."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from factory_tui.domain.commands import Command, Pause, Role, may, refusal
from factory_tui.domain.events import AnyFact, Event
from factory_tui.domain.live import LiveFrame
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import State
from factory_tui.link.protocol import BackRequest, DiffRequest, QueryRequest, RefusedError, StateRequest
from factory_tui.link.server import LinkServer
from tests.link.back import back, page

DEADLINE = 20.0


class SmallEngine:
    """Keeps events in a list, folds them, tells its consoles, and remembers what it was commanded."""

    def __init__(self, path: Path, tick: float = 60.0) -> None:
        self.path = path
        self.state = State()
        self.events: list[Event] = []
        self.commands: list[tuple[str, Role, Command]] = []
        self.clock = 1_700_000_000_000
        self.may_look_back = asyncio.Event()
        self.may_look_back.set()
        self.server = LinkServer(
            path,
            state=lambda: self.state,
            now=lambda: self.clock,
            on_command=self.obey,
            on_query=self.page,
            on_diff=self.diff,
            on_back=self.back,
            tick=tick,
        )

    def record(self, *facts: AnyFact, run: str = "", actor: str = "engine") -> None:
        first = len(self.events) + 1
        events = [Event(first + n, f"id{first + n}", self.clock, fact, run, actor) for n, fact in enumerate(facts)]
        self.events += events
        self.state = fold(events, self.state)
        self.server.publish(events)

    def show(self, frame: LiveFrame) -> None:
        self.server.show(frame)

    async def obey(self, actor: str, role: Role, command: Command, _key: str) -> str | None:
        if not may(role, command):
            return refusal(role, command)
        if isinstance(command, Pause) and command.run == "nobody-1":
            return "no run nobody-1"
        if isinstance(command, Pause) and command.run == "bug-1":
            raise RuntimeError("a bug")
        self.commands.append((actor, role, command))
        return None

    async def diff(self, asked: DiffRequest) -> tuple[str, bool]:
        if asked.run == "nobody-1":
            raise RefusedError("there is no run nobody-1; runs: none")
        return "--- a/app.py\n+++ b/app.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n", False

    async def page(self, asked: QueryRequest) -> Sequence[Event]:
        return page(self.events, asked)

    async def back(self, asked: BackRequest) -> bytes:
        """Once nobody holds it up."""
        await self.may_look_back.wait()
        if isinstance(asked, StateRequest) and asked.seq is not None and asked.seq > len(self.events):
            raise RefusedError(f"there is no event {asked.seq}; the newest is {len(self.events)}")
        return back(self.events, asked)


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """Short: a socket's path may have 107 bytes, pytest's folders have more."""
    with tempfile.TemporaryDirectory(prefix="link") as folder:
        yield Path(folder) / "engine.sock"


@pytest.fixture
async def engine(socket_path: Path) -> AsyncIterator[SmallEngine]:
    small = SmallEngine(socket_path)
    await small.server.start()
    yield small
    await small.server.close()
