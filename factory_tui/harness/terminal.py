"""The act of a program on a terminal: the cell has the pseudo terminal, keys and screen are here.

What the program writes is hostile: it is bounded, and shown only as the screen that it makes.
"""

from __future__ import annotations

import asyncio
import shlex
import time
from importlib import resources
from typing import TYPE_CHECKING

import msgspec

from factory_tui.cells.cell import BROKE
from factory_tui.cells.protocol import MIB, CellError, NoEngine
from factory_tui.harness.draws import text
from factory_tui.harness.judging import judge_left, judge_screen
from factory_tui.harness.keys import pressed
from factory_tui.harness.screen import Screen
from factory_tui.harness.serving import STOP
from factory_tui.harness.stage import Step, Unsatisfied, lacked, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory_tui.cells.protocol import Service
    from factory_tui.harness.matching import Check
    from factory_tui.harness.shapes import Act, Seen, Terminal, TerminalStep
    from factory_tui.harness.stage import Stage

SOURCE = resources.files("factory_tui.cells").joinpath("terminal.py").read_text("utf-8")
MOST = MIB
"""Bytes that a program may write to its terminal."""
SETTLE = 10.0
"""Seconds that the screen has to become what is expected after the last step."""
_START = 10.0
_REACTS = 0.05
"""Seconds until the next key, unless the screen changed before."""
_PIECE = 1 << 10
"""Bytes that are drawn before others have a turn."""
PATIENCE = 5.0
"""Seconds that drawing all of them may take: a few bytes can move a whole screen."""


async def terminal(stage: Stage, act: Act, wanted: Terminal) -> tuple[list[Check], Screen]:
    """Play it; the checks of the first step that was not as wanted, or of the act, and the last screen."""
    command = text(wanted.command, stage.names)
    given = {name: text(value, stage.names) for name, value in wanted.env.items()}
    env = {"TERM": "xterm-256color", **stage.env, **given}
    words = ["python3", "-I", "-c", SOURCE, str(wanted.columns), str(wanted.rows), command]
    service = await stage.cell.serve(shlex.join(words), env=env)
    play = _Play(stage, service, Screen(wanted.columns, wanted.rows), Step(act.name, f"$ {command}", "no screen"))
    try:
        await play.start()
        async with asyncio.timeout(wanted.timeout):
            return await play.through(wanted.steps, act), play.screen
    except TimeoutError:
        raise Unsatisfied(f"the program on the terminal took longer than {wanted.timeout:g} s") from None
    finally:
        stage.errors = await _ended(service)


async def _ended(service: Service) -> str:
    try:
        async with asyncio.timeout(STOP):
            return lacked(await service.stop())
    except TimeoutError:
        return f"\n(the terminal did not end within {STOP:g} s)"
    except NoEngine:
        raise
    except CellError as error:
        return f"\n(the terminal is gone: {error})"


class _Play:
    """One program on its terminal."""

    def __init__(self, stage: Stage, service: Service, screen: Screen, step: Step) -> None:
        self.screen = screen
        self.exit: int | None = None
        self._stage, self._service, self._heard = stage, service, 0
        self._began, self._drawing = time.monotonic(), 0.0
        stage.steps.append(step)

    async def start(self) -> None:
        """Wait for the pseudo terminal, whose first call starts the program."""
        deadline = time.monotonic() + _START
        while not await self._exchange(b"", 0):
            if time.monotonic() > deadline or not await self._service.alive():
                raise CellError("no terminal came up in the cell. Remedy: see that its image has python3.")
            await asyncio.sleep(0.02)

    async def through(self, steps: Sequence[TerminalStep], act: Act) -> list[Check]:
        """All steps, then what the act expects."""
        for step in steps:
            for _ in range(times(step.repeat, self._stage.names)):
                checks = await self._step(step)
                if not all(check.met for check in checks):
                    return checks
        expect = act.expect
        while expect.exit is not None and self.exit is None:
            await self._listen(1.0)
        checks = await self._until(expect.screen, SETTLE) if expect.screen is not None else []
        return [*checks, *judge_left(expect, self.exit, time.monotonic() - self._began, self._stage.names)]

    async def _step(self, step: TerminalStep) -> list[Check]:
        names = self._stage.names
        press = [step.press] if isinstance(step.press, str) else step.press
        done = [f"type {step.type!r}"] if step.type else []
        done += [f"press {' '.join(press)}"] if step.press else []
        self._tell(asked=", ".join([self._stage.steps[-1].asked, *(text(one, names) for one in done)]))
        await self._type(text(step.type, names).replace("\n", "\r"))
        for name in press:
            await self._type(pressed(text(name, names), application=self.screen.application_keys))
        return await self._until(step.until, step.within) if step.until is not None else []

    async def _type(self, keys: str) -> None:
        """Type, and leave the program a moment to react: who reads several keys at once may know none of them."""
        if keys and self.exit is None:
            await self._listen(_REACTS, keys.encode("utf-8", "replace"))

    async def _until(self, seen: Seen, seconds: float) -> list[Check]:
        """Listen until the screen is as wanted, nothing can come any more, or time is up."""
        deadline = time.monotonic() + seconds
        while True:
            checks = judge_screen(seen, self.screen, self._stage.names)
            left = deadline - time.monotonic()
            if all(check.met for check in checks) or left <= 0 or self.exit is not None:
                return checks
            await self._listen(min(left, 1.0))

    async def _listen(self, seconds: float, keys: bytes = b"") -> None:
        if not await self._exchange(keys, seconds):
            raise Unsatisfied("the program ended its terminal")

    async def _exchange(self, keys: bytes, seconds: float) -> bool:
        path, keys = f"/{self._heard}/{int(seconds * 1000)}", bytes(self.screen.replies) + keys
        self.screen.replies.clear()
        answer = await self._stage.cell.http(self._service.port, "POST", path, body=keys, timeout=seconds + 5)
        if answer.error == BROKE:
            raise CellError(BROKE)
        if not answer.status:
            return False
        self._stage.touched = True
        self._heard += len(answer.body)
        if self._heard > MOST:
            raise Unsatisfied(f"the program wrote more than {MOST} bytes to its terminal")
        for start in range(0, len(answer.body), _PIECE):
            began = time.thread_time()
            self.screen.feed(answer.body[start : start + _PIECE])
            self._drawing += time.thread_time() - began
            if self._drawing > PATIENCE:
                raise Unsatisfied(f"what the program wrote takes more than {PATIENCE:g} s to draw")
            await asyncio.sleep(0)
        ended = dict(answer.headers).get("X-Exit", "")
        self.exit = int(ended) if ended.removeprefix("-").isdigit() else None
        self._tell(answered=f"{'running' if self.exit is None else f'exit {self.exit}'}, screen:\n{self.screen.text}")
        return True

    def _tell(self, **changes: str) -> None:
        self._stage.steps[-1] = msgspec.structs.replace(self._stage.steps[-1], **changes)
