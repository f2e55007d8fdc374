"""What the console keeps of many traces: much of those looked at, little of others; the journal has all of them."""

from factory_tui.console.mirror import LOOKED, RING, TAIL, TAILS, Mirror
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from tests.console import story


def told(mirror: Mirror, run: str, count: int) -> None:
    """So many events of a run, a line each."""
    for _ in range(count):
        seq = mirror.state.seq + 1
        mirror.apply(Event(seq, f"{seq:026}", seq, e.Noticed("info", f"word {seq}"), run))


def begun(*names: str) -> Mirror:
    teller = story.Teller()
    teller.say("", e.EngineStarted("1", 1, "w", "docker", True))
    for name in names:
        story.Tale(teller, name, story.ORDERS).queued("orders-etl")
    mirror = Mirror()
    for event in teller.events:
        mirror.apply(event)
    return mirror


def test_a_run_that_is_looked_at_keeps_a_whole_ring_and_another_its_newest_lines() -> None:
    mirror = begun("one-1", "two-1")
    mirror.look("one-1")
    told(mirror, "one-1", RING + 10)
    told(mirror, "two-1", 5 * TAIL)
    assert len(mirror.trace("one-1").lines) == RING
    assert TAIL <= len(mirror.trace("two-1").lines) <= 2 * TAIL
    assert mirror.trace("two-1").lines[-1].text.endswith(f"word {mirror.state.seq}")


def test_one_looked_at_long_ago_is_cut_and_asks_the_journal_when_it_is_looked_at_again() -> None:
    names = [f"run-{number}" for number in range(LOOKED + 1)]
    mirror = begun(*names)
    trace = mirror.look(names[0])
    told(mirror, names[0], 3 * TAIL)
    trace.asked, version = True, trace.version
    for name in names[1:]:
        mirror.look(name)
    assert len(trace.lines) < TAIL
    assert trace.version > version
    assert not trace.asked
    assert trace.first == trace.lines[0].seq


def test_what_was_cut_comes_back_from_the_journal_without_a_gap_or_a_line_twice() -> None:
    mirror = begun("one-1")
    told(mirror, "one-1", 3 * TAIL)
    trace = mirror.trace("one-1")
    seen = [line.seq for line in trace.lines]
    older = [Event(seq, "x", seq, e.Noticed("info", "w"), "one-1") for seq in range(2, mirror.state.seq + 1)]
    trace.prepend(older)
    found = [line.seq for line in trace.lines]
    assert found[-len(seen) :] == seen
    assert found == sorted(set(found))
    assert found[0] == 2


def test_of_a_thousand_runs_the_newest_are_kept_and_what_is_looked_at() -> None:
    names = [f"run-{number}" for number in range(300)]
    mirror = begun(*names)
    mirror.look(names[0])
    for name in names:
        told(mirror, name, 1)
    assert len(mirror.traces) == LOOKED + TAILS
    assert names[0] in mirror.traces
    assert names[-1] in mirror.traces
