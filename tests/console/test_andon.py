"""The andon strip: what calls from the floor, most urgent first, and where a click on it leads."""

from decimal import Decimal

import pytest

from factory_tui.console.andon import calls
from factory_tui.console.quiet import Quiet
from factory_tui.console.widgets.andon import Andon
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.reducer import fold
from tests import snap
from tests.console import story, tales
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage

SIZES = [(80, 24), (120, 40), (200, 60)]


def troubled(*more: e.AnyFact) -> list[Event]:
    """A question, a sign-off, two held runs, a bad edit and a run near its cap, and what else is told of the floor."""
    teller = story.Teller()
    teller.events = story.waits()
    teller.at = teller.events[-1].at
    near = story.Tale(teller, "ledger-2", story.ORDERS)
    near.queued("ledger", "live")
    near.say(e.PassBegan(1, "9f3c1a7e55d0"))
    for step in range(5):
        near.say(*tales.call(step))
    near.say(e.CallReserved(9, 1, "m", "agent", near_cap()))
    teller.say("", e.EditRefused("seeds/orders-etl.md", tales.BAD), *more, actor="ana")
    return teller.events


def near_cap() -> Decimal:
    """What is left of a cap of ten dollars up to 92 % of it."""
    spent = sum((fact.money for fact in tales.call(1) if isinstance(fact, e.CallSettled)), Decimal(0))
    return Decimal("9.2") - 5 * spent


def idle(slots: int, *states: e.RunState) -> list[Event]:
    """A floor of so many slots with runs in these states."""
    teller = story.Teller()
    teller.say("", e.EngineStarted("0.1.0", 4242, "demo", "docker", True, seeds=("orders-etl",), slots=slots))
    for number, state in enumerate(states, 1):
        tale = story.Tale(teller, f"orders-etl-{number}", story.ORDERS)
        tale.queued("orders-etl")
        if state != "running":
            tale.say(e.RunMoved(state))
    return teller.events


def heads(events: list[Event], slow: dict[str, Quiet] | None = None) -> list[str]:
    return [call.head for call in calls(fold(events), events[-1].at + 60_000, slow or {})]


def strip(stage: Stage) -> str:
    return snap.text_of(stage.app).splitlines()[1]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_several_calls(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(troubled()), size) as stage:
        snap.check(stage.app, f"console/floor-andon-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_starved_floor(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(idle(4, "running", "shipped")), size) as stage:
        snap.check(stage.app, f"console/floor-starved-{size[0]}x{size[1]}")


def test_the_most_urgent_comes_first() -> None:
    said = heads(troubled(e.FloorFrozen()), {"hello-1": Quiet(75, model=True, idle=False)})
    words = [
        "frozen by ana",
        "jam E-1 ledger-1",
        "budget holds",
        "provider holds",
        "bad edit seeds",
        "ledger-2 92% of its",
    ]
    assert [line.startswith(word) for line, word in zip(said, [*words, "slow hello-1 1m"], strict=True)] == [True] * 7


def test_a_cap_of_the_floor_calls_from_four_fifths_on() -> None:
    spent = sum(run.burn.money for run in fold(troubled()).runs.values() if not run.rehearsal)
    for share, calls_it in (("0.79", False), ("0.81", True)):
        cap = e.CapSet("factory_cap", spent / Decimal(share), None)
        assert any(head.startswith("factory_cap 8") for head in heads(troubled(cap))) is calls_it


@pytest.mark.parametrize(
    ("slots", "states", "said"),
    [
        (4, ("running", "shipped"), "starved: 3 of 4 slots free"),
        (2, ("jammed", "stopped"), "starved: 2 of 2 slots free"),
        (4, ("running", "queued"), ""),
        (1, ("running",), ""),
        (4, (), ""),
        (0, ("shipped",), ""),
    ],
)
def test_slots_that_are_free_while_nothing_is_queued_starve_a_floor_that_has_worked(
    slots: int, states: tuple[e.RunState, ...], said: str
) -> None:
    found = [head for head in heads(idle(slots, *states)) if head.startswith("starved")]
    assert found == ([said] if said else [])


def test_a_frozen_floor_and_one_whose_engine_stopped_are_not_called_starved() -> None:
    for end in (e.FloorFrozen(), e.EngineStopped("asked to")):
        events = idle(4, "shipped")
        events.append(Event(len(events) + 1, "x", events[-1].at, end))
        assert not any(head.startswith("starved") for head in heads(events))


def test_what_is_snoozed_calls_nobody() -> None:
    events = troubled()
    until, before = events[-1].at + 3_600_000, len(events)
    for name, run in (("E-1", "ledger-1"), ("orders-etl-1", "orders-etl-1")):
        events.append(Event(len(events) + 1, f"s{run}", events[-1].at, e.Snoozed(name, until), run, "ana"))
    assert any(head.startswith("jam E-1") for head in heads(events[:before]))
    said = heads(events)
    assert not any(word in head for word in ("E-1", "orders-etl-1") for head in said if "bad edit" not in head)
    assert any(head.startswith("sign-off E-2") for head in said)


async def test_a_calm_floor_gives_the_row_to_the_table() -> None:
    async with on_stage(StoryFeed(idle(2, "running", "running"))) as stage:
        assert "╭─ floor" in strip(stage)
        assert stage.app.screen.query_one(Andon).size.height == 0


async def test_a_click_opens_what_a_lamp_names() -> None:
    async with on_stage(StoryFeed(troubled()), (200, 60)) as stage:
        for lamp, scope in (
            ("budget holds", "run"),
            ("jam E-1", "inbox"),
            ("bad edit", "workshop"),
            ("92% of", "burn"),
        ):
            await stage.pilot.click(Andon, offset=(strip(stage).index(lamp) + 2, 0))
            await stage.settle()
            assert stage.app.scope == scope
            assert lamp != "budget holds" or stage.app.chosen == "orders-etl-1"
            await stage.press("escape")


async def test_without_colour_every_lamp_is_told_by_glyph_and_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with on_stage(StoryFeed(troubled()), (200, 60)) as stage:
        for lamp in ("▲ jam E-1", "✗ bad edit", "‖ budget holds", "‖ ledger-2 92% of its cap"):
            assert lamp in strip(stage)
        assert stage.app.style_of("asks").reverse
