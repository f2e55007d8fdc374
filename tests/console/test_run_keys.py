"""The keys by which a human steps in: each asks what it needs, says what is wrong in it, and sends one command."""

import sys
from decimal import Decimal
from pathlib import Path

import pytest
from textual.widgets import TextArea

from factory_tui.arguments import parser
from factory_tui.console.screens import questions
from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.events import AnyFact, Event
from factory_tui.domain.money import CapName
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage
from tests.waiting import until

MIDDLE = story.until(e.VerdictReached, "shortlinks-1", 45)
DIFF = """--- seed.md
+++ seed.md
@@ -1,3 +1,3 @@
 Sum the orders.
-Round half up.
+Round half to even, and say so.
"""


def edited() -> list[Event]:
    """Somebody edited the seed while its run works."""
    last = MIDDLE[-1]
    fact = e.SeedRevised("orders-etl", "77777777aaaa", "+++\n+++\nSum.", DIFF, by_hand=True)
    return [*MIDDLE, Event(last.seq + 1, "x", last.at, fact, actor="ana")]


async def sent(stage: Stage) -> list[c.Command]:
    await until(lambda: bool(stage.feed.commands), "a command is sent")
    return stage.feed.commands


@pytest.mark.parametrize("keys", [(), ("2",)], ids=["floor", "run"])
async def test_s_steers(keys: tuple[str, ...]) -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press(*keys, "s")
        snap.check(stage.app, f"console/steer-{stage.app.scope}")
        await stage.press("enter")
        assert "Nothing is said yet." in snap.text_of(stage.app)
        await stage.press("u")
        assert "Nothing is said yet." not in snap.text_of(stage.app)
        await stage.press(*"se utf-8", "ctrl+j", *"q!3", "enter")
        assert await sent(stage) == [c.Steer("orders-etl-1", "use utf-8\nq!3")]
        assert stage.app.scope == ("run" if keys else "floor")


async def test_words_that_are_refused_stand_in_the_dialog_when_it_opens_again() -> None:
    async with on_stage(StoryFeed(MIDDLE, refuse="the run is resting")) as stage:
        await stage.press("s", *"use utf", "enter")
        await until(lambda: stage.app.flash is not None, "the refusal")
        stage.feed.refuse = ""
        await stage.press("e")
        assert "use utf" not in snap.text_of(stage.app)
        await stage.press("escape", "s", *"-8", "enter")
        await until(lambda: stage.feed.commands[-1:] == [c.Steer("orders-etl-1", "use utf-8")], "the words are sent")
        await stage.settle()
        await stage.press("s")
        assert stage.app.screen.query_one(TextArea).text == ""


async def test_what_is_not_read_yet_is_shown_when_steering_again() -> None:
    last = MIDDLE[-1]
    said = Event(
        last.seq + 1, "x", last.at, e.CommandTaken("k", c.Steer("orders-etl-1", "mind the BOM")), "orders-etl-1"
    )
    async with on_stage(StoryFeed([*MIDDLE, said])) as stage:
        stage.app.choose("orders-etl-1")
        await stage.press("s")
        assert "mind the BOM" in snap.text_of(stage.app)


async def test_escape_sends_nothing() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        for key in "serRb":
            await stage.press(key, "escape")
            assert len(stage.app.screen_stack) == 1
        assert stage.feed.commands == []


async def test_e_escalates_with_or_without_words() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("e")
        assert "asks ana" in snap.text_of(stage.app)
        await stage.press("enter")
        assert await sent(stage) == [c.Escalate("orders-etl-1", "")]
        stage.feed.commands.clear()
        await stage.press("e", *"half up?", "enter")
        assert await sent(stage) == [c.Escalate("orders-etl-1", "half up?")]


async def test_r_shows_what_changed_then_asks_when() -> None:
    async with on_stage(StoryFeed(edited())) as stage:
        await stage.press("r")
        snap.check(stage.app, "console/reseed")
        await stage.press("enter")
        assert "Choose one" in snap.text_of(stage.app)
        await stage.press("1", "enter")
        assert await sent(stage) == [c.Reseed("orders-etl-1")]


async def test_r_from_the_beginning_asks_once_more() -> None:
    async with on_stage(StoryFeed(edited())) as stage:
        await stage.press("r", "2", "enter", "enter")
        assert stage.feed.commands == [], "cancel has the focus"
        await stage.press("r", "2", "enter", "right", "enter")
        assert await sent(stage) == [c.Reseed("orders-etl-1", restart=True)]


async def test_r_without_a_new_revision_offers_the_beginning_only() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("r")
        text = snap.text_of(stage.app)
        assert "from the beginning" in text
        assert "next pass" not in text


async def test_restart_is_from_a_pass_with_its_satisfaction() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("R")
        snap.check(stage.app, "console/restart")
        await stage.press("1", "enter")
        assert "Restart orders-etl-1 from pass 1?" in snap.text_of(stage.app)
        await stage.press("right", "enter")
        assert await sent(stage) == [c.Restart("orders-etl-1", 1)]
        stage.feed.commands.clear()
        await stage.press("R", "3", "enter", "right", "enter")
        assert await sent(stage) == [c.Restart("orders-etl-1", 0)]


def with_fork(*facts: AnyFact) -> list[Event]:
    """A run was forked from the first pass of orders-etl-1, and came to that."""
    last = MIDDLE[-1]
    queued = next(event.fact for event in MIDDLE if event.run == "orders-etl-1" and isinstance(event.fact, e.RunQueued))
    told = (queued, e.RunForked("orders-etl-1", 1, "c0ffee"), *facts)
    return [
        *MIDDLE,
        *(Event(last.seq + n, f"x{n}", last.at + n, fact, "orders-etl-2") for n, fact in enumerate(told, 1)),
    ]


@pytest.mark.parametrize("keys", [(), ("2",)], ids=["floor", "run"])
async def test_f_forks_from_the_last_pass_that_is_over_or_another_with_what_is_to_be_other(
    keys: tuple[str, ...],
) -> None:
    async with on_stage(StoryFeed(edited())) as stage:
        await stage.press(*keys, "F")
        snap.check(stage.app, f"console/fork-{stage.app.scope}")
        await stage.press("enter")
        assert await sent(stage) == [c.Fork("orders-etl-1", 1)]
        stage.feed.commands.clear()
        await stage.press("F", "2", *"model opus, seed orders-etl", "enter")
        assert await sent(stage) == [c.Fork("orders-etl-1", 2, "orders-etl", "opus")]


@pytest.mark.parametrize(
    ("typed", "said"),
    [("opus", "model NAME, or: seed NAME"), ("model a model b", "model NAME, or"), ("seed x", "There is no seed x;")],
)
async def test_what_a_fork_cannot_change_is_told_in_the_dialog(typed: str, said: str) -> None:
    async with on_stage(StoryFeed(edited())) as stage:
        await stage.press("F", *typed, "enter")
        assert said in snap.text_of(stage.app)
        assert stage.feed.commands == []


async def test_one_that_has_ended_can_be_forked_and_one_without_an_output_not_yet() -> None:
    async with on_stage(StoryFeed(story.tell())) as stage:
        await stage.press("F")
        assert f"Fork {stage.app.chosen}" in snap.text_of(stage.app)
    async with on_stage(StoryFeed(with_fork())) as stage:
        stage.app.choose("orders-etl-2")
        await stage.press("F")
        assert "fork: no pass has an output yet" in snap.text_of(stage.app)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_a_fork_stands_below_the_run_that_it_is_from(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(with_fork(e.RunMoved("shipped"))), size) as stage:
        stage.app.choose("orders-etl-2")
        await stage.settle()
        snap.check(stage.app, f"console/forked-{size[0]}")
        drawn = snap.text_of(stage.app).splitlines()
        at = next(row for row, line in enumerate(drawn) if "orders-etl-1" in line)
        assert "└ orders-etl-2" in drawn[at + 1], "though it is over, and the first goes on"
        await stage.press("2")
        assert "loop factory  fork of pass 1 of orders-etl-1" in snap.text_of(stage.app)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("ten", "'ten' is no amount of money"),
        ("8", "name more than that"),
        ("", "How much?"),
        ("NaN", "no amount"),
        ("1e999999", "name at most $1000000000"),
        ("12.1234567", "that is no cap"),
    ],
)
async def test_a_cap_that_cannot_be_is_refused_in_the_dialog(typed: str, said: str) -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("b", *typed, "enter")
        text = snap.text_of(stage.app)
        assert said in text
        assert "spent $0.052 of $10.00" in text
        assert stage.feed.commands == []


async def test_b_raises_the_cap_and_more_than_twofold_wants_the_name() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("b", *"$12.50", "enter")
        assert await sent(stage) == [c.RaiseCap("orders-etl-1", Decimal("12.50"))]
        stage.feed.commands.clear()
        await stage.press("b", *"21", "enter", "enter", "escape")
        assert stage.feed.commands == []
        await stage.press("b", *"21", "enter", *"orders-etl-1", "enter")
        assert await sent(stage) == [c.RaiseCap("orders-etl-1", Decimal(21))]


async def test_upper_p_pauses_now() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("P")
        assert await sent(stage) == [c.Pause("orders-etl-1", now=True)]


def after(*given: c.Command) -> list[Event]:
    """These commands were given about orders-etl-1."""
    last = MIDDLE[-1]
    return [
        *MIDDLE,
        *(
            Event(last.seq + n, f"x{n}", last.at, e.CommandTaken(f"k{n}", command), "orders-etl-1", "ana")
            for n, command in enumerate(given, 1)
        ),
    ]


@pytest.mark.parametrize("keys", [(), ("2",)], ids=["floor", "run"])
async def test_upper_u_takes_back_what_was_asked_last_and_says_what_it_was(keys: tuple[str, ...]) -> None:
    events = after(c.Pause("orders-etl-1"))
    async with on_stage(StoryFeed(events)) as stage:
        stage.app.choose("orders-etl-1")
        await stage.press(*keys, "U")
        assert await sent(stage) == [c.Undo("orders-etl-1")]
        undone = e.CommandUndone("k1", c.Pause("orders-etl-1"))
        stage.feed.push(Event(events[-1].seq + 1, "u", events[-1].at, undone, "orders-etl-1", "ana"))
        await stage.told(events[-1].seq + 1)
        await until(lambda: stage.app.flash is not None, "it says")
        await stage.settle()
        assert "ana took back: pause orders-etl-1" in snap.text_of(stage.app)
        stage.feed.commands.clear()
        await stage.press("U")
        assert "nothing to undo here" in snap.text_of(stage.app)
        assert stage.feed.commands == []


async def test_what_can_be_taken_back_says_by_which_key() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("p")
        await until(lambda: "accepted: pause orders-etl-1; U takes it back" in snap.text_of(stage.app), "it says")
        await stage.press("F", "enter")
        await until(lambda: "accepted: fork" in snap.text_of(stage.app), "it says")
        assert "takes it back" not in snap.text_of(stage.app)


async def test_a_run_that_has_ended_is_asked_nothing() -> None:
    async with on_stage(StoryFeed(story.tell())) as stage:
        for key in "serRbPa":
            await stage.press(key)
            assert len(stage.app.screen_stack) == 1, key
        assert stage.feed.commands == []
        assert "steer" not in snap.text_of(stage.app).splitlines()[-1]


async def test_a_viewer_opens_none_of_the_dialogs() -> None:
    async with on_stage(StoryFeed(MIDDLE, role="viewer")) as stage:
        await stage.press(*"serRbPa")
        assert len(stage.app.screen_stack) == 1
        assert stage.feed.commands == []


async def test_a_run_that_asks_is_answered_where_it_shows() -> None:
    last = MIDDLE[-1]
    asks: tuple[AnyFact, ...] = (
        e.EscalationRaised("E-1", "jam", "stalled", "ana", "Half up?", ("go on", "stop")),
        e.RunMoved("jammed", None, "Half up?"),
    )
    events = [Event(last.seq + n, f"x{n}", last.at, fact, "orders-etl-1") for n, fact in enumerate(asks, 1)]
    async with on_stage(StoryFeed([*MIDDLE, *events]), (120, 40)) as stage:
        stage.app.choose("orders-etl-1")
        await stage.press("2")
        assert "a answer" in snap.text_of(stage.app).splitlines()[-1]
        await stage.press("a", "2", "enter")
        assert await sent(stage) == [c.Answer("E-1", "stop", "")]


async def test_t_opens_a_shell_where_the_operator_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(questions, "lend", lambda _app, words, _what, stays: started.append(words))
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        stage.app.folder = tmp_path
        await stage.press("t")
        snap.check(stage.app, "console/shell")
        await stage.press("enter")
        await stage.press("t", "3", "enter")
    shell = [sys.executable, "-m", "factory_tui", "shell", "orders-etl-1", "--workspace", str(tmp_path)]
    assert started == [shell, [*shell, "--pass", "1"]]
    for words in started:
        assert parser().parse_args(words[3:]).command == "look"


async def test_a_console_behind_the_door_opens_no_shell() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        assert not stage.app.offers("run.shell")
        await stage.press("t")
        assert "engine's own machine only" in snap.text_of(stage.app)
        assert len(stage.app.screen_stack) == 1


@pytest.mark.parametrize(
    ("name", "typed", "command"),
    [
        ("pass_tokens", "900", c.RaiseCap("orders-etl-1", Decimal(900), "pass_tokens")),
        ("day_cap", "9.50", c.SetCap("day_cap", Decimal("9.50"))),
    ],
)
async def test_b_raises_the_cap_that_holds_the_run(name: CapName, typed: str, command: c.Command) -> None:
    last = MIDDLE[-1]
    facts: tuple[AnyFact, ...] = (
        e.CapSet("day_cap", Decimal(5), Decimal(5)),
        e.CommandTaken("x", c.RaiseCap("orders-etl-1", Decimal(500), "pass_tokens")),
        e.RunMoved("held", "budget", "no room", None, name),
    )
    caps = [Event(last.seq + at, f"x{at}", last.at, fact, "orders-etl-1") for at, fact in enumerate(facts, 1)]
    async with on_stage(StoryFeed([*MIDDLE, *caps])) as stage:
        stage.app.choose("orders-etl-1")
        await stage.press("b")
        assert f"({name})" in snap.text_of(stage.app)
        await stage.press(*typed, "enter")
        assert await sent(stage) == [command]
