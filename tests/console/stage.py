"""A console on a stage: a fixed clock, no animation, and waiting for what is true instead of for time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual import events
from textual.pilot import Pilot

from factory_tui.config.settings import UiTable
from factory_tui.console.app import ConsoleApp
from factory_tui.console.feed import Connect
from tests.console.feeds import StoryFeed
from tests.waiting import until


class Stage:
    """What a test holds: the app, its keys, its feed."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[None], feed: StoryFeed) -> None:
        self.app, self.pilot, self.feed = app, pilot, feed

    async def settle(self) -> None:
        """Everything that is known is drawn."""
        await self.pilot.pause()
        self.app.draw()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    def burst(self, *keys: str) -> None:
        """All of them at once, as a slow line or a paste delivers them."""
        for key in keys:
            self.app.post_message(events.Key(key, key if len(key) == 1 else None))

    async def told(self, count: int) -> None:
        """Wait until the mirror knows seq `count`, then draw."""
        await until(lambda: self.app.mirror.state.seq >= count, f"seq {count} arrives")
        await self.settle()


@asynccontextmanager
async def on_stage(
    feed: StoryFeed, size: tuple[int, int] = (80, 24), ui: UiTable | None = None, connect: Connect | None = None
) -> AsyncIterator[Stage]:
    """The console attached to `feed`, with the history of the chosen run loaded."""
    app = ConsoleApp(connect or feed.connect, ui, clock=lambda: feed.now - 77_000)
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        stage = Stage(app, pilot, feed)
        if connect is None:
            await until(lambda: app.mirror.connection == "live", "attached")
            await until(lambda: app.mirror.trace(app.chosen).first is not None or not feed.past, "history")
        await stage.settle()
        yield stage
