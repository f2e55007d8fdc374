"""A flood: runs that all stream at once, behind a real link, in a process of its own.

    python -m bench.flood SOCKET RUNS RATE LINES     RATE live frames a second of each run; ends when stdin does

Every frame is one word of an answer, as models send them, or so many lines of a command's output; every two seconds
each run finishes an answer and begins the next, which is an event.
"""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from factory_tui.domain import events as e
from factory_tui.domain.commands import Command, Role
from factory_tui.domain.live import LiveText
from factory_tui.domain.reducer import fold, reduce
from factory_tui.engine.serve import now
from factory_tui.link.protocol import BackRequest, DiffRequest, QueryRequest, RefusedError
from factory_tui.link.server import LinkServer

TICK = 0.005
"""Seconds between two breaths of the flood: one frame of each run in each, at 200 a second."""
ANSWER = 2.0
"""Seconds that one answer streams."""
_LINE = "ok, and nobody loses any of it"
_WORDS = "the order of lines in a file is kept while they are read and\nwritten again so that nobody loses one of them"


class Flood:
    """The runs, and what they have said so far."""

    def __init__(self, socket: Path, runs: int, rate: float, lines: int) -> None:
        self._rate, self._lines = rate, lines
        self._seq = itertools.count(1)
        self._step = 1
        self.names = [f"flood-{number}" for number in range(1, runs + 1)]
        self._events = [self._event("", e.EngineStarted("bench", 0, "flood", "process", fenced=False))]
        for age, name in enumerate(self.names):  # the first is the youngest: it is drawn first
            self._events += self._begun(name, now() - age * 1000)
        self._state = fold(self._events)
        self.server = LinkServer(
            socket,
            state=lambda: self._state,
            now=now,
            on_command=_refuse,
            on_query=self._query,
            on_diff=_differ,
            on_back=_forget,
        )

    def _event(self, run: str, fact: e.AnyFact, at: int | None = None) -> e.Event:
        seq = next(self._seq)
        return e.Event(seq, f"{seq:026}", at or now(), fact, run, "engine")

    def _begun(self, name: str, at: int) -> list[e.Event]:
        stations = ("start", "generate", "exit")
        queued = e.RunQueued(
            seed="flood",
            revision="9f3c1a7e55d0",
            corpus="c0ffee",
            loop="flood",
            dot="",
            model="flood",
            ledger="rehearsal",
            owner="bench",
            ship_at=0.8,
            alpha=0.01,
            max_passes=10,
            max_trajectories=48,
            cap=Decimal(10),
            stations=stations,
            tracks=(("start", "generate"), ("generate", "exit")),
        )
        began = (e.RunMoved("running"), e.PassBegan(1, "9f3c1a7e55d0"), e.NodeEntered("generate", "codergen", 1))
        return [self._event(name, fact, at) for fact in (queued, *began)]

    async def _query(self, asked: QueryRequest) -> list[e.Event]:
        found = [one for one in self._events if one.run == asked.run and one.seq < (asked.before or one.seq + 1)]
        return found[-asked.limit :]

    async def flow(self) -> None:
        """Stream for ever, at the rate that was asked for, however late this process is given its turn."""
        words = self._pieces()
        began = last = time.monotonic()
        said = 0
        while True:
            await asyncio.sleep(TICK)
            here = time.monotonic()
            for _ in range(int((here - began) * self._rate) - said):
                said += 1
                word = next(words)
                for name in self.names:
                    self.server.show(LiveText(name, self._step, word))
            if here - last > ANSWER:
                last = here
                self._finish()

    def _pieces(self) -> Iterator[str]:
        """What the frames say, one after the other."""
        if not self._lines:
            yield from itertools.cycle(f"{word} " for word in _WORDS.split(" "))
        for number in itertools.count():
            yield "".join(f"line {number}.{place} of an output: {_LINE}\n" for place in range(self._lines))

    def _finish(self) -> None:
        text = json.dumps([{"type": "text", "text": f"Step {self._step} is done.\n{_WORDS}"}])
        facts = [self._event(name, e.Answered(self._step, "flood", text, "end_turn", ANSWER)) for name in self.names]
        for event in facts:
            self._state = reduce(self._state, event)
        self._events = [*self._events, *facts][-10_000:]
        self.server.publish(facts)
        self._step += 1


async def _refuse(_actor: str, _role: Role, _command: Command, _key: str) -> str:
    return "nothing is done here"


async def _differ(_asked: DiffRequest) -> tuple[str, bool]:
    return "", False


async def _forget(_asked: BackRequest) -> bytes:
    raise RefusedError("nothing is looked back at here")


async def main(socket: Path, runs: int, rate: float, lines: int) -> None:
    """Serve until stdin ends."""
    flood = Flood(socket, runs, rate, lines)
    await flood.server.start()
    flowing = asyncio.create_task(flood.flow())
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    flowing.cancel()
    await asyncio.gather(flowing, return_exceptions=True)
    await flood.server.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
