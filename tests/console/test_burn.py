"""Burn: exact money by ledger, run and pass; rates that say what they were measured over; caps that warn."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.config.settings import UiTable
from factory_tui.console import burning
from factory_tui.console.burning import HOUR
from factory_tui.console.figures import exact
from factory_tui.console.past import SETTLED, Past
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.money import Tokens
from factory_tui.domain.reducer import fold
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import on_stage
from tests.console.tales import spent
from tests.waiting import until

SIZES = [(80, 24), (120, 40), (200, 60)]


def paid(past: Past) -> Decimal:
    return sum((money for minute in past.paid.values() for money in minute.values()), Decimal(0))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_burn(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(spent()), size) as stage:
        await stage.press("5")
        await until(lambda: stage.app.mirror.past.whole_from == 0, "the last hour was read")
        await stage.press("down")
        snap.check(stage.app, f"console/burn-{size[0]}x{size[1]}")


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
    async with on_stage(StoryFeed(teller.events), SIZES[0]) as stage:
        await stage.press("5")
        assert said in snap.text_of(stage.app)


async def test_burn_in_ascii_and_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with on_stage(StoryFeed(spent()), ui=UiTable(glyphs="ascii")) as stage:
        await stage.press("5")
        await until(lambda: stage.app.mirror.past.whole_from == 0, "the last hour was read")
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
        await stage.press("5", "home", "down", "enter")
        scopes = [stage.app.scope]
        assert stage.app.chosen == stage.app.mirror.runs()[1].id
        await stage.press("escape")
        assert [*scopes, stage.app.scope] == ["run", "burn"]


async def test_a_call_that_is_paid_now_is_counted_at_once() -> None:
    past = spent()
    async with on_stage(StoryFeed(past)) as stage:
        await stage.press("5")
        await until(lambda: stage.app.mirror.past.whole_from == 0, "the last hour was read")
        known = paid(stage.app.mirror.past)
        seq = past[-1].seq + 1
        fact = e.CallSettled(7, 1, Tokens(1, 1), Decimal("1.0000001"), Decimal("0.24"), 1.0, "answered")
        stage.feed.push(Event(seq, f"{seq:026}", past[-1].at + 1000, fact, "ledger-1"))
        await stage.told(seq)
        assert paid(stage.app.mirror.past) == known + Decimal("1.0000001")
        assert "$9.4209941" in snap.text_of(stage.app)


def test_a_page_and_the_link_may_bring_the_same_call() -> None:
    events = [event for event in spent() if isinstance(event.fact, e.CallSettled)]
    past = Past(events[-1].at)
    past.older(SETTLED, events, events[-1].at)
    past.take(events[-1])
    past.older(SETTLED, events[:3], events[-1].at)
    assert paid(past) == sum(event.fact.money for event in events if isinstance(event.fact, e.CallSettled))


def test_a_rate_says_what_it_was_measured_over() -> None:
    events = spent()
    run = fold(events).runs["ledger-1"]
    now = events[-1].at
    known = Past()
    for event in events:
        known.take(event)
    measured = burning.run_rate(known, now, run)
    assert measured is not None
    assert measured.over == now - run.queued_at
    assert measured.hourly * measured.over / HOUR == run.burn.money
    late = Past(now - 60_000)
    for event in events:
        if event.at > now - 60_000:
            late.take(event)
    partly = burning.run_rate(late, now, run)
    assert partly is not None
    assert partly.over == 60_000
    assert burning.run_rate(Past(now - 5_000), now, run) is None, "five seconds say nothing about an hour"


def test_after_an_hour_of_silence_a_run_burns_nothing() -> None:
    events = spent()
    known = Past()
    for event in events:
        known.take(event)
    measured = burning.run_rate(known, events[-1].at + 2 * HOUR, fold(events).runs["ledger-1"])
    assert measured is not None
    assert measured.hourly == 0
    assert HOUR - 60_000 < measured.over <= HOUR


def test_passes_and_what_lies_between_them_are_all_that_a_run_burned() -> None:
    for run in fold(spent()).runs.values():
        beside = burning.between(run)
        assert sum((one.burn.money for one in run.passes), beside.money) == run.burn.money
        assert sum(one.burn.tokens.total for one in run.passes) + beside.tokens.total == run.burn.tokens.total


@given(st.decimals(min_value=0, max_value=10**6, allow_nan=False, places=9))
def test_exact_money_loses_no_digit(dollars: Decimal) -> None:
    assert Decimal(exact(dollars).removeprefix("$").replace(",", "")) == dollars


async def test_the_price_is_shown_where_it_explains_the_money_to_the_last_digit() -> None:
    async with on_stage(StoryFeed(spent())) as stage:
        await stage.press("5", "home", "down")
        assert "per million tokens: input $3.00, output $15.00" in snap.text_of(stage.app)
        await stage.press("down")
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
        [line] = [line for line in text.splitlines() if "of judges" in line]
        assert "4,321" in line
        assert "50% of 2 pairs of judgements differ, 1 transcript" in text
