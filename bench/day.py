"""A day of a factory, told to a console in a minute or two: what its memory does while runs come and go.

python -m bench.day SOCKET EVENTS RATE     serves until stdin ends; a line a simulated hour on stdout
"""

import asyncio
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figures, say
from bench.history import history
from bench.playing import resident_mb
from bench.terminal import Terminal, words
from factory_tui.domain import events as e
from factory_tui.domain.commands import Command, Role
from factory_tui.domain.reducer import fold, reduce
from factory_tui.link.protocol import BackRequest, DiffRequest, QueryRequest, RefusedError
from factory_tui.link.server import LinkServer

HOURS = 24
EVENTS = 250_000
"""Of a day: 32 runs at a time, each of which ships after some hours."""
RATE = 2_500
"""Events a second: a console takes them in as they come, and none is skipped."""
WARM = 4
"""Simulated hours before memory is first looked at: rings are full then."""
_DAY = 86_400_000
_BEGINS = 1_790_000_000_000
_BATCH = 25
_PAGE = 20_000
"""Events that can be asked for again."""
_KEYS = (b"2", b"1", b"\x1b[B", b"5", b"1", b"3", b"4", b"1", b"\x1b[B", b"2", b"\x1b[5~", b"1")
"""What the operator looks at meanwhile, a key a simulated ten minutes."""


class Day:
    """An engine's end of the link that tells a history at a rate."""

    def __init__(self, socket: Path, events: int, rate: float) -> None:
        self._all, self._rate, self._day = events, rate, list[e.Event]()
        self._seq = itertools.count(1)
        self._events = [self._event("", e.EngineStarted("bench", 0, "day", "docker", fenced=True))]
        self._state = fold(self._events)
        self.server = LinkServer(
            socket,
            state=lambda: self._state,
            now=lambda: self._state.at,
            on_command=_refuse,
            on_query=self._query,
            on_diff=_differ,
            on_back=_forget,
        )

    def _event(self, run: str, fact: e.AnyFact) -> e.Event:
        seq = next(self._seq)
        return e.Event(seq, f"{seq:026}", _BEGINS + seq * _DAY // self._all, fact, run, "engine")

    async def _query(self, asked: QueryRequest) -> list[e.Event]:
        found = (one for one in reversed(self._events) if asked.run in (None, one.run))
        older = (one for one in found if asked.before is None or one.seq < asked.before)
        kinds = asked.kinds
        fit = (one for one in older if kinds is None or one.fact.__struct_config__.tag in kinds)
        return list(itertools.islice(fit, asked.limit))[::-1]

    async def tell(self) -> None:
        """All of it, and the hours as they pass."""
        hour, loop = 0, asyncio.get_running_loop()
        began, told = loop.time(), 0
        for batch in _batched(history(self._all), _BATCH):
            found = [self._event(draft.run, draft.fact) for draft in batch]
            for event in found:
                self._state = reduce(self._state, event)
            self._events = [*self._events, *found][-_PAGE:] if len(self._events) > 2 * _PAGE else self._events + found
            self.server.publish(found)
            told += len(found)
            await asyncio.sleep(max(0.0, began + told / self._rate - loop.time()))
            passed = (self._state.at - _BEGINS) * HOURS // _DAY
            if passed > hour:
                hour = passed
                print(hour, flush=True)


def _batched(drafts: Iterator[list[e.Draft]], size: int) -> Iterator[list[e.Draft]]:
    flat = itertools.chain.from_iterable(drafts)
    while batch := list(itertools.islice(flat, size)):
        yield batch


async def _refuse(_actor: str, _role: Role, _command: Command, _key: str) -> str:
    return "nothing is done here"


async def _forget(_asked: BackRequest) -> bytes:
    raise RefusedError("nothing is looked back at here")


async def _differ(_asked: DiffRequest) -> tuple[str, bool]:
    return "", False


async def main(socket: Path, events: int, rate: float) -> None:
    """Serve, wait for a console, tell the day."""
    day = Day(socket, events, rate)
    await day.server.start()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await day.tell()
    await asyncio.to_thread(sys.stdin.read)
    await day.server.close()


async def through(folder: Path, command: tuple[str, ...], events: int = EVENTS, rate: float = RATE) -> Figures:
    """Megabytes of the console after the first hours, and what came to it until the end of the day."""
    socket, pipe = folder / "day.sock", asyncio.subprocess.PIPE
    arguments = (sys.executable, "-m", "bench.day", str(socket), str(events), str(rate))
    feeder = await asyncio.create_subprocess_exec(*arguments, stdin=pipe, stdout=pipe)
    assert feeder.stdin is not None
    assert feeder.stdout is not None
    say(f"a day: {events} events at {rate:g} a second")
    seen: list[float] = []
    try:
        if not await feeder.stdout.readline():
            raise RuntimeError("the feeder ended; it said why above")
        with Terminal([*command, str(socket)]) as terminal:
            await asyncio.to_thread(_drawn, terminal, "FACTORY")
            reading = asyncio.create_task(asyncio.to_thread(_read_on, terminal))
            feeder.stdin.write(b"\n")
            keys = itertools.cycle(_KEYS)
            while (line := await feeder.stdout.readline()) and len(seen) < HOURS - 1:
                seen.append(resident_mb(terminal.program.pid))
                say(f"  hour {line.decode().strip()}: {seen[-1]:.1f} MB")
                terminal.type(next(keys))
            os.kill(terminal.program.pid, 9)
            await reading
    finally:
        feeder.stdin.close()
        await feeder.wait()
    return {"day_events": events, "day_rss_mb": round(seen[WARM], 1), "day_growth_mb": round(seen[-1] - seen[WARM], 1)}


def _drawn(terminal: Terminal, mark: str) -> None:
    drawn = b""
    while mark not in words(drawn):
        drawn += terminal.read(30.0)


def _read_on(terminal: Terminal) -> None:
    while terminal.read(30.0):
        pass


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
