"""Burn: exact money by ledger, run and pass; rates that say what they were measured over; caps that warn."""

import asyncio
import csv
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.burn.people import Targets
from factory_tui.burn.series import total
from factory_tui.config.settings import UiTable
from factory_tui.console import burning, reckoning
from factory_tui.console.figures import exact
from factory_tui.console.screens.burn import BurnScreen
from factory_tui.console.widgets.burn_groups import GroupsBurn
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.money import Burn, Ledger, Tokens
from factory_tui.domain.reducer import fold
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage
from tests.console.tales import burned, spent
from tests.waiting import until

SIZES = [(80, 24), (120, 40), (200, 60)]


class SlowFeed(StoryFeed):
    """Has the journal read in pages of a hundred, the second of which waits."""

    def __init__(self, past: Sequence[Event]) -> None:
        super().__init__(past)
        self.asked = 0
        self.go_on = asyncio.Event()

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
        if after is None:
            return await super().events(run, before, limit, after, kinds=kinds)
        self.asked += 1
        found = await super().events(run, before, 100, after, kinds=kinds)
        if self.asked == 2:
            await self.go_on.wait()
        return found


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_burn(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(spent()), size) as stage:
        await stage.press("5")
        await until(lambda: stage.app.mirror.read, "the journal was read")
        await stage.press("down")
        snap.check(stage.app, f"console/burn-{size[0]}x{size[1]}")


TARGETS = Targets(Decimal(25), {"ben": Decimal(10)})


@asynccontextmanager
async def burning_on(size: tuple[int, int], ui: UiTable | None = None) -> AsyncIterator[Stage]:
    """The screen, with targets and all of the journal, on the run that goes on."""
    async with on_stage(StoryFeed(burned()), size, ui) as stage:
        stage.app.targets = TARGETS
        stage.app.choose("ledger-1")
        await stage.press("5")
        await until(lambda: stage.app.mirror.read, "the journal was read")
        await stage.settle()
        yield stage


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_three_days_of_burn(size: tuple[int, int]) -> None:
    async with burning_on(size) as stage:
        snap.check(stage.app, f"console/burn-days-{size[0]}x{size[1]}")
        if size == SIZES[0]:
            for _ in range(2):
                await stage.press("tab")
            for pane in ("passes", "forecast", "operators", "compounding"):
                snap.check(stage.app, f"console/burn-{pane}-80x24")
                await stage.press("tab")


async def test_groups_share_out_the_same_money_whatever_they_are() -> None:
    async with burning_on(SIZES[1]) as stage:
        spent = stage.app.mirror.state.burn["live"].money
        for by in ("model", "phase", "scenario"):
            await stage.press("c")
            text = snap.text_of(stage.app)
            assert f"by {by} live, 24h" in text
            await stage.press("w", "w")
            assert isinstance(stage.app.screen, BurnScreen)
            assert total(stage.app.screen.view.groups.values()).money == spent
            if by == "scenario":
                snap.check(stage.app, "console/burn-scenarios-120x40")
            await stage.press("w", "w", "w")
        await stage.press("c")
        assert " runs " in snap.text_of(stage.app)


async def test_the_window_the_unit_and_the_ledger_turn() -> None:
    async with burning_on(SIZES[1]) as stage:
        assert "$ an hour" in snap.text_of(stage.app)
        assert "day_cap $60.00/24h" in snap.text_of(stage.app)
        await stage.press("m")
        text = snap.text_of(stage.app)
        assert "tokens an hour" in text
        assert "day_cap $60.00/24h" not in text
        await stage.press("l")
        assert "REHEARSAL  1.0k tokens in 24h" in snap.text_of(stage.app)
        for window in ("7d", "all", "1h", "6h"):
            await stage.press("w")
            assert f" in {window} " in snap.text_of(stage.app)


async def test_what_is_sorted_by_says_so() -> None:
    async with burning_on(SIZES[1]) as stage:
        assert "sorted by spent" in snap.text_of(stage.app)
        assert stage.app.screen.query_one(GroupsBurn).runs()[0].id == "shortlinks-1"
        await stage.press(">", ">")
        assert stage.app.screen.query_one(GroupsBurn).runs()[0].id == "ledger-1"


async def test_a_filter_is_about_the_chart_and_the_groups() -> None:
    async with burning_on(SIZES[1]) as stage:
        await stage.press("w", "w", "c", "c", "slash", *"phase:judge", "enter")
        assert isinstance(stage.app.screen, BurnScreen)
        assert set(stage.app.screen.view.groups) == {"judge in harness"}
        text = snap.text_of(stage.app)
        assert "agent in generate" not in text
        assert f"live  {exact(stage.app.screen.view.total.money)} in all" in text
        await stage.press("escape", "slash", *"run:ledger", "enter")
        assert stage.app.screen.view.total.money == stage.app.mirror.state.runs["ledger-1"].burn.money


async def test_an_export_is_a_new_file_of_the_workspace_with_every_bucket(tmp_path: Path) -> None:
    async with burning_on(SIZES[1]) as stage:
        await stage.press("x")
        assert "this console writes no file: factory-tui burn --csv --window 24h" in snap.text_of(stage.app)
        stage.app.folder = tmp_path
        await stage.press("w", "w", "x")
        (path,) = tmp_path.iterdir()  # noqa: ASYNC240
        rows = [row for row in csv.DictReader(path.read_text().splitlines()) if row["ledger"] == "live"]
        assert sum(Decimal(row["dollars"]) for row in rows) == stage.app.mirror.state.burn["live"].money
        assert f"written: {path.name}" in snap.text_of(stage.app)
        before = path.read_text()
        await stage.press("x")
        assert "File exists" in snap.text_of(stage.app)
        assert path.read_text() == before


async def test_what_was_foretold_stands_beside_how_wrong_that_was_before() -> None:
    async with burning_on(SIZES[2]) as stage:
        text = snap.text_of(stage.app)
        account = stage.app.mirror.book.accounts["ledger-1"]
        assert reckoning.passes_left(account.outlook) in text
        assert "back-test on loop factory: off by" in text
        assert "passes fall" in text
        assert "over $10.00" in text


async def test_what_is_reserved_stands_apart_from_what_was_spent() -> None:
    past = spent()
    reserved = e.CallReserved(8, 1, "m", "agent", Decimal("0.17623125"))
    async with on_stage(StoryFeed([*past, Event(len(past) + 1, "", past[-1].at, reserved, "ledger-1")])) as stage:
        await stage.press("5")
        (line,) = [line for line in snap.text_of(stage.app).splitlines() if "ledger-1 " in line and "live" in line]
        assert "$0.416" in line.split(), "both calls in flight"


async def test_what_was_possibly_paid_twice_is_said_of_its_ledger() -> None:
    past, money = spent(), Decimal("0.17623125")
    why = "the engine ended while the call was in flight"
    lost = e.CallSettled(8, 1, Tokens(), money, money, 0.0, "possibly-paid-twice", why)
    async with on_stage(StoryFeed([*past, Event(len(past) + 1, "", past[-1].at, lost, "ledger-1")]), SIZES[0]) as stage:
        await stage.press("5")
        said = [line for line in snap.text_of(stage.app).splitlines() if "possibly paid twice" in line]
        assert ["$0.17623125 possibly paid twice" in line for line in said] == [True]


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (Tokens(200, 90, 40, 3_760), "prompt cache 94%: so much of the input was read from it"),
        (Tokens(312, 90), "prompt cache 0%: 312 tokens a request, most models keep none below 1,024"),
        (Tokens(4_000, 90), "prompt cache 0%: the endpoint kept nothing of its requests"),
    ],
)
async def test_what_came_from_the_prompt_cache_is_said_and_why_nothing_did(tokens: Tokens, said: str) -> None:
    teller = story.Teller()
    run = story.Tale(teller, "hello-1", story.ORDERS)
    run.queued("hello", "live")
    run.say(e.PassBegan(1, "9f3c1a7e55d0"))
    for step in (1, 2):
        run.say(e.CallReserved(step, 1, "m", "agent", Decimal(1)))
        run.say(e.CallSettled(step, 1, tokens, Decimal("0.5"), Decimal(1), 2.0, "answered"))
    async with on_stage(StoryFeed(teller.events), SIZES[1]) as stage:
        await stage.press("5")
        assert said in snap.text_of(stage.app)


async def test_burn_in_ascii_and_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with on_stage(StoryFeed(spent()), ui=UiTable(glyphs="ascii")) as stage:
        await stage.press("5")
        await until(lambda: stage.app.mirror.read, "the journal was read")
        await stage.settle()
        text = snap.text_of(stage.app)
        assert text.isascii()
        assert "REHEARSAL" in text
        assert "= 1 run over 80% of the cap" in text


async def test_an_empty_floor_says_what_comes_here() -> None:
    async with on_stage(StoryFeed(story.tell()[:1])) as stage:
        await stage.press("5")
        assert "Nothing was burned yet" in snap.text_of(stage.app)
        assert "n starts one" in snap.text_of(stage.app)


async def test_ledgers_are_never_added_together() -> None:
    async with on_stage(StoryFeed(spent())) as stage:
        await stage.press("5")
        burn = stage.app.mirror.state.burn
        text = snap.text_of(stage.app)
        assert exact(burn["live"].money) in text
        assert exact(burn["rehearsal"].money) in text
        assert exact(burn["live"].money + burn["rehearsal"].money) not in text


async def test_the_cursor_chooses_the_run_and_enter_opens_it() -> None:
    async with on_stage(StoryFeed(spent())) as stage:
        await stage.press("5", "home", "down")
        second = stage.app.screen.query_one(GroupsBurn).runs()[1].id
        await stage.press("enter")
        scopes = [stage.app.scope]
        assert stage.app.chosen == second
        await stage.press("escape")
        assert [*scopes, stage.app.scope] == ["run", "burn"]


async def test_a_call_that_is_paid_now_is_counted_at_once() -> None:
    past = spent()
    async with on_stage(StoryFeed(past)) as stage:
        await stage.press("5")
        await until(lambda: stage.app.mirror.read, "the journal was read")
        seq = past[-1].seq + 1
        fact = e.CallSettled(7, 1, Tokens(1, 1), Decimal("1.0000001"), Decimal("0.24"), 1.0, "answered")
        stage.feed.push(Event(seq, f"{seq:026}", past[-1].at + 1000, fact, "ledger-1"))
        await stage.told(seq)
        assert whole(stage) == spent_by_state(stage)
        assert "$9.4209941" in snap.text_of(stage.app)


def spent_by_state(stage: Stage) -> dict[Ledger, Decimal]:
    return {name: stage.app.mirror.state.burn.get(name, Burn()).money for name in burning.LEDGERS}


def whole(stage: Stage) -> dict[Ledger, Decimal]:
    """What the book says of each ledger."""
    book, now, found = stage.app.mirror.book, stage.app.clock(), dict[Ledger, Decimal]()
    for ledger in burning.LEDGERS:
        found[ledger] = book.series.view("all", now, ledger, "run", lambda _: True).total.money
    return found


async def test_what_happens_while_the_journal_is_read_is_counted_once() -> None:
    past = spent()
    feed = SlowFeed(past)
    async with on_stage(feed, SIZES[1]) as stage:
        await stage.press("5")
        await until(lambda: feed.asked >= 2, "the journal is being read")
        assert "reading the journal: " in snap.text_of(stage.app)
        fact = e.CallSettled(7, 1, Tokens(1, 1), Decimal("1.5"), Decimal("0.24"), 1.0, "answered")
        more = Event(past[-1].seq + 1, "x", past[-1].at + 1000, fact, "ledger-1")
        feed.past.append(more)
        feed.push(more)
        await stage.told(more.seq)
        feed.go_on.set()
        await until(lambda: stage.app.mirror.read, "the journal was read")
        assert whole(stage) == spent_by_state(stage)


async def test_a_new_link_reads_on_from_where_the_old_one_was_lost() -> None:
    past = spent()
    feeds = [StoryFeed(past[:-40]), StoryFeed(past)]
    first, second = feeds

    async def connect() -> StoryFeed:
        return feeds.pop(0)

    async with on_stage(second, SIZES[1], connect=connect) as stage:
        await until(lambda: stage.app.mirror.connection == "live", "attached")
        await stage.press("5")
        await until(lambda: stage.app.mirror.read, "the journal was read")
        book, seq = stage.app.mirror.book, stage.app.mirror.book.seq
        first.drop()
        await until(lambda: stage.app.mirror.read and stage.app.mirror.book.seq > seq, "the rest was read")
        assert stage.app.mirror.book is book
        assert whole(stage) == spent_by_state(stage)


async def test_an_older_journal_in_that_ones_place_is_read_anew() -> None:
    past = spent()
    feeds = [StoryFeed(past), StoryFeed(past[:-40])]
    first, second = feeds

    async def connect() -> StoryFeed:
        return feeds.pop(0)

    async with on_stage(second, SIZES[1], connect=connect) as stage:
        await until(lambda: stage.app.mirror.connection == "live", "attached")
        await stage.press("5")
        await until(lambda: stage.app.mirror.read, "the journal was read")
        before = stage.app.mirror.book
        first.drop()
        await until(lambda: stage.app.mirror.read and stage.app.mirror.book is not before, "the older one was read")
        assert whole(stage) == spent_by_state(stage)


def test_passes_and_what_lies_between_them_are_all_that_a_run_burned() -> None:
    for run in fold(spent()).runs.values():
        beside = burning.between(run)
        assert sum((one.burn.money for one in run.passes), beside.money) == run.burn.money
        assert sum(one.burn.tokens.total for one in run.passes) + beside.tokens.total == run.burn.tokens.total


@given(st.decimals(min_value=0, max_value=10**6, allow_nan=False, places=9))
def test_exact_money_loses_no_digit(dollars: Decimal) -> None:
    assert Decimal(exact(dollars).removeprefix("$").replace(",", "")) == dollars


async def test_the_price_is_shown_where_it_explains_the_money_to_the_last_digit() -> None:
    async with on_stage(StoryFeed(spent()), SIZES[1]) as stage:
        stage.app.choose("ledger-1")
        await stage.press("5", "tab", "tab", "z")
        assert "per million tokens: input $3.00, output $15.00" in snap.text_of(stage.app)
        stage.app.choose("shortlinks-1")
        await stage.settle()
        assert "per million tokens" not in snap.text_of(stage.app), "a rehearsal has no price in the table"


async def test_the_floors_caps_and_what_judges_cost_have_lines_of_their_own() -> None:
    told = spent()
    last, state = told[-1], fold(told)
    run = next(run for run in state.runs.values() if run.ledger == "live")
    cap = (state.burn["live"].money * 2).quantize(Decimal("0.01")) + 1
    judged = e.CallSettled(run.steps, 9, Tokens(4321, 5), cap, cap, 1.0, "answered", purpose="judge")
    facts: tuple[e.AnyFact, ...] = (
        e.CapSet("factory_cap", 2 * cap, 2 * cap),
        e.CapSet("day_tokens", Decimal(10), None),
        judged,
        e.VerdictReached(9, len(run.passes), "polite", "vault", 0, True, 0.8, "", judgements=4, dissent=1, panel=5),
    )
    more = [Event(last.seq + at, f"x{at}", last.at, fact, run.id) for at, fact in enumerate(facts, 1)]
    async with on_stage(StoryFeed([*told, *more]), (120, 40)) as stage:
        stage.app.choose(run.id)
        await stage.press("5")
        await stage.settle()
        text = snap.text_of(stage.app)
        share = (state.burn["live"].money + cap) / (2 * cap)
        assert f"factory_cap ${2 * cap:f} {share:.0%}" in text
        assert "day_tokens 10 tokens" in text
        await stage.press("tab", "tab", "z")
        text = snap.text_of(stage.app)
        [line] = [line for line in text.splitlines() if "  judges  " in line]
        assert "4,321" in line
        assert "50% of 2 pairs of judgements differ, 1 transcript" in text
