"""Going from now to then and back while what was asked for is still on its way: nothing of one gets into the other."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from factory_tui.burn.book import KINDS as BURNED
from factory_tui.console.app import ConsoleApp
from factory_tui.console.briefing import Item
from factory_tui.console.screens.journal import JournalScreen
from factory_tui.console.seen import Look, Seen
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.live import LiveCell
from factory_tui.domain.state import State
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage
from tests.waiting import until

STORY = story.tell()
CELL = LiveCell("4f0c", "shortlinks-1", "agent", 0, "docker", True, "factory-cell", 1)


class SlowFeed(StoryFeed):
    """Answers what is `held` only once it is let go."""

    def __init__(self, past: Sequence[Event]) -> None:
        super().__init__(past)
        self.held = ""
        self.waiting = 0
        self.go_on = asyncio.Event()

    async def _wait(self, what: str) -> None:
        if what and what == self.held:
            self.waiting += 1
            await self.go_on.wait()

    async def events(
        self,
        run: str | None,
        before: int | None,
        limit: int,
        after: int | None = None,
        *,
        kinds: tuple[str, ...] | None = None,
        actor: str | None = None,
    ) -> Sequence[Event]:
        await self._wait("book" if kinds == BURNED else run or "")
        return await super().events(run, before, limit, after, kinds=kinds, actor=actor)

    async def state_then(self, seq: int | None = None, at: int | None = None) -> State:
        await self._wait("state")
        return await super().state_then(seq, at)

    async def watch(self, run: str | None) -> Sequence[LiveCell]:
        await self._wait("watch")
        return await super().watch(run)


async def held(stage: Stage, feed: SlowFeed, what: str, *keys: str) -> None:
    """Press keys that ask for what is held."""
    feed.held, feed.waiting = what, 0
    await stage.press(*keys)
    await until(lambda: feed.waiting > 0, f"{what} is asked for")


async def let_go(stage: Stage, feed: SlowFeed) -> None:
    """What is held comes, and is dealt with."""
    feed.held = ""
    feed.go_on.set()
    await stage.pilot.pause()
    await stage.settle()


async def into_the_past(stage: Stage) -> None:
    await stage.press("h")
    await until(lambda: stage.app.then is not None, "the past is there")
    await stage.settle()


async def back_to_now(stage: Stage) -> None:
    await stage.press("h")
    assert stage.app.then is None


async def test_cells_of_now_are_not_up_in_the_past() -> None:
    feed = SlowFeed(STORY)
    feed.cells = [CELL]
    async with on_stage(feed) as stage:
        stage.app.choose("shortlinks-1")
        await held(stage, feed, "watch", "2")
        await into_the_past(stage)
        await let_go(stage, feed)
        assert stage.app.mirror.cells == {}
        await back_to_now(stage)
        assert [*stage.app.mirror.cells["shortlinks-1"]] == ["4f0c"]


async def test_what_was_burned_is_not_booked_in_the_past() -> None:
    feed = SlowFeed(STORY)
    async with on_stage(feed) as stage:
        await held(stage, feed, "book", "5")
        await stage.press("1")
        await into_the_past(stage)
        await let_go(stage, feed)
        assert stage.app.mirror.book.seq == 0, "nobody looks at it there"
        await back_to_now(stage)
        await stage.press("5")
        await until(lambda: stage.app.live.read, "the journal is read")
        assert stage.app.live.book.seq == max(one.seq for one in STORY if one.fact.__struct_config__.tag in BURNED)


async def test_a_trace_that_is_being_read_is_there_when_one_comes_back() -> None:
    feed = SlowFeed(STORY)
    async with on_stage(feed) as stage:
        feed.held = "orders-etl-1" if stage.app.chosen != "orders-etl-1" else "shortlinks-1"
        run = feed.held
        stage.app.choose(run)
        await until(lambda: feed.waiting > 0, "its trace is asked for")
        await into_the_past(stage)
        await until(lambda: feed.waiting > 1, "there too")
        await let_go(stage, feed)
        await back_to_now(stage)
        await until(lambda: bool(stage.app.live.trace(run).lines), "its trace is read")


async def test_who_comes_back_before_a_step_is_there_stays() -> None:
    feed = SlowFeed(STORY)
    async with on_stage(feed) as stage:
        await into_the_past(stage)
        feed.held = "state"
        stage.app.see(3)
        await until(lambda: feed.waiting > 0, "the state is asked for")
        await back_to_now(stage)
        await let_go(stage, feed)
        assert stage.app.then is None


async def test_how_long_ago_one_looked_is_told_by_the_clock_of_now_in_the_past_too(tmp_path: Path) -> None:
    feed = StoryFeed(STORY)
    seen = Seen(tmp_path)
    seen.note("ana", Look(len(STORY) - 2, 0))
    app = ConsoleApp(feed.connect, clock=lambda: feed.now, seen=seen)
    app.animation_level = "none"
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: "since you last looked" in snap.text_of(app), "the briefing")
        told = snap.text_of(app).splitlines()
        ago = next(line for line in told if "since you last looked" in line).partition(" ago")[0].split()[-1]
        await pilot.press("escape")
        app.visit(5, "")
        await until(lambda: app.then is not None, "the past")
        await pilot.press("B")
        await until(lambda: "since you last looked" in snap.text_of(app), "the briefing again")
        assert f" {ago} ago" in snap.text_of(app)


async def test_a_decision_is_opened_in_the_journal_that_is_open_already() -> None:
    async with on_stage(StoryFeed(STORY)) as stage:
        await stage.press("6")
        stage.app.open_item(Item("ana raised a cap", seq=5))
        await stage.settle()
        screen = stage.app.screen
        assert isinstance(screen, JournalScreen)
        await until(lambda: screen.list.act is not None and screen.list.act.seq <= 5, "it is under the cursor")


async def test_the_journal_of_each_instant_is_read_and_its_timeline_ends_there() -> None:
    teller = story.Teller()
    for number in range(600):
        teller.say("", e.Noticed("info", f"note {number}"), after=1000)
    async with on_stage(StoryFeed(teller.events)) as stage:
        await into_the_past(stage)
        await stage.press("6")
        await until(lambda: "note 599" in snap.text_of(stage.app), "the journal as of the newest act")
        await stage.press("comma")
        await until(lambda: "note 598" in snap.text_of(stage.app), "and as of the one before")
        screen = stage.app.screen
        assert isinstance(screen, JournalScreen)
        await until(lambda: screen.reading.lay is not None and screen.reading.lay.seqs[-1] == 599, "and no later")
