"""One trajectory: a scenario run once, with concrete inputs, in a fresh cell of its own.

The cell sees files, commands and requests. Story, expectations and the scenario's name never leave this process. What
the product does wrong is a verdict; what this side does wrong is void, with the reason.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from factory_tui.cells.cell import BROKE
from factory_tui.cells.protocol import (
    ANY,
    MIB,
    Cell,
    CellDied,
    CellError,
    Cells,
    Entry,
    Exchange,
    Labels,
    Mould,
    NoEngine,
    Outcome,
    Service,
)
from factory_tui.domain.hostile import one_line
from factory_tui.harness.draws import render, text
from factory_tui.harness.expressions import as_json
from factory_tui.harness.judging import captured, judge_exchange, judge_file, judge_outcome
from factory_tui.harness.matching import ABSENT, Check

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from factory_tui.harness.draws import Inputs
    from factory_tui.harness.shapes import Act, FileExpect, Scenario

log = logging.getLogger(__name__)

POLL = 0.03
"""Seconds between two looks at a service that is not ready."""
STOP = 10.0
"""Seconds that a service has to end before its log is given up."""
SHOWN = 600
"""Characters of a stream, file or body that evidence keeps."""


class Step(msgspec.Struct, frozen=True):
    """One act as it went: what was asked and what came back, each in a line."""

    title: str
    asked: str
    answered: str


class Trajectory(msgspec.Struct, frozen=True):
    """How a trajectory ended. `satisfied` is None when it is void; then `why` is the harness's own trouble."""

    satisfied: bool | None
    near_miss: float = 0.0
    why: str = ""
    """One line: what decided, when it did not satisfy."""
    checks: tuple[Check, ...] = ()
    """Of the act that decided."""
    steps: tuple[Step, ...] = ()
    logs: str = ""
    """The end of what the product wrote to stderr."""
    seconds: float = 0.0

    @property
    def probability(self) -> float:
        """That it satisfies; expectations know no doubt."""
        return 1.0 if self.satisfied else 0.0


class _Unsatisfied(Exception):  # noqa: N818
    """The product failed in a way that no expectation puts in words."""


async def run_trajectory(
    cells: Cells,
    labels: Labels,
    entries: Sequence[Entry],
    scenario: Scenario,
    inputs: Inputs,
    *,
    timeout: float,
    mould: Mould = ANY,
) -> Trajectory:
    """Run it, at most twice: what broke the harness or the cell is tried once more, in another fresh cell.

    Raises NoEngine when no cell can be had at all.
    """
    trajectory = Trajectory(None)
    for _ in range(2):
        began, trajectory = time.monotonic(), Trajectory(None)
        try:
            async with _fresh(cells, labels, mould) as cell:
                await cell.plant(entries)
                trajectory = await _Play(cell, scenario, inputs).judged(timeout)
        except NoEngine:
            raise  # no verdict, not even a void one: the visit goes on once there are cells
        except Exception as error:
            who = "the cell" if isinstance(error, CellError) else "the harness"
            why = f"{who} failed: {'' if isinstance(error, CellError) else f'{type(error).__name__}: '}{error}"
            log.warning("a trajectory of %s: %s", labels.run, one_line(why))
            if trajectory.satisfied is None:  # else it was judged, and only its cell would not go
                trajectory = Trajectory(None, why=why)
        trajectory = msgspec.structs.replace(trajectory, seconds=time.monotonic() - began)
        if trajectory.satisfied is not None and not trajectory.why.startswith(_DIED):
            break
    return trajectory


_DIED = "the cell failed while the product ran"


@asynccontextmanager
async def _fresh(cells: Cells, labels: Labels, mould: Mould) -> AsyncIterator[Cell]:
    """A cell that is closed whatever happens, cancellation included."""
    cell = await cells.start(labels, mould)
    try:
        yield cell
    finally:
        closing = asyncio.ensure_future(cell.close())
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await closing
            raise


class _Play:
    """The acts of one trajectory, in order, up to the first that is not as wanted."""

    def __init__(self, cell: Cell, scenario: Scenario, inputs: Inputs) -> None:
        self.cell = cell
        self.scenario = scenario
        self.names: dict[str, Any] = dict(inputs)
        self.services: dict[str, Service] = {}
        self.steps: list[Step] = []
        self.errors = ""
        self.touched = False
        """Whether anything of the product has run: from then on a broken cell may be its doing."""

    async def judged(self, timeout: float) -> Trajectory:
        """Run all acts within `timeout` seconds. Raises CellError when files cannot be put in place."""
        checks: tuple[Check, ...] = ()
        try:
            async with asyncio.timeout(timeout):
                await self._serve()
                for act in self.scenario.acts:
                    for _ in range(_times(act, self.names)):
                        checks = tuple([check async for check in self._act(act)])
                        if not all(check.met for check in checks):
                            return await self._missed(_first(checks), checks)
        except _Unsatisfied as error:
            return await self._missed(str(error), ())
        except TimeoutError:
            return await self._missed(f"it took longer than {timeout:g} s", ())
        except NoEngine:
            raise
        except CellError as error:
            if not self.touched:
                raise
            return Trajectory(False, why=f"{_DIED}: {error}", steps=tuple(self.steps))
        except Exception as error:
            # Void would let a product that can break the judging leave out the trajectories it fails.
            if not self.touched:
                raise
            why = f"what came back cannot be judged: {type(error).__name__}: {error}"
            log.warning("%s: %s", self.scenario.name, one_line(why))
            return Trajectory(False, why=why, steps=tuple(self.steps))
        return Trajectory(True, 1.0, checks=checks, steps=tuple(self.steps))

    async def _missed(self, why: str, checks: tuple[Check, ...]) -> Trajectory:
        done = max(0, len(self.steps) - 1)
        close = 1.0 - sum(check.distance for check in checks) / len(checks) if checks else 0.0
        near = min(0.99, (min(done, len(self.scenario.acts) - 1) + close) / len(self.scenario.acts))
        logs = self.errors
        for name, service in self.services.items():
            try:
                async with asyncio.timeout(STOP):
                    outcome = await service.stop()
            except NoEngine:
                raise
            except CellError as error:
                logs += f"\n(no log of {name}: {error})"
            except TimeoutError:
                logs += f"\n(no log of {name}: it did not end within {STOP:g} s)"
            else:
                logs += (_tail(outcome.stderr) or _tail(outcome.stdout)) + _lacked(outcome)
        return Trajectory(False, near, why, checks, tuple(self.steps), logs)

    async def _serve(self) -> None:
        for wanted in self.scenario.services:
            env = {name: text(value, self.names) for name, value in wanted.env.items()}
            self.touched = True
            service = await self.cell.serve(text(wanted.command, self.names), env=env)
            self.services[wanted.name] = service
            path, deadline = text(wanted.ready.path, self.names), time.monotonic() + wanted.ready.timeout
            answer = Exchange(0, error="it did not answer")
            while time.monotonic() < deadline:
                answer = await self.cell.http(service.port, "GET", path, timeout=min(2.0, wanted.ready.timeout))
                if answer.status and wanted.ready.status in (None, answer.status):
                    break
                if not await service.alive():
                    raise _Unsatisfied(f"the service {wanted.name!r} ended before it was ready")
                await asyncio.sleep(POLL)
            else:
                said = answer.error or f"status {answer.status}"
                raise _Unsatisfied(f"the service {wanted.name!r} was not ready in {wanted.ready.timeout:g} s: {said}")

    async def _act(self, act: Act) -> AsyncIterator[Check]:
        if act.http is not None:
            answer = await self._exchange(act)
            checks = judge_exchange(act.expect, answer, self.names)
            sources = {"json": answer.body, "body": answer.body}
        elif act.run is not None:
            outcome = await self._command(act)
            checks = judge_outcome(act.expect, outcome, self.names)
            for path, want in act.expect.files.items():
                checks += await self._file(text(path, self.names), want)
            sources = {"json": outcome.stdout, "stdout": outcome.stdout}
            answer = Exchange(0)
        else:
            self.steps.append(Step(act.name, f"wait {act.wait:g} s", ""))
            await asyncio.sleep(act.wait or 0)
            return
        for name, source in act.capture.items():
            found = captured(source, sources, answer)
            checks.append(
                Check(f"capture {name}", source, "nothing" if found is ABSENT else "found", found is not ABSENT)
            )
            self.names[name] = found
        for check in checks:
            yield check if check.met or check.distance else msgspec.structs.replace(check, distance=1.0)

    async def _exchange(self, act: Act) -> Exchange:
        http = act.http
        assert http is not None  # noqa: S101
        path = text(http.path, self.names)
        headers = {name.lower(): (name, text(value, self.names)) for name, value in http.headers.items()}
        body = text(http.body, self.names).encode("utf-8", "replace")
        if http.body_base64:
            body = base64.b64decode(text(http.body_base64, self.names))
        if http.json is not msgspec.UNSET:
            body = as_json(render(http.json, self.names)).encode("utf-8", "replace")
            headers.setdefault("content-type", ("Content-Type", "application/json"))
        if re.search(r"[\x00-\x20\x7f]", path) or any(re.search(r"[\r\n\0]", value) for _, value in headers.values()):
            raise _Unsatisfied(f"no request can be made of {path!r}")
        asked = f"{http.method} {path} {_brief(body)}".strip()
        self.steps.append(Step(act.name, asked, "no response"))
        service = self.services[http.service]
        answer = await self.cell.http(
            service.port, http.method, path, headers=list(headers.values()), body=body, timeout=http.timeout
        )
        said = f"status {answer.status} {_brief(answer.body)}".strip() if answer.status else answer.error
        self.steps[-1] = Step(act.name, asked, said)
        if answer.error == BROKE:
            raise CellError(BROKE)
        if not answer.status:
            gone = "" if await service.alive() else f"; the service {http.service!r} has ended"
            raise _Unsatisfied(f"no response: {answer.error}{gone}")
        if answer.cut:
            raise _Unsatisfied(f"the response is longer than {MIB} bytes")
        return answer

    async def _command(self, act: Act) -> Outcome:
        run = act.run
        assert run is not None  # noqa: S101
        for path, content in run.files.items():
            await self.cell.write(text(path, self.names), text(content, self.names).encode("utf-8", "replace"))
        for path, content in run.files_base64.items():
            await self.cell.write(text(path, self.names), base64.b64decode(text(content, self.names)))
        command = text(run.command, self.names)
        inputs = "".join(
            f" [{text(path, self.names)}: {_brief(text(run.files[path], self.names))}]" for path in run.files
        )
        self.steps.append(Step(act.name, f"$ {command}{inputs}", "no exit"))
        env = {name: text(value, self.names) for name, value in run.env.items()}
        stdin = text(run.stdin, self.names).encode("utf-8", "replace")
        self.touched = True
        outcome = await self.cell.run(command, stdin=stdin, env=env, timeout=run.timeout)
        self.errors = _tail(outcome.stderr) + _lacked(outcome)
        self.steps[-1] = Step(act.name, f"$ {command}{inputs}", f"exit {outcome.exit} {_brief(outcome.stdout)}".strip())
        if outcome.lost:
            raise CellDied("the command was lost")
        if outcome.timed_out:
            raise _Unsatisfied(f"the command took longer than {run.timeout:g} s")
        if outcome.cut:
            raise _Unsatisfied(f"the command wrote more than {MIB} bytes")
        return outcome

    async def _file(self, path: str, want: FileExpect) -> list[Check]:
        try:
            data = await self.cell.read(path, limit=MIB)
        except (CellDied, NoEngine):
            raise
        except CellError:
            return [Check(f"file {path}", "nothing" if want.absent else "a file", "nothing", want.absent)]
        if want.absent:
            return [Check(f"file {path}", "nothing", f"{len(data)} bytes", False)]
        return list(judge_file(path, want, data, self.names))


def _times(act: Act, names: Inputs) -> int:
    times = render(act.repeat, names)
    if not isinstance(times, int) or not 1 <= times <= 200:
        raise _Unsatisfied(f"{times!r} is no number of times")
    return times


def _first(checks: Sequence[Check]) -> str:
    missed = next(check for check in checks if not check.met)
    return f"{missed.what}: wanted {missed.wanted}, observed {missed.observed}"


def _brief(data: bytes | str) -> str:
    """What was sent or came back, with its middle cut: a file's header is at its head."""
    line = data if isinstance(data, str) else data.decode("utf-8", "replace")
    return line if len(line) <= SHOWN else f"{line[: SHOWN * 2 // 3]} [...] {line[-SHOWN // 3 :]}"


def _lacked(outcome: Outcome) -> str:
    """What of its cell ran out while it ran: a symptom like any other."""
    return "".join(f"\n({lack})" for lack in outcome.lacked)


def _tail(data: bytes) -> str:
    """The end of a log: what went wrong last."""
    line = data.decode("utf-8", "replace")
    return line if len(line) <= SHOWN else f"[...] {line[-SHOWN:]}"
