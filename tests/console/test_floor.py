"""The floor's table: its order, what fits, what stands in its borders."""

from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from factory_tui.config.settings import Sort
from factory_tui.console.mirror import Mirror
from factory_tui.console.ordering import after, ordered, turned
from factory_tui.console.widgets import floor_table
from factory_tui.console.widgets.floor_table import FloorTable
from factory_tui.console.widgets.strips import BurnStrip
from factory_tui.console.wording import best
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.money import Tokens
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import Run
from tests import snap
from tests.console import story
from tests.console.crowds import crowd
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage

SIZES = [(80, 24), (120, 40), (200, 60)]
TWELVE = crowd(12)
ORDERS: tuple[Sort, ...] = ("floor", "run", "state", "node", "pass", "satisfied", "burn", "cap", "age")


def sized(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def table(stage: Stage) -> FloorTable:
    return stage.app.screen.query_one(FloorTable)


def runs() -> list[Run]:
    mirror = Mirror()
    mirror.attached(fold(TWELVE), "admin")
    return mirror.runs()


def titles(stage: Stage) -> str:
    return next(line for line in snap.text_of(stage.app).splitlines() if "RUN" in line and "STATE" in line)


@pytest.mark.parametrize("size", SIZES, ids=sized)
async def test_floor_sorted_and_filtered(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(TWELVE), size) as stage:
        await stage.press("/", *"!state:shipped|stopped", "enter")
        while table(stage).order != "burn":
            await stage.press(">")
        snap.check(stage.app, f"console/floor-sorted-{sized(size)}")


async def test_keys_sort_by_each_column_on_the_screen_and_come_back_to_the_floors_own_order() -> None:
    async with on_stage(StoryFeed(TWELVE)) as stage:
        own = [run.id for run in table(stage).runs()]
        seen: list[Sort] = []
        while not seen or seen[-1] != "floor":
            await stage.press(">")
            seen.append(table(stage).order)
        assert seen == ["run", "state", "node", "pass", "satisfied", "burn", "age", "floor"]
        assert [run.id for run in table(stage).runs()] == own
        await stage.press("<")
        assert table(stage).order == "age"
        assert "AGE ↓" in titles(stage)


async def test_i_turns_the_order_round_and_the_arrow_with_it() -> None:
    async with on_stage(StoryFeed(TWELVE)) as stage:
        await stage.press("i")
        assert table(stage).order == "floor"
        await stage.press(">", ">", ">", ">", ">", ">")
        assert "BURN ↓" in titles(stage)
        most = [run.burn.money for run in table(stage).runs()]
        await stage.press("i")
        assert "BURN ↑" in titles(stage)
        assert [run.burn.money for run in table(stage).runs()] == most[::-1]


async def test_a_clicked_title_sorts_by_its_column_and_a_second_click_turns_it_round() -> None:
    async with on_stage(StoryFeed(TWELVE), (120, 40)) as stage:
        await stage.pilot.click(FloorTable, offset=(titles(stage).index("BURN") + 1, 1))
        await stage.settle()
        assert table(stage).order == "burn"
        await stage.pilot.click(FloorTable, offset=(titles(stage).index("BURN") + 1, 1))
        assert table(stage).order == "-burn"


async def test_the_cursor_stays_on_its_run_whatever_the_order() -> None:
    async with on_stage(StoryFeed(TWELVE)) as stage:
        await stage.press("down", "down", "down")
        chosen = stage.app.chosen
        await stage.press(">", "i")
        assert stage.app.chosen == chosen
        line = next(line for line in snap.text_of(stage.app).splitlines() if "▸" in line)
        assert chosen in line


async def test_a_frame_reckons_anew_what_changed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    reckoned: list[str] = []

    def noted(run: Run) -> str:
        reckoned.append(run.id)
        return best(run)

    async with on_stage(StoryFeed(TWELVE)) as stage:
        monkeypatch.setattr(floor_table, "best", noted)
        monkeypatch.setattr(FloorTable, "_best", lambda *_: [("", "text")])
        stage.feed.push(Event(TWELVE[-1].seq + 1, "x", TWELVE[-1].at, e.ToolCalled(1, "c", "bash", "ls"), "checkout-1"))
        await stage.told(TWELVE[-1].seq + 1)
        assert reckoned == ["checkout-1"]


async def test_a_lamp_more_than_there_is_room_for_costs_no_row_and_is_counted() -> None:
    teller = story.Teller()
    for index in range(120):
        tale = story.Tale(teller, f"near-{index}", story.ORDERS)
        tale.queued("near", "live")
        tale.say(e.PassBegan(1, "9f3c1a7e55d0"), e.CallReserved(1, 1, "m", "agent", Decimal("9.2")))
    async with on_stage(StoryFeed(teller.events), (200, 60)) as stage:
        line = snap.text_of(stage.app).splitlines()[1]
        assert line.count("of its cap") + int(line.split("+")[1].split()[0]) == 120


def rising(found: Sequence[Run], of: Callable[[Run], object]) -> bool:
    values = [value for run in found if (value := of(run)) is not None]
    return values == sorted(values)  # type: ignore[type-var]


def test_what_a_run_lacks_puts_it_last_either_way() -> None:
    for order in ("satisfied", "-satisfied"):
        shares = [run.measured for run in ordered(runs(), order)]
        assert None in shares
        first = shares.index(None)
        assert not any(shares[first:])
    assert rising(ordered(runs(), "run"), lambda run: run.id)
    assert rising(ordered(runs(), "-burn"), lambda run: run.burn.money)


def test_what_is_reserved_counts_as_used_of_the_cap() -> None:
    first, second = runs()[:2]
    spent, reserved = Decimal(2), Decimal(3)
    one = replace(first, cap=Decimal(10), burn=replace(first.burn, money=spent, reserved=Decimal(0)))
    other = replace(second, cap=Decimal(10), burn=replace(second.burn, money=spent / 2, reserved=reserved))
    assert ordered([one, other], "cap") == [other, one]


@given(st.sampled_from(ORDERS), st.permutations(runs()))
def test_an_order_loses_no_run_and_turned_twice_is_itself(order: Sort, some: list[Run]) -> None:
    assert turned(turned(order)) == order
    assert {run.id for run in ordered(some, order)} == {run.id for run in some}
    assert ordered(ordered(some, order), order) == ordered(some, order)


@given(st.lists(st.sampled_from(ORDERS[1:]), unique=True), st.sampled_from(ORDERS))
def test_going_through_the_columns_comes_round(columns: list[str], order: Sort) -> None:
    for by in (1, -1):
        at = order
        for _ in range(len(columns) + 2):
            at = after(at, columns, by)
        assert at in ("floor", *columns)


async def test_crumbs_say_the_way_and_a_click_on_one_leads_back() -> None:
    async with on_stage(StoryFeed(story.waits()), (120, 40)) as stage:
        await stage.press("/", *"ledger", "enter", "3")
        first = snap.text_of(stage.app).splitlines()[0]
        assert "floor /ledger › inbox › E-1 " in first
        await stage.press("enter")
        first = snap.text_of(stage.app).splitlines()[0]
        assert "floor /ledger › inbox › E-1 › ledger-1" in first
        await stage.pilot.click(offset=(first.index("inbox") + 1, 0))
        await stage.settle()
        assert len(stage.app.screen_stack) == 2
        await stage.pilot.click(offset=(first.index("floor") + 1, 0))
        await stage.settle()
        assert len(stage.app.screen_stack) == 1
        await stage.pilot.resize_terminal(80, 24)
        await stage.settle()
        first = snap.text_of(stage.app).splitlines()[0]
        assert "in inbox" in first
        assert "›" not in first


@pytest.mark.parametrize("size", SIZES[1:], ids=sized)
async def test_strips_tell_of_inbox_and_burn_where_there_is_room(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(story.waits()), size) as stage:
        snap.check(stage.app, f"console/floor-strips-{sized(size)}")
        await stage.pilot.click(BurnStrip, offset=(4, 1))
        await stage.settle()
        assert stage.app.scope == "burn"


@pytest.mark.parametrize(("runs", "there"), [(8, True), (32, False)])
async def test_strips_leave_when_the_table_needs_their_room(runs: int, there: bool) -> None:
    async with on_stage(StoryFeed(crowd(runs)), (120, 40)) as stage:
        assert ("─ inbox ─" in snap.text_of(stage.app)) is there
        await stage.press("f2")
        assert sum("1/10" in line for line in snap.text_of(stage.app).splitlines()) == runs


@pytest.mark.parametrize("number", [0, 1, 32, 200])
@pytest.mark.parametrize("size", SIZES, ids=sized)
async def test_every_line_fits_however_many_runs_there_are(number: int, size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(crowd(number)), size) as stage:
        lines = snap.text_of(stage.app).splitlines()
        assert len(lines) == size[1]
        if number:
            await stage.press("G")
            assert table(stage).runs()[-1].id in snap.text_of(stage.app)
            assert "AGE" in titles(stage)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
async def test_the_burn_line_names_the_cap_that_is_nearest(size: tuple[int, int]) -> None:
    teller = story.Teller()
    teller.say("", e.EngineStarted("1", 1, "w", "docker", True))
    teller.say("", e.CapSet("factory_cap", Decimal(100), None), e.CapSet("day_cap", Decimal(20), None))
    tale = story.Tale(teller, "links-1", story.ORDERS)
    tale.queued("links", "live")
    tale.say(e.CallSettled(1, 1, Tokens(), Decimal(5), Decimal(5), 1.0, "answered"))
    async with on_stage(StoryFeed(teller.events), size) as stage:
        assert "day_cap 25% of $20" in snap.text_of(stage.app)
