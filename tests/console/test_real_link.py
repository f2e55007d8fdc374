"""The console on a real socket: a real server, a real link, keys that arrive as commands."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from factory_tui.console import plain
from factory_tui.console.app import ConsoleApp
from factory_tui.console.feed import attach_to
from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.commands import Command, Role
from factory_tui.domain.events import Event
from factory_tui.domain.reducer import fold
from factory_tui.link.protocol import BackRequest, DiffRequest, QueryRequest
from factory_tui.link.server import LinkServer
from tests import snap
from tests.console import story
from tests.console.tales import known
from tests.link.back import back, page
from tests.waiting import until

STORY = story.tell()
MIDDLE = story.until(e.VerdictReached, "shortlinks-1", 45)


class Engine:
    """A journal in memory behind a real LinkServer."""

    def __init__(self, socket: Path, events: Sequence[Event]) -> None:
        self.events = list(events)
        self.taken: list[Command] = []
        self.server = LinkServer(
            socket,
            state=lambda: fold(self.events),
            now=lambda: self.events[-1].at + 3000,
            on_command=self._command,
            on_query=self._query,
            on_diff=self._diff,
            on_back=self._back,
        )

    async def _command(self, _actor: str, _role: Role, command: Command, _key: str) -> str | None:
        if isinstance(command, c.Resume):
            return "it is not paused"
        self.taken.append(command)
        return None

    async def _query(self, asked: QueryRequest) -> Sequence[Event]:
        return page(self.events, asked)

    async def _back(self, asked: BackRequest) -> bytes:
        return back(self.events, asked)

    async def _diff(self, asked: DiffRequest) -> tuple[str, bool]:
        return f"+pass {asked.after} of {asked.run}\n", False

    def go_on(self, events: Sequence[Event]) -> None:
        self.events += events
        self.server.publish(events)


@asynccontextmanager
async def engine_at(socket: Path, events: Sequence[Event]) -> AsyncIterator[Engine]:
    engine = Engine(socket, events)
    await engine.server.start()
    try:
        yield engine
    finally:
        await engine.server.close()


async def test_a_day_over_a_socket(tmp_path: Path) -> None:
    socket = tmp_path / "engine.sock"
    app = ConsoleApp(attach_to(socket))
    app.animation_level = "none"
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: bool(app.mirror.trouble), "no engine yet")
        async with engine_at(socket, MIDDLE) as engine:
            await until(lambda: app.mirror.connection == "live", "attached")
            await pilot.press("down", "enter")
            await until(
                lambda: "counts-visits #0 not satisfied" in snap.text_of(app), "the trace is read from the journal"
            )
            await pilot.press("p")
            await until(lambda: engine.taken == [c.Pause("shortlinks-1")], "the command arrives")
            engine.go_on(STORY[len(MIDDLE) :])
            await until(lambda: "shipped to .factory/shipped/shortlinks-1" in snap.text_of(app), "the end of the story")
            assert app.mirror.state == fold(STORY)
        await until(lambda: app.mirror.connection == "reconnecting", "the engine went")
        async with engine_at(socket, STORY):
            await until(lambda: app.mirror.connection == "live", "attached again")
            assert app.mirror.state == fold(STORY)


async def test_what_the_workshop_and_burn_look_back_at_comes_over_a_socket(tmp_path: Path) -> None:
    socket, told = tmp_path / "engine.sock", known()
    app = ConsoleApp(attach_to(socket))
    app.animation_level = "none"
    async with app.run_test(size=(120, 40)) as pilot, engine_at(socket, told):
        await until(lambda: app.mirror.connection == "live", "attached")
        await pilot.press("4")
        await until(lambda: "# Short links" in snap.text_of(app), "the seed's text is read from the journal")
        await pilot.press("5")
        await until(lambda: app.mirror.read, "what was burned is read from the journal")
        view = app.mirror.book.series.view("all", app.clock(), "rehearsal", "run", lambda _: True)
        assert view.total.money == app.mirror.state.burn["rehearsal"].money > 0


async def test_the_plain_log_over_a_socket(tmp_path: Path) -> None:
    socket = tmp_path / "engine.sock"
    out: list[str] = []
    async with engine_at(socket, MIDDLE) as engine:
        feed = await attach_to(socket)()

        def say(line: str) -> None:
            out.append(line)

        engine.go_on(STORY[len(MIDDLE) :])
        state = await plain.follow(feed, say, wanted=2)
        await feed.close()
    assert plain.exit_code(state) == 0
    assert out[-2].split()[:3] == ["shortlinks-1", "✓", "shipped"]


async def test_a_diff_over_a_socket(tmp_path: Path) -> None:
    socket = tmp_path / "engine.sock"
    app = ConsoleApp(attach_to(socket))
    async with engine_at(socket, MIDDLE), app.run_test(size=(80, 24)) as pilot:
        await until(lambda: app.mirror.connection == "live", "attached")
        app.choose("shortlinks-1")
        await pilot.press("d")
        await until(lambda: "+pass 2 of shortlinks-1" in snap.text_of(app), "the diff")
