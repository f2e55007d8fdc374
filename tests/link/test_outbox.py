"""What waits for a console: any sequence of pushes and takes keeps order, loses no event unsaid, and is bounded."""

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory_tui.domain.events import Event, Noticed
from factory_tui.domain.live import LiveText
from factory_tui.domain.state import State
from factory_tui.link import outbox as module
from factory_tui.link.outbox import Outbox
from factory_tui.link.protocol import (
    Accepted,
    Answer,
    EventBatch,
    FullState,
    Live,
    Message,
    Now,
    Skipped,
    encode_events,
    line,
)

Push = st.one_of(
    st.tuples(st.just("events"), st.sampled_from([10, 1_000, 500_000, 1_500_000])),
    st.tuples(st.just("live"), st.sampled_from([1, 1_000, 200_000])),
    st.tuples(st.just("answer"), st.just(0)),
    st.tuples(st.just("tick"), st.integers(1, 9)),
    st.tuples(st.just("take"), st.just(0)),
)


class Told:
    """What a console can reconstruct from what it was sent."""

    def __init__(self) -> None:
        self.seq = 0
        self.answers: list[int] = []

    def read(self, data: bytes) -> None:
        for text in data.splitlines():
            message: Message | Answer = msgspec.json.decode(text, type=Message | Answer)
            if isinstance(message, FullState):
                self.seq = message.state.seq
            elif isinstance(message, EventBatch):
                for event in message.events:
                    assert event.seq == self.seq + 1, "no gap goes unsaid"
                    self.seq = event.seq
            elif isinstance(message, Skipped):
                assert message.from_seq == self.seq + 1
                assert message.from_seq + message.count == message.state.seq + 1
                self.seq = message.state.seq
            elif isinstance(message, Accepted):
                self.answers.append(message.id)
            else:
                assert isinstance(message, Live | Now)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(Push, max_size=40))
def test_order_gaps_and_bounds(pushes: list[tuple[str, int]]) -> None:
    seq, asked, told = 0, 0, Told()
    box = Outbox(lambda: FullState(State(seq=seq), 0))
    box.attach()
    for what, size in pushes:
        if what == "events":
            seq += 1
            for first, count, data in encode_events([Event(seq, "id", 0, Noticed("info", "x" * size))]):
                box.events(data, first, count)
        elif what == "live":
            box.live(LiveText("a-1", size, "y" * size))
        elif what == "answer":
            asked += 1
            box.answer(line(Accepted(asked)))
        elif what == "tick":
            box.tick(size)
        else:
            told.read(box.take())
        assert box.pending <= module.EVENTS_BOUND + 64 * asked + 1_000
        assert box._live <= module.LIVE_BOUND + 200_000
    while data := box.take():
        told.read(data)
    assert told.seq == seq
    assert told.answers == list(range(1, asked + 1))
    assert not box
    assert box.pending == box._live == 0


def test_live_frames_give_way_before_any_event_is_skipped() -> None:
    box = Outbox(lambda: FullState(State(), 0))
    for step in range(2_000):
        box.live(LiveText("a-1", step, "y" * 1_000))
    box.events(b"event\n", 1, 1)
    sent = b""
    while data := box.take():
        sent += data
    assert len(sent) < module.LIVE_BOUND * 2
    assert sent.endswith(b"event\n")
