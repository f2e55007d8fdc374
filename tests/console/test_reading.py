"""Reading a trace: folded and opened, searched, paged to and fro; against a plain model that holds everything."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.console import mirror
from factory_tui.console.filtering import parse
from factory_tui.console.mirror import Trace
from factory_tui.console.reading import FIELDS, Item, Reading
from factory_tui.console.trace import Line, lines
from factory_tui.domain import events as e
from factory_tui.domain.events import AnyFact, Event

WORDS = st.sampled_from(["pytest -q", "ls -la", "edit app.py", "ok", "2 failed", "Error: no such file"])
STEP = st.tuples(st.sampled_from(["say", "call", "return", "fail"]), st.integers(0, 5), WORDS)
STEPS = st.lists(STEP, max_size=40)


def fact(kind: str, call: int, word: str) -> AnyFact:
    if kind == "say":
        return e.Noticed("info", word)
    if kind == "call":
        return e.ToolCalled(1, f"c{call}", "bash", word)
    return e.ToolReturned(1, f"c{call}", f"{word}\nthen", kind == "fail", 1 if kind == "fail" else 0)


def told(steps: Sequence[tuple[str, int, str]]) -> list[Event]:
    """Each call begins once, and returns after it began."""
    begun: set[int] = set()
    ended: set[int] = set()
    found: list[Event] = []
    for kind, call, word in steps:
        if call in {"call": begun, "say": set[int]()}.get(kind, ended) or (
            kind in ("return", "fail") and call not in begun
        ):
            continue
        {"call": begun, "say": set[int]()}.get(kind, ended).add(call)
        found.append(Event(2 * len(found) + 1, "x", len(found) * 1000, fact(kind, call, word), "r"))
    return found


def said(events: Sequence[Event]) -> list[Line]:
    return [line for event in events for line in lines(event)]


def folded(events: Sequence[Event], opened: set[str]) -> list[tuple[str, str]]:
    """The plain model: what each item says, and what it came to."""
    results = {event.fact.call: lines(event)[0].text for event in events if isinstance(event.fact, e.ToolReturned)}
    found = []
    for line in said(events):
        if not line.call or line.call in opened:
            found.append((line.text, ""))
        elif line.text.startswith("bash"):
            found.append((line.text, results.get(line.call, "")))
    return found


def shown(items: Sequence[Item]) -> list[tuple[str, str]]:
    return [(item.line.text, item.result) for item in items]


@given(STEPS, st.sets(st.integers(0, 5)), st.integers(0, 40), st.booleans())
def test_folding_leaves_one_line_of_each_call_and_opening_brings_all_back(
    steps: list[tuple[str, int, str]], opened: set[int], cut: int, early: bool
) -> None:
    events, trace, reading = told(steps), Trace(), Reading()
    for number, event in enumerate(events):
        trace.append(event)
        if early and number == cut:
            reading.fold()
        if number % 3 == 0:
            reading.take(trace)
    if not (early and cut < len(events)):
        reading.fold()
    for call in opened:
        reading.open(f"c{call}")
    reading.take(trace)
    assert shown(reading.items) == folded(events, {f"c{call}" for call in opened})
    keys = [item.key for item in reading.items]
    assert keys == sorted(set(keys))
    for item in reading.items:
        if item.folded:
            assert set(item.events) == {line.seq for line in said(events) if line.call == item.line.call}
    reading.fold()
    reading.take(trace)
    assert [item.line for item in reading.items] == said(events)


@given(
    STEPS,
    st.sampled_from(["pytest", "!ok", "who:tool", "tool:bash", "failed|error", "tool:bash !ls"]),
    st.integers(0, 40),
)
def test_a_search_finds_what_the_model_does_and_n_goes_through_all_of_it(
    steps: list[tuple[str, int, str]], text: str, cut: int
) -> None:
    events, trace, reading = told(steps), Trace(), Reading()
    search = parse(text, FIELDS)
    for number, event in enumerate(events):
        if number == cut:
            reading.look_for(search)
        trace.append(event)
        reading.take(trace)
    if cut >= len(events):
        reading.look_for(search)
    tool = {line.call: line.text.split(" ")[0] for line in said(events) if line.text.startswith("bash")}
    wanted = [
        line.key
        for line in said(events)
        if search.holds({"who": line.who, "tool": tool.get(line.call, ""), "text": line.text})
    ]
    assert reading.matches == wanted
    way, at = [], None
    while (at := reading.match(at, -1)) is not None:
        way.append(at)
        assert reading.count(at) == (len(wanted) - len(way) + 1, len(wanted))
    assert way == wanted[::-1]
    while way:
        at = reading.match(at or (0, 0), 1)
        assert at == way.pop()


@pytest.mark.parametrize("limit", [7, 20])
@given(data=st.data())
def test_paging_to_and_fro_shows_a_stretch_of_the_journal_without_a_gap_and_comes_back(
    limit: int, data: st.DataObject
) -> None:
    before = mirror.RING
    mirror.RING = limit
    try:
        _page(limit, data)
    finally:
        mirror.RING = before


def _page(limit: int, data: st.DataObject) -> None:
    journal = [Event(2 * at + 1, "x", at, e.Noticed("info", f"line {at}"), "r") for at in range(60)]
    trace, reading = Trace(), Reading()
    known = data.draw(st.integers(1, 40))
    page = data.draw(st.integers(1, limit - 1))
    for event in journal[known - 1 : known]:
        trace.append(event)
    for step in data.draw(st.lists(st.sampled_from(["older", "newer", "append", "append", "renew"]), max_size=40)):
        if step == "older":
            trace.prepend(
                [event for event in journal[:known] if trace.first is None or event.seq < trace.first][-page:]
            )
        elif step == "newer" and trace.last is not None:
            trace.proceed([event for event in journal[:known] if event.seq > (trace.last or 0)][:page])
        elif step == "append" and known < len(journal):
            trace.append(journal[known])
            known += 1
        elif step == "renew":
            trace.renew()
        reading.take(trace)
        held = [line.seq for line in trace.lines]
        assert len(held) <= limit
        assert held == list(range(held[0], held[-1] + 1, 2)) if held else True, "no gap"
        assert [item.line.seq for item in reading.items[-len(held) :]] == held
        if held and trace.last is None:
            assert held[-1] == journal[known - 1].seq, "the newest is held"
    trace.renew()
    trace.prepend(journal[:known][-page:])
    assert [line.seq for line in trace.lines] == [event.seq for event in journal[:known][-page:]]


@pytest.mark.parametrize("held", [0, 1])
def test_of_older_events_with_more_lines_than_are_held_those_next_to_the_others_are(held: int) -> None:
    said = msgspec.json.encode([{"type": "text", "text": "\n".join(f"line {nth}" for nth in range(30))}]).decode()
    answer = e.Answered(1, "m", said, "end_turn", 1.0)
    journal = [Event(seq, "x", seq, answer, "r") for seq in range(1, 400)]
    trace = Trace()
    for event in journal[len(journal) - held :]:
        trace.append(event)
    older = journal[: len(journal) - held]
    trace.prepend(older)
    assert len(trace.lines) <= mirror.RING
    assert trace.lines[-1].key == lines(older[-1])[-1].key
    assert trace.last == (older[-1].seq if held else None)
    assert trace.first == trace.lines[0].seq
    assert trace.lines[0].nth == 0, "whole events alone"


def test_a_call_that_never_returns_or_began_before_what_is_held_has_a_line_of_its_own() -> None:
    trace, reading = Trace(), Reading()
    for event in told([("call", 1, "ls -la"), ("call", 2, "pytest -q"), ("fail", 2, "2 failed")])[1:]:
        trace.append(event)
    trace.append(msgspec.structs.replace(told([("call", 1, "a"), ("return", 1, "ok")])[1], seq=99))
    reading.fold()
    reading.take(trace)
    assert shown(reading.items) == [("bash pytest -q", "exit 1 in 0.0s: 2 failed"), ("exit 0 in 0.0s: then", "")]
