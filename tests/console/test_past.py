"""The journal's screen, every screen as it was at an event, and what is new since somebody last looked."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory_tui.console.app import ConsoleApp
from factory_tui.console.briefing import briefing
from factory_tui.console.differences import differences
from factory_tui.console.ledger import Ledger
from factory_tui.console.seen import Look, Seen
from factory_tui.console.then import ClosedFeed
from factory_tui.console.widgets.journal import ActList
from factory_tui.console.window import Window, around
from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import State
from factory_tui.link.protocol import RefusedError
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage
from tests.domain.facts import histories
from tests.waiting import until

SIZES = [(80, 24), (120, 40), (200, 60)]
STORY = story.tell()
FEW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
HOSTILE = "ana\x1b]52;c;aGk=\x07\u202e\x9b31m\nsecond\u200b"


def named(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def shown(stage: Stage) -> str:
    return snap.text_of(stage.app)


async def at_journal(stage: Stage, *keys: str) -> ActList:
    """On the journal's screen with all of the story's acts there, after some keys."""
    await stage.press("6")
    await until(lambda: stage.app.mirror.ledger.newest and stage.app.mirror.ledger.oldest, "all acts are read")
    await stage.settle()
    await stage.press(*keys)
    return stage.app.screen.query_one(ActList)


async def drawn(stage: Stage, text: str) -> None:
    """Wait until that is on the screen: it was asked for."""

    def there() -> bool:
        stage.app.draw()
        return text in shown(stage)

    await until(there, f"{text!r} is drawn")


async def in_the_past(stage: Stage) -> None:
    await until(lambda: stage.app.then is not None, "the past is there")
    await stage.settle()


def past(stage: Stage) -> bool:
    return stage.app.then is not None


async def see(stage: Stage, fact: type, run: str) -> Event:
    """Put the journal's cursor on the newest such event of a run, and look at every screen as of it."""
    event = next(one for one in reversed(stage.feed.past) if isinstance(one.fact, fact) and one.run == run)
    (await at_journal(stage)).point(event.seq)
    await stage.press("h")
    await in_the_past(stage)
    return event


@FEW
@given(histories(), st.data())
def test_the_state_in_a_window_is_the_fold_of_the_prefix(history: list[Event], data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(history)))
    window = Window(fold(history[:begin]), history[begin:])
    for seq in data.draw(st.lists(st.integers(begin, len(history)), max_size=6)):
        assert window.holds(seq)
        assert window.state(seq) == fold(history[:seq])
        states = around(window, seq)
        if seq > begin:
            assert states == (fold(history[: seq - 1]), fold(history[:seq]))
        else:
            assert states is None
    assert not window.holds(len(history) + 1)


@FEW
@given(histories())
def test_what_an_event_changed_is_told_safely_and_nothing_else_is(history: list[Event]) -> None:
    state = State()
    for event in history:
        after = fold([event], state)
        found = differences(state, after)
        for one in found:
            assert one.before != one.after
            for text in (one.path, one.before or "", one.after or ""):
                assert "\n" not in text
                assert "\x1b" not in text
        assert not differences(after, after)
        state = after


def test_a_run_that_paused_is_told_leaf_by_leaf() -> None:
    before = fold(STORY[:40])
    moved = Event(41, "x", STORY[39].at + 1000, e.RunMoved("paused", None, "ana paused it"), "shortlinks-1", "ana")
    told = {one.path: (one.before, one.after) for one in differences(before, fold([moved], before))}
    assert told["runs shortlinks-1 state"] == ("running", "paused")
    assert told["runs shortlinks-1 why"] == (None, "ana paused it")
    assert all("orders-etl-1" not in path for path in told)


def test_a_ledger_has_no_gap_whatever_comes_when() -> None:
    ledger, rng = Ledger(), random.Random(4)
    ledger.about(frozenset({"verdict-reached", "run-moved"}))
    fitting = [one for one in STORY if one.fact.__struct_config__.tag in ledger.kinds]
    ledger.older(fitting[100:150])
    while not (ledger.oldest and ledger.newest):
        held = [one.seq for one in ledger.acts]
        first, last = held[0], held[-1]
        if rng.random() < 0.5:
            ledger.older([one for one in fitting if one.seq < first][-7:])
        else:
            ledger.newer([one for one in fitting if one.seq > last][:7])
        assert [one.seq for one in ledger.acts] == [
            one.seq for one in fitting if ledger.acts[0].seq <= one.seq <= ledger.acts[-1].seq
        ]
    assert len(ledger.acts) == len(fitting)
    ledger.take(Event(9999, "x", 1, e.RunMoved("paused"), "a-1"))
    ledger.take(Event(10_000, "x", 1, e.Noticed("info", "of another kind"), "a-1"))
    assert ledger.acts[-1].seq == 9999


@pytest.mark.parametrize("size", SIZES, ids=named)
async def test_journal(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(STORY), size) as stage:
        await at_journal(stage, "down", "down", "down")
        await drawn(stage, "▲")
        if size[0] > 100:
            await drawn(stage, "visit-ended")
            await drawn(stage, "runs shortlinks-1 changed_at")
        snap.check(stage.app, f"console/journal-{named(size)}")


@pytest.mark.parametrize("size", SIZES, ids=named)
async def test_the_floor_as_it_was(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(STORY), size) as stage:
        event = await see(stage, e.Shipped, "orders-etl-1")
        await until(lambda: bool(stage.app.mirror.trace("orders-etl-1").lines), "its trace is read")
        await stage.settle()
        head = shown(stage).splitlines()[0]
        assert "14:14:57  read only  esc now" in head
        assert " PAST " in head
        assert "REHEARSAL" in head
        assert stage.app.mirror.state == fold(STORY[: event.seq])
        assert stage.app.chosen == "orders-etl-1"
        snap.check(stage.app, f"console/past-{named(size)}")


async def test_every_screen_is_as_of_then_and_says_so() -> None:
    async with on_stage(StoryFeed(STORY), (120, 40)) as stage:
        event = await see(stage, e.VisitEnded, "orders-etl-1")
        for key, scope in (
            ("2", "run"),
            ("3", "inbox"),
            ("4", "workshop"),
            ("5", "burn"),
            ("6", "journal"),
            ("1", "floor"),
        ):
            await stage.press(key)
            assert stage.app.scope == scope
            assert "PAST 2026-09-21 14:14:55  read only" in shown(stage).splitlines()[0]
            assert stage.app.mirror.state.seq == event.seq
        await stage.press("2")
        trace = stage.app.mirror.trace("orders-etl-1")
        await until(lambda: bool(trace.lines), "its trace is read")
        assert max(line.at for line in trace.lines) <= event.at, "and ends there"
        assert "shipped to" not in shown(stage)


async def test_esc_comes_back_to_the_very_place() -> None:
    async with on_stage(StoryFeed(STORY)) as stage:
        acts = await at_journal(stage, "slash", *"shortlinks", "enter", "down", "down")
        before, chosen = shown(stage), stage.app.chosen
        await stage.press("h")
        await in_the_past(stage)
        await stage.press("1", "2", "6", "escape")
        assert not past(stage)
        assert shown(stage) == before
        assert stage.app.screen.query_one(ActList) is acts
        assert stage.app.chosen == chosen
        assert stage.app.scope == "journal"


async def test_enter_opens_the_runs_trace_at_that_moment_and_esc_leads_back() -> None:
    async with on_stage(StoryFeed(STORY)) as stage:
        event = next(one for one in STORY if isinstance(one.fact, e.VisitEnded) and one.run == "orders-etl-1")
        (await at_journal(stage)).point(event.seq)
        await stage.press("enter")
        await in_the_past(stage)
        await until(lambda: stage.app.scope == "run", "the run is opened")
        await drawn(stage, "screen of pass 1")
        assert stage.app.chosen == "orders-etl-1"
        await stage.press("escape")
        assert not past(stage)
        assert stage.app.scope == "journal"


async def test_a_run_opened_in_the_past_is_left_for_what_it_was_opened_over() -> None:
    async with on_stage(StoryFeed(STORY)) as stage:
        await see(stage, e.Shipped, "orders-etl-1")
        await stage.press("enter")
        assert "h now" in shown(stage).splitlines()[0]
        await stage.press("escape")
        assert (past(stage), str(stage.app.scope)) == (True, "floor")
        await stage.press("enter", "h")
        assert not past(stage)
        assert stage.app.scope == "journal"


async def test_what_happens_meanwhile_is_folded_below() -> None:
    middle = story.until(e.VerdictReached, "shortlinks-1", 45)
    async with on_stage(StoryFeed(middle)) as stage:
        await stage.press("h")
        await in_the_past(stage)
        then = stage.app.then
        assert then is not None
        stage.feed.push(*STORY[len(middle) :])
        await until(lambda: stage.app.live.state.seq == len(STORY), "the story goes on")
        assert stage.app.mirror.state.seq == then.seq
        await stage.press("escape")
        assert stage.app.mirror.state == fold(STORY)
        assert "2 shipped" in shown(stage)


async def test_steps_go_from_act_to_act_on_the_same_screen() -> None:
    async with on_stage(StoryFeed(STORY), (120, 40)) as stage:
        await stage.press("5", "comma")
        await in_the_past(stage)
        assert stage.app.scope == "burn"
        acts = [one.seq for one in STORY if one.fact.__struct_config__.tag in Ledger().kinds]
        seen = []
        for key in ("comma", "comma", "full_stop"):
            before = stage.app.then.seq if stage.app.then else 0
            await stage.press(key)
            await until(lambda before=before: stage.app.then is not None and stage.app.then.seq != before, "a step")  # type: ignore[misc]
            seen.append(stage.app.mirror.state.seq)
        assert seen == [acts[-2], acts[-3], acts[-2]]
        assert stage.app.scope == "burn"
        assert len(stage.feed.instants) == 1, "what lies near is folded here"


async def test_nothing_but_a_fork_can_be_sent_from_the_past() -> None:
    async with on_stage(StoryFeed(STORY), (120, 40)) as stage:
        await see(stage, e.VisitEnded, "shortlinks-1")
        for key in ("p", "P", "X", "s", "r", "R", "e", "b", "U", "exclamation_mark", "n"):
            await stage.press(key)
            assert stage.app.scope == "floor"
            assert len(stage.app.screen_stack) == 3
        assert "not in the past; h is now" in shown(stage)
        await stage.press("F")
        await drawn(stage, "Fork shortlinks-1")
        await stage.press("enter")
        await until(lambda: bool(stage.feed.commands), "a command is sent")
        assert stage.feed.commands == [c.Fork("shortlinks-1", 2)], "its newest pass that was over then"
        assert past(stage)


async def test_a_viewer_forks_nothing_in_the_past_either() -> None:
    async with on_stage(StoryFeed(STORY, role="viewer"), (120, 40)) as stage:
        await see(stage, e.VisitEnded, "shortlinks-1")
        await stage.press("F")
        assert "fork needs the role operator" in shown(stage)
        assert stage.feed.commands == []


async def test_a_closed_feed_tells_of_nothing_later_and_takes_no_command() -> None:
    feed = ClosedFeed(StoryFeed(STORY), fold(STORY[:100]))
    assert (await feed.events(None, None, 3))[-1].seq == 100
    assert (await feed.events(None, 9999, 3))[-1].seq == 100
    assert [one.seq for one in await feed.events(None, None, 9, 97)] == [98, 99, 100]
    assert [message async for message in feed] == []
    with pytest.raises(RefusedError, match=r"the past cannot be changed\. Remedy: go back to now"):
        await feed.command(c.EmergencyStop())


async def test_an_instant_that_cannot_be_folded_to_is_refused_in_words() -> None:
    feed = StoryFeed(STORY)
    feed.unfoldable = 400
    async with on_stage(feed, (120, 40)) as stage:
        (await at_journal(stage)).point(20)
        await stage.press("h")
        await drawn(stage, "the past cannot be shown: event 0 cannot be folded to: its archive is gone")
        assert not past(stage)


async def test_the_filter_finds_who_did_what_and_any_kind() -> None:
    told = [*STORY]
    done: list[tuple[str, c.Command]] = [("ana", c.Pause("shortlinks-1")), ("ben", c.Stop("orders-etl-1", HOSTILE))]
    for number, (actor, command) in enumerate([*done, (HOSTILE, c.Thaw())], 1):
        run = getattr(command, "run", "")
        told.append(Event(len(told) + 1, f"h{number}", STORY[-1].at, e.CommandTaken(str(number), command), run, actor))
    async with on_stage(StoryFeed(told), (120, 40)) as stage:
        acts = await at_journal(stage)
        whole = shown(stage)
        assert not set("\x1b\x07\u202e\x9b\u200b") & set(whole)
        assert acts.narrow("actor:ben") == ""
        assert [one.seq for one in acts.acts()] == [len(STORY) + 2]
        assert acts.narrow("seed:orders-etl state:shipped") == ""
        assert [one.verb for one in acts.acts()] == ["shipped"]
        assert acts.narrow("kind:tool-called") == ""
        await stage.settle()
        await until(lambda: acts.ledger.oldest and acts.ledger.newest, "tool calls are read")
        calls = [one.seq for one in STORY if isinstance(one.fact, e.ToolCalled)]
        assert [one.seq for one in acts.acts()] == calls[::-1]
        assert "no field is called colour. Remedy: actor:, verb:" in acts.narrow("colour:red")


async def test_the_timeline_is_walked_along() -> None:
    async with on_stage(StoryFeed(STORY), (120, 40)) as stage:
        acts = await at_journal(stage)
        await drawn(stage, "2m to 09-21 14:15:35")
        here = acts.act
        await stage.press("left", "left", "left")
        there = acts.act
        assert here is not None
        assert there is not None
        assert there.at < here.at
        await stage.press("home")
        assert acts.act == here


async def test_the_chain_is_told_and_walked_when_asked() -> None:
    async with on_stage(StoryFeed(STORY), (120, 40)) as stage:
        await at_journal(stage)
        await drawn(stage, "not walked yet; V walks it")
        await stage.press("V")
        await drawn(stage, f"the chain is whole: all {len(STORY)} events are what was written")
        await drawn(stage, "ok, walked 3s ago")


async def test_acts_that_come_while_the_journal_is_open_are_shown() -> None:
    middle = story.until(e.VerdictReached, "shortlinks-1", 45)
    async with on_stage(StoryFeed(middle)) as stage:
        acts = await at_journal(stage)
        count = len(acts.acts())
        stage.feed.push(*STORY[len(middle) :])
        await stage.told(len(STORY))
        assert len(acts.acts()) > count
        assert acts.act is not None
        assert acts.act.seq == acts.acts()[0].seq, "the cursor on the newest goes along"


class Desk:
    """A console whose looks are kept."""

    def __init__(self, folder: Path, feed: StoryFeed) -> None:
        self.seen, self.feed = Seen(folder), feed
        self.app = ConsoleApp(feed.connect, clock=lambda: feed.now, seen=self.seen)
        self.app.animation_level = "none"


@pytest.mark.parametrize("size", SIZES, ids=named)
async def test_what_is_new(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(STORY), size) as stage:
        stage.app.briefed(briefing(fold(STORY[:80]), fold(STORY), STORY, "ana"))
        await stage.press("down")
        said = shown(stage)
        for part in ("since you last looked", "shipped", "moved on", "spent", "REHEARSAL, no real money"):
            assert part in said
        snap.check(stage.app, f"console/since-{named(size)}")


async def test_any_key_closes_it_and_does_what_it_does_below(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StoryFeed(story.waits()))
    desk.seen.note("ana", Look(9, 0))
    async with desk.app.run_test(size=(80, 24)) as pilot:
        await until(lambda: "since you last looked" in snap.text_of(desk.app), "the briefing")
        await pilot.press("3")
        await until(lambda: desk.app.scope == "inbox" and "since you" not in snap.text_of(desk.app), "the inbox")
        await pilot.press("B")
        await until(lambda: "since you last looked" in snap.text_of(desk.app), "again, by its key")
        await pilot.press("end", "enter")
        await until(lambda: desk.app.scope == "inbox", "what waits is in the inbox")
        assert desk.app.chosen == "shortlinks-1"


async def test_nothing_is_told_to_who_was_never_here_or_missed_nothing(tmp_path: Path) -> None:
    for look in (None, Look(len(STORY), 0), Look(9999, 0)):
        desk = Desk(tmp_path / str(look and look.seq), StoryFeed(STORY))
        if look:
            desk.seen.note("ana", look)
        async with desk.app.run_test(size=(80, 24)) as pilot:
            await until(lambda desk=desk: bool(desk.app.mirror.trace("orders-etl-1").lines), "history")  # type: ignore[misc]
            await pilot.pause()
            assert "since you last looked" not in snap.text_of(desk.app)


async def test_a_look_is_kept_when_the_console_is_left(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StoryFeed(STORY))
    async with desk.app.run_test(size=(80, 24)):
        await until(lambda: desk.app.mirror.connection == "live", "attached")
        assert desk.seen.last("ana") is None
        desk.app.note_look()
    assert desk.seen.last("ana") == Look(len(STORY), STORY[-1].at)
