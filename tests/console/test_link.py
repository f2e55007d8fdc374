"""Attaching, losing the link, attaching again; floods; looking back."""

import asyncio
import tracemalloc

import pytest

from factory_tui.console import sending
from factory_tui.console.feed import Feed, Skipped
from factory_tui.console.mirror import RING, STREAM, Mirror
from factory_tui.console.widgets.tail import TailView
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.identifiers import is_ulid
from factory_tui.domain.live import LiveOutput
from factory_tui.domain.reducer import fold
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import on_stage
from tests.waiting import until

STORY = story.tell()


async def test_what_is_pushed_is_shown() -> None:
    past, rest = STORY[:60], STORY[60:]
    feed = StoryFeed(past)
    feed.now = StoryFeed(STORY).now
    async with on_stage(feed) as stage:
        stage.feed.push(*rest)
        await stage.told(len(STORY))
        assert stage.app.mirror.state == fold(STORY)
        snap.check(stage.app, "console/floor-shipped-live")


async def test_a_lost_link_is_shown_and_comes_back_by_itself() -> None:
    feeds = [StoryFeed(STORY[:60]), StoryFeed(STORY)]
    tries = 0

    async def connect() -> Feed:
        nonlocal tries
        tries += 1
        if tries == 2:
            raise ConnectionRefusedError("nobody listens")
        return feeds[0 if tries == 1 else 1]

    async with on_stage(feeds[0], connect=connect) as stage:
        await until(lambda: stage.app.mirror.connection == "live", "attached")
        feeds[0].drop()
        await until(lambda: stage.app.mirror.connection == "reconnecting", "the loss is noticed")
        await stage.settle()
        text = snap.text_of(stage.app)
        assert "reconnecting" in text
        assert "orders-etl-1" in text, "what was known stays in sight"
        await stage.press("p")
        await until(lambda: stage.app.flash is not None, "the key is answered")
        said = (stage.app.flash or ("", ""))[1]
        assert said == "not sent: pause orders-etl-1; no engine is attached. Remedy: q, then factory-tui"
        await until(lambda: stage.app.mirror.connection == "live", "attached again")
        assert stage.app.mirror.state == fold(STORY)
        assert feeds[0].closed


async def test_a_command_that_was_not_answered_is_sent_again_by_its_key_once_the_link_is_back() -> None:
    feeds = [StoryFeed(STORY[:60]), StoryFeed(STORY[:60])]
    feeds[0].breaks = True
    tries = iter(feeds)

    async def connect() -> Feed:
        return next(tries)

    async with on_stage(feeds[0], connect=connect) as stage:
        await until(lambda: stage.app.mirror.connection == "live", "attached")
        await stage.press("p")
        await until(lambda: (stage.app.flash or ("", ""))[1].startswith("accepted: "), "the engine's word")
        assert feeds[1].commands == feeds[0].commands != []
        assert feeds[1].keys == feeds[0].keys
        assert is_ulid(feeds[0].keys[0])


async def test_a_command_that_nobody_can_answer_for_in_time_is_not_sent_later(monkeypatch: pytest.MonkeyPatch) -> None:
    feed, away = StoryFeed(STORY[:60]), asyncio.Event()
    feed.breaks = True
    monkeypatch.setattr(sending, "AGAIN", 0.0)
    first = iter([feed])

    async def connect() -> Feed:
        if (one := next(first, None)) is not None:
            return one
        await away.wait()
        return feed

    async with on_stage(feed, connect=connect) as stage:
        await until(lambda: stage.app.mirror.connection == "live", "attached")
        await stage.press("p")
        await until(lambda: "perhaps not sent" in (stage.app.flash or ("", ""))[1], "it is said")
        await until(lambda: stage.app.mirror.connection == "reconnecting", "the loss is noticed")
        away.set()
        await until(lambda: stage.app.mirror.connection == "live", "attached again")
        await stage.settle()
        assert len(feed.commands) == 1


async def test_once_the_engine_stopped_nothing_is_offered_that_needs_it() -> None:
    teller = story.Teller()
    teller.events = list(STORY[:60])
    teller.say("", e.EngineStopped("asked by ana"))
    feed, calls = StoryFeed(teller.events), 0

    async def connect() -> Feed:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise ConnectionRefusedError("nobody listens")
        return feed

    async with on_stage(feed, connect=connect) as stage:
        await until(lambda: stage.app.mirror.trace(stage.app.chosen).first is not None, "the chosen run's trace")
        feed.drop()
        await until(lambda: stage.app.mirror.connection == "engine stopped", "the end is noticed")
        await stage.press("down", "enter")
        text = snap.text_of(stage.app)
        assert "the engine stopped: q, then attach again to read on" in text
        assert "nothing yet" not in text
        await stage.press("escape")
        bar = snap.text_of(stage.app).splitlines()[-1]
        assert "open" in bar
        assert not [verb for verb in ("new run", "pause", "stop", "freeze") if verb in bar]


async def test_before_the_first_engine_the_floor_says_so() -> None:
    async def connect() -> Feed:
        raise FileNotFoundError("no socket")

    async with on_stage(StoryFeed(), connect=connect) as stage:
        await until(lambda: bool(stage.app.mirror.trouble), "the first try fails")
        await stage.settle()
        text = snap.text_of(stage.app)
        assert "No link to an engine: no socket. Next try in" in text
        assert "connecting" in text


async def test_a_slow_console_takes_the_state_after_a_gap() -> None:
    async with on_stage(StoryFeed(STORY[:30])) as stage:
        stage.feed.push(Skipped(100, fold(STORY[:130])), *STORY[130:140])
        await stage.told(140)
        assert stage.app.mirror.state == fold(STORY[:140])


async def test_looking_back_reads_the_journal_and_following_comes_back() -> None:
    teller = story.Teller()
    tale = story.Tale(teller, "shortlinks-1", story.SHORTLINKS)
    tale.queued("shortlinks")
    for number in range(900):
        tale.say(e.ToolCalled(number, f"c{number}", "bash", f"echo {number:04}"))
    async with on_stage(StoryFeed(teller.events)) as stage:
        await stage.press("enter")
        tail = stage.app.screen.query_one(TailView)
        assert "echo 0899" in snap.text_of(stage.app)
        await stage.press("home")
        await until(
            lambda: (
                stage.app.mirror.trace("shortlinks-1").complete
                or len(stage.app.mirror.trace("shortlinks-1").lines) > 600
            ),
            "older lines come",
        )
        await stage.settle()
        await stage.press("home")
        assert "queued: seed shortlinks" in snap.text_of(stage.app)
        last = teller.events[-1]
        stage.feed.push(Event(last.seq + 1, "x", last.at, e.ToolCalled(1, "z", "bash", "echo newest"), "shortlinks-1"))
        await stage.told(last.seq + 1)
        text = snap.text_of(stage.app)
        assert "1 new" in text
        assert "echo newest" not in text
        await stage.press("f")
        assert tail.following
        assert "echo newest" in snap.text_of(stage.app)


async def test_a_flood_is_kept_in_bounds_and_the_newest_is_shown() -> None:
    async with on_stage(StoryFeed(STORY[:60])) as stage:
        await stage.press("enter")
        run, at, seq = stage.app.chosen, STORY[60].at, STORY[59].seq
        tracemalloc.start()
        for block in range(20):
            stage.feed.push(
                *(
                    Event(
                        seq + 1 + block * 1000 + n,
                        "f",
                        at,
                        e.ToolCalled(1, "c", "bash", f"line {block}-{n} " + "x" * 80),
                        run,
                    )
                    for n in range(1000)
                ),
                LiveOutput(run, "c", "stdout", "y" * 100_000),
            )
            await stage.told(seq + (block + 1) * 1000)
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(stage.app.mirror.trace(run).lines) == RING
        assert len(stage.app.mirror.stream[run]) <= STREAM
        assert "line 19-999" in snap.text_of(stage.app)
        assert grown < 40_000_000, f"{grown / 1e6:.0f} MB for {RING} lines"


async def test_a_flood_leaves_the_keys_alive() -> None:
    async with on_stage(StoryFeed(STORY[:60])) as stage:
        at, seq, run = STORY[60].at, STORY[59].seq, stage.app.chosen
        stage.feed.push(
            *(Event(seq + 1 + n, "f", at, e.ToolCalled(1, "c", "bash", f"line {n}"), run) for n in range(5000))
        )
        async with asyncio.timeout(5):
            await stage.pilot.press("?")
            await until(lambda: len(stage.app.screen_stack) == 2, "help opens in the flood")


def test_events_that_are_known_already_change_nothing() -> None:
    mirror = Mirror()
    mirror.attached(fold(STORY[:50]), "viewer")
    for event in STORY[40:60]:
        mirror.apply(event)
    assert mirror.state == fold(STORY[:60])
