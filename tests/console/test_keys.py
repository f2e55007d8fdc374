"""Keys become commands; the table holds together."""

from pathlib import Path

import pytest

from docs.make import keys
from factory_tui.config.settings import UiTable
from factory_tui.console.actions import TABLE
from factory_tui.console.app import ConsoleApp
from factory_tui.console.deeds import DEEDS
from factory_tui.console.offering import NEVER, in_scope, keymap
from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage
from tests.waiting import until

MIDDLE = story.until(e.VerdictReached, "shortlinks-1", 45)


def frozen() -> list[Event]:
    last = MIDDLE[-1]
    return [*MIDDLE, Event(last.seq + 1, "x", last.at, e.FloorFrozen(), actor="ana")]


async def sent(stage: Stage) -> list[c.Command]:
    await until(lambda: bool(stage.feed.commands), "a command is sent")
    return stage.feed.commands


async def test_p_pauses_and_resumes() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("down", "p")
        assert await sent(stage) == [c.Pause("shortlinks-1")]
        await stage.settle()
        assert "accepted: pause shortlinks-1" in snap.text_of(stage.app)
    paused = [*MIDDLE, Event(len(MIDDLE) + 1, "x", MIDDLE[-1].at, e.RunMoved("paused"), "orders-etl-1")]
    async with on_stage(StoryFeed(paused)) as stage:
        stage.app.choose("orders-etl-1")
        await stage.settle()
        assert "p resume" in snap.text_of(stage.app)
        await stage.press("p")
        assert await sent(stage) == [c.Resume("orders-etl-1")]


async def test_stopping_wants_the_name_typed() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("X")
        snap.check(stage.app, "console/confirm-stop")
        await stage.press("enter")
        assert stage.feed.commands == []
        await stage.press(*"orders-etl-2", "enter")
        assert stage.feed.commands == []
        assert "That is not its name: orders-etl-1" in snap.text_of(stage.app)
        await stage.press("backspace", "1", "enter")
        assert await sent(stage) == [c.Stop("orders-etl-1")]


async def test_tab_ends_a_name_that_was_begun_right_and_no_other() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("X", "tab", "shift+tab", *"sh", "tab", "shift+tab", "enter")
        assert stage.feed.commands == []
        await stage.press("backspace", "backspace", "o", "tab", "enter")
        assert await sent(stage) == [c.Stop("orders-etl-1")]


async def test_a_name_that_comes_in_one_burst_loses_no_letter() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("X")
        stage.burst(*"orders-etl-1", "enter")
        assert await sent(stage) == [c.Stop("orders-etl-1")]


async def test_emergency_stop_is_sent_at_once_and_thaw_asks() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("!")
        assert await sent(stage) == [c.EmergencyStop()]
    async with on_stage(StoryFeed(frozen())) as stage:
        assert "FROZEN" in snap.text_of(stage.app)
        await stage.press("!")
        assert stage.feed.commands == []
        await stage.press("right", "enter")
        assert await sent(stage) == [c.Thaw()]


async def test_emergency_stop_works_over_the_help() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("?", "!")
        assert await sent(stage) == [c.EmergencyStop()]


async def test_an_operator_may_not_thaw() -> None:
    async with on_stage(StoryFeed(frozen(), role="operator")) as stage:
        await stage.press("!")
        assert "thawing needs the role admin" in snap.text_of(stage.app)


async def test_the_first_run_spends_no_money_unasked() -> None:
    async with on_stage(StoryFeed()) as stage:
        await stage.press("n", *"first", "enter")
        assert await sent(stage) == [c.StartRun("first", ledger="rehearsal")]


async def test_n_starts_a_run_of_the_chosen_seed() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("n")
        snap.check(stage.app, "console/new-run")
        await stage.press("down", "enter")
        assert await sent(stage) == [c.StartRun("shortlinks", ledger="rehearsal")]
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("n", *"another", "enter")
        assert await sent(stage) == [c.StartRun("another", ledger="rehearsal")]


async def test_a_refusal_is_shown_with_its_reason() -> None:
    async with on_stage(StoryFeed(MIDDLE, refuse="the run is not running")) as stage:
        await stage.press("p")
        await until(lambda: stage.app.flash is not None, "the refusal")
        await stage.settle()
        assert "refused: the run is not running" in snap.text_of(stage.app)


async def test_a_long_refusal_is_shown_with_its_remedy_above_the_keys() -> None:
    why = "the run is not running, and what was asked of it needs one that is. " * 2 + "Remedy: start another"
    async with on_stage(StoryFeed(MIDDLE, refuse=why)) as stage:
        await stage.press("p")
        await until(lambda: stage.app.flash is not None, "the refusal")
        await stage.settle()
        lines = snap.text_of(stage.app).splitlines()
        assert "Remedy: start another" in " ".join(line.strip() for line in lines[-4:-1])
        assert "q detach" in lines[-1]


async def test_a_viewer_is_offered_nothing_that_changes_a_run() -> None:
    async with on_stage(StoryFeed(MIDDLE, role="viewer")) as stage:
        assert "read only" in snap.text_of(stage.app)
        bar = snap.text_of(stage.app).splitlines()[-1]
        assert "pause" not in bar
        assert "freeze" not in bar
        await stage.press("p", "X", "n", "!")
        assert stage.feed.commands == []
        assert len(stage.app.screen_stack) == 1


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_detaching_leaves_the_runs_alone(key: str) -> None:
    feed = StoryFeed(MIDDLE)
    async with on_stage(feed) as stage:
        await stage.pilot.press(key)
        await stage.pilot.pause()
    assert feed.commands == []
    assert feed.closed


async def test_ctrl_c_says_how_to_leave() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("ctrl+c")
        assert "q detaches" in snap.text_of(stage.app)


async def test_the_palette_does_what_the_key_does() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press(":", *"Pause")
        await until(lambda: "Pause or resume orders-etl-1" in snap.text_of(stage.app), "the palette finds it")
        await stage.press("enter")
        await stage.press("enter")
        assert await sent(stage) == [c.Pause("orders-etl-1")]


async def test_help_lists_every_key_of_the_screen() -> None:
    async with on_stage(StoryFeed(MIDDLE), (80, 110)) as stage:
        await stage.press("?")
        text = " ".join(" ".join(line[3:77] for line in snap.text_of(stage.app).splitlines()).split())
        for action in (*in_scope("floor"), *in_scope("everywhere")):
            if action.keys:
                assert action.text in text


async def test_a_moved_key_works_and_shows() -> None:
    ui = UiTable(keymap={"run.pause": "f9"})
    async with on_stage(StoryFeed(MIDDLE), ui=ui) as stage:
        assert "f9 pause" in snap.text_of(stage.app)
        await stage.press("p")
        assert stage.feed.commands == []
        await stage.press("f9")
        assert await sent(stage) == [c.Pause("orders-etl-1")]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"run.jump": "j"}, "no action is called 'run.jump'"),
        ({"run.pause": "q"}, "q is both"),
        ({"run.pause": "ctrl+z"}, "ctrl+z belongs to the terminal"),
    ],
)
def test_a_keymap_that_cannot_be_is_refused_with_a_remedy(overrides: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match="Remedy") as caught:
        ConsoleApp(StoryFeed().connect, UiTable(keymap=overrides))
    assert words in str(caught.value)


def test_no_scope_has_a_key_twice_and_none_takes_a_key_of_the_terminal() -> None:
    keymap({})
    assert not NEVER & {key for action in TABLE for key in action.keys}


def test_every_action_does_something_and_nothing_else_does() -> None:
    assert set(DEEDS) == {action.id for action in TABLE}


def test_what_ends_a_run_is_upper_case_and_asks() -> None:
    for action in TABLE:
        if action.tier == 2:
            assert all(key.isupper() for key in action.keys), action.id


def test_the_page_of_keys_is_the_table() -> None:
    written = Path(__file__).parents[2] / "docs" / "keys.md"
    assert written.read_text(encoding="utf-8") == keys(), "run docs/make.py"
