"""One pace for many runs: limits that hold in any minute, turns, and an endpoint in trouble. Time is the test's own."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.model.pacing import SPREAD, WINDOW, Closed, Limits, Pace, Turn

NONE = Limits()


class Time:
    """A clock that goes on when everybody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._number = count()

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._number), woken))
        await woken

    async def settle(self) -> None:
        """Until nobody has anything to do at this moment."""
        for _ in range(50):
            await asyncio.sleep(0)

    async def pass_until(self, over: Callable[[], bool]) -> None:
        """Let time pass, from one moment at which somebody wakes to the next."""
        await self.settle()
        while not over():
            assert self._sleepers, "everybody waits for ever"
            at, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                self.now = max(self.now, at)
                woken.set_result(None)
                await self.settle()


class Floor:
    """Runs at one pace; what they sent, and when."""

    def __init__(self) -> None:
        self.time = Time()
        self.pace = Pace(clock=lambda: self.time.now, sleep=self.time.sleep, chance=lambda: 0.5)
        self.sent: list[tuple[float, str]] = []
        self.told: list[tuple[str, float]] = []
        self.tasks: list[asyncio.Task[None]] = []

    def call(self, run: str, tokens: int = 1, limits: Limits = NONE, then: "Then | None" = None) -> None:
        """Begin a call, which is taken at once unless `then` says something else."""

        async def calls() -> None:
            try:
                async with self.pace.turn(run, tokens, limits) as turn:
                    self.sent.append((self.time.now, run))
                    await (then or taken)(turn)
            except Closed as closed:
                self.told.append((run, self.time.now + closed.seconds))

        self.tasks.append(asyncio.create_task(calls(), name=run))

    async def over(self) -> None:
        """Until every call has ended."""
        await self.time.pass_until(lambda: all(task.done() for task in self.tasks))
        await asyncio.gather(*self.tasks)

    @property
    def times(self) -> list[float]:
        return [at for at, _ in self.sent]


Then = Callable[[Turn], Awaitable[None]]


async def taken(turn: Turn) -> None:
    turn.taken()


def refused(seconds: float, *, given_up: bool = False) -> Then:
    async def refuse(turn: Turn) -> None:
        turn.refused(seconds, "busy", everybody=True, given_up=given_up)

    return refuse


def back(_: None) -> None:
    """What a call had in vain is nothing here."""


def windows(sent: list[tuple[float, int]]) -> list[list[int]]:
    """The tokens of the calls in the minute that begins with each of them."""
    return [[tokens for at, tokens in sent if begin <= at < begin + WINDOW] for begin, _ in sent]


@settings(max_examples=25, deadline=None)
@given(
    calls=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 30), st.integers(0, 90)), min_size=1, max_size=25),
    requests=st.integers(0, 6),
    tokens=st.integers(0, 60),
)
def test_no_minute_has_more_than_it_may(calls: list[tuple[int, int, int]], requests: int, tokens: int) -> None:
    """However long each waits for its room after its turn. A call larger than a whole minute's tokens has one alone."""

    async def play() -> None:
        floor, sent = Floor(), list[tuple[float, int]]()

        def note(cost: int, waits: int) -> Then:
            async def noted(turn: Turn) -> None:
                await turn.once(floor.time.sleep(waits), back)
                sent.append((floor.time.now, cost))
                turn.taken()

            return noted

        for run, cost, waits in calls:
            floor.call(f"run-{run}", cost, Limits(requests, tokens), note(cost, waits))
        await floor.over()
        assert len(sent) == len(calls)
        for window in windows(sent):
            assert not requests or len(window) <= requests
            assert not tokens or sum(window) <= tokens or len(window) == 1

    asyncio.run(play())


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.sampled_from("abcde"), st.integers(1, 8), min_size=2))
def test_no_run_is_served_twice_while_another_waits(asked: dict[str, int]) -> None:
    async def play() -> None:
        floor = Floor()
        for run, number in asked.items():
            for _ in range(number):
                floor.call(run, limits=Limits(requests=1))
        await floor.over()
        left = dict(asked)
        served = dict.fromkeys(asked, 0)
        for _, run in floor.sent:
            waiting = [served[other] for other, number in left.items() if number]
            assert served[run] == min(waiting)
            served[run] += 1
            left[run] -= 1

    asyncio.run(play())


async def test_what_a_call_did_not_take_is_for_the_next() -> None:
    floor = Floor()
    answer = asyncio.Event()

    async def small(turn: Turn) -> None:
        await answer.wait()
        turn.used(10)

    floor.call("a", 90, Limits(tokens=100), small)
    floor.call("b", 90, Limits(tokens=100))
    await floor.time.settle()
    assert floor.sent == [(0.0, "a")]
    answer.set()
    await floor.over()
    assert floor.sent == [(0.0, "a"), (0.0, "b")]


async def test_a_call_that_waits_for_its_room_counts_from_when_it_goes_and_not_at_all_where_it_does_not() -> None:
    floor, goes = Floor(), list[float]()

    async def after(turn: Turn, seconds: float) -> None:
        await turn.once(floor.time.sleep(seconds), back)
        goes.append(floor.time.now)

    async def never(turn: Turn) -> None:
        with pytest.raises(LookupError):
            await turn.once(refusal(), back)

    async def refusal() -> None:
        raise LookupError

    floor.call("a", 90, Limits(1, 100), never)
    floor.call("b", 90, Limits(1, 100), lambda turn: after(turn, 50))
    floor.call("c", 90, Limits(1, 100), lambda turn: after(turn, 0))
    await floor.over()
    assert goes == [50, 110]


async def test_calls_that_have_room_at_last_heed_what_was_said_meanwhile_and_go_one_after_the_other() -> None:
    floor, room, given_back = Floor(), asyncio.Event(), list[str]()

    async def when_there_is_room(turn: Turn) -> None:
        await turn.once(room.wait(), lambda _: given_back.append("room"))
        floor.sent.append((floor.time.now, "goes"))
        turn.taken()

    for run in "abc":
        floor.call(run, then=when_there_is_room)
    floor.call("d", then=refused(20))
    await floor.time.settle()
    room.set()
    floor.sent.clear()
    await floor.over()
    assert [run for _, run in floor.sent] == ["goes"] * 3
    assert floor.times[0] == 20
    assert min(late - early for early, late in pairwise(floor.times)) >= SPREAD / 2
    assert given_back == []


async def test_a_call_that_has_room_once_the_endpoint_is_given_up_gives_it_back_and_is_told_until_when() -> None:
    floor, room, given_back = Floor(), asyncio.Event(), list[bool]()

    async def when_there_is_room(turn: Turn) -> None:
        await turn.once(room.wait(), given_back.append)

    floor.call("a", then=when_there_is_room)
    floor.call("b", then=refused(3600, given_up=True))
    await floor.time.settle()
    room.set()
    await floor.over()
    assert (floor.told, given_back) == ([("a", 3600.0)], [True])


async def test_one_that_is_told_to_wait_waits_for_all_and_one_goes_first() -> None:
    """32 runs at once, a 429 with 20 s: none sends before, then a probe, then the others one after the other."""
    floor = Floor()
    answer = asyncio.Event()

    async def probe(turn: Turn) -> None:
        await answer.wait()
        turn.taken()

    floor.call("first", then=refused(20))
    await floor.time.settle()
    for number in range(32):
        floor.call(f"run-{number}", then=None if number else probe)
    await floor.time.pass_until(lambda: len(floor.sent) == 2)
    await floor.time.settle()
    assert floor.times == [0, 20]
    answer.set()
    await floor.over()
    back = floor.times[1:]
    assert len(back) == 32
    assert min(late - early for early, late in pairwise(back)) >= SPREAD / 2
    assert back[-1] <= 20 + 32 * SPREAD * 1.5


async def test_a_probe_that_is_refused_or_cancelled_lets_another_try() -> None:
    floor = Floor()
    forever = asyncio.Event()

    async def hang(_turn: Turn) -> None:
        await forever.wait()

    floor.call("a", then=refused(10))
    await floor.time.settle()
    floor.call("b", then=refused(10))
    floor.call("c", then=hang)
    floor.call("d")
    await floor.time.pass_until(lambda: len(floor.sent) == 3)
    floor.tasks[2].cancel()
    await floor.time.pass_until(lambda: len(floor.sent) == 4)
    assert floor.sent == [(0, "a"), (10, "b"), (20, "c"), (20, "d")]
    assert floor.told == []


async def test_when_one_is_given_up_all_that_wait_are_told_until_when() -> None:
    floor = Floor()
    floor.call("a", then=refused(5))
    await floor.time.settle()
    floor.call("b", then=refused(3600, given_up=True))
    floor.call("c")
    floor.call("d")
    await floor.over()
    floor.call("late")
    await floor.over()
    assert floor.times == [0, 5]
    assert floor.told == [("c", 3605.0), ("d", 3605.0), ("late", 3605.0)]


@pytest.mark.parametrize("runs", [1, 8, 64])
async def test_an_hour_without_the_endpoint_costs_a_call_a_minute_however_many_runs_there_are(runs: int) -> None:
    floor = Floor()
    back_at = 3600.0
    well: list[float] = []

    async def run(name: str) -> None:
        while True:
            try:
                async with floor.pace.turn(name, 1, NONE) as turn:
                    floor.sent.append((floor.time.now, name))
                    if floor.time.now >= back_at:
                        turn.taken()
                        well.append(floor.time.now)
                        return
                    turn.refused(60, "gone", everybody=True, given_up=True)
                await floor.time.sleep(60)
            except Closed as closed:
                await floor.time.sleep(closed.seconds)

    floor.tasks = [asyncio.create_task(run(f"run-{number}")) for number in range(runs)]
    await floor.over()
    assert len([at for at in floor.times if at < back_at]) == 60
    assert len(well) == runs
    assert well[0] == back_at
    assert well[-1] <= back_at + runs * SPREAD * 1.5


async def test_a_call_that_fails_alone_stops_nobody_and_two_in_a_row_do() -> None:
    floor = Floor()

    async def broke(turn: Turn) -> None:
        turn.refused(30, "broke", everybody=False, given_up=False)

    floor.call("a", then=broke)
    floor.call("b")
    floor.call("c", then=broke)
    floor.call("d", then=broke)
    floor.call("e")
    await floor.over()
    assert floor.times == [0, 0, 0, 0, 30]


async def test_somebody_who_knows_that_it_is_back_has_it_tried_at_once() -> None:
    floor = Floor()
    floor.call("a", then=refused(3600, given_up=True))
    await floor.over()
    floor.pace.try_now()
    floor.call("b")
    await floor.over()
    assert floor.sent == [(0, "a"), (0, "b")]
