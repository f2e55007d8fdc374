"""The acts of a trajectory: each kind as it is done in the cell, and the checks that it gives.

Owns the checks that each gives, and how each kind is done and told. What an answer must be is `judging`'s.
"""

from __future__ import annotations

import asyncio
import base64
import re
from typing import TYPE_CHECKING

import msgspec

from factory_tui.cells.cell import BROKE
from factory_tui.cells.protocol import MIB, CellDied, CellError, Exchange, NoEngine, Outcome
from factory_tui.harness.clocks import move
from factory_tui.harness.draws import render, text
from factory_tui.harness.expressions import as_json
from factory_tui.harness.hosting import act_on
from factory_tui.harness.judging import captured, judge_exchange, judge_file, judge_outcome, judge_times
from factory_tui.harness.matching import ABSENT, Check, match
from factory_tui.harness.proving import prove
from factory_tui.harness.stage import Step, Unsatisfied, brief, lacked, tail, times
from factory_tui.harness.terminal import terminal

if TYPE_CHECKING:
    from factory_tui.harness.hosted import TwinAct
    from factory_tui.harness.shapes import Act, Command, FileExpect, Http, Terminal
    from factory_tui.harness.stage import Stage


_GLOB = """
import glob, os, sys
for path in sorted(glob.iglob(sys.argv[1], recursive=True)):
    sys.stdout.buffer.write(os.fsencode(os.path.normpath(path)) + b"\\0")
"""


async def perform(stage: Stage, act: Act) -> tuple[Check, ...]:
    """Do it as often as it says, up to the first time that is not as wanted; the last checks. Raises Unsatisfied."""
    checks: tuple[Check, ...] = ()
    stage.took.clear()
    for _ in range(times(act.repeat, stage.names)):
        checks = await _once(stage, act)
        if not all(check.met for check in checks):
            return checks
    return (*checks, *judge_times(act.expect, stage.took))


async def _once(stage: Stage, act: Act) -> tuple[Check, ...]:
    answer = Exchange(0)
    if act.http is not None:
        answer = await _exchange(stage, act.name, act.http)
        stage.took.append(answer.seconds)
        checks = judge_exchange(act.expect, answer, stage.names)
        sources = {"json": answer.body, "body": answer.body}
    elif act.run is not None:
        outcome = await _command(stage, act.name, act.run)
        stage.took.append(outcome.seconds)
        checks = judge_outcome(act.expect, outcome, stage.names)
        sources = {"json": outcome.stdout, "stdout": outcome.stdout}
    elif act.twin is not None:
        answer = await _on_twin(stage, act.name, act.twin)
        checks = judge_exchange(act.expect, answer, stage.names)
        sources = {"json": answer.body}
    elif act.terminal is not None:
        await _place(stage, act.terminal)
        checks, screen = await terminal(stage, act, act.terminal)
        sources = {"screen": screen.text.encode()}
        if not all(check.met for check in checks):
            return tuple(checks)
    elif act.clock is not None:
        await move(stage, act.name, act.clock)
        return ()
    elif act.property is not None:
        return tuple(await prove(stage, act.name, act.property, perform))
    else:
        await _wait(stage, act)
        return ()
    for path, want in act.expect.files.items():
        checks += await _file(stage, text(path, stage.names), want)
    for pattern, listed in act.expect.listing.items():
        found = await _paths(stage, text(pattern, stage.names))
        checks += match(f"listing of {pattern}", listed, found, stage.names)
    for name, source in act.capture.items():
        found = captured(source, sources, answer)
        checks.append(Check(f"capture {name}", source, "nothing" if found is ABSENT else "found", found is not ABSENT))
        stage.names[name] = found
    return tuple(
        check if check.met or check.distance else msgspec.structs.replace(check, distance=1.0) for check in checks
    )


async def _wait(stage: Stage, act: Act) -> None:
    stage.steps.append(Step(act.name, f"wait {act.wait:g} s", ""))
    await asyncio.sleep(act.wait or 0)


async def _on_twin(stage: Stage, title: str, act: TwinAct) -> Exchange:
    said = " ".join(word for word in (act.method, text(act.path, stage.names)) if word)
    stage.steps.append(Step(title, f"(what the twin {act.name} was asked) {said}".strip(), "no answer"))
    answer = await act_on(stage.twins[act.name], act, stage.names)
    stage.steps[-1] = Step(title, stage.steps[-1].asked, brief(answer.body))
    return answer


async def _exchange(stage: Stage, title: str, http: Http) -> Exchange:
    path = text(http.path, stage.names)
    headers = {name.lower(): (name, text(value, stage.names)) for name, value in http.headers.items()}
    body = text(http.body, stage.names).encode("utf-8", "replace")
    if http.body_base64:
        body = base64.b64decode(text(http.body_base64, stage.names))
    if http.json is not msgspec.UNSET:
        body = as_json(render(http.json, stage.names)).encode("utf-8", "replace")
        headers.setdefault("content-type", ("Content-Type", "application/json"))
    if re.search(r"[\x00-\x20\x7f]", path) or any(re.search(r"[\r\n\0]", value) for _, value in headers.values()):
        raise Unsatisfied(f"no request can be made of {path!r}")
    asked = f"{http.method} {path} {brief(body)}".strip()
    stage.steps.append(Step(title, asked, "no response"))
    service = stage.services[http.service]
    answer = await stage.cell.http(
        service.port, http.method, path, headers=list(headers.values()), body=body, timeout=http.timeout
    )
    said = f"status {answer.status} {brief(answer.body)}".strip() if answer.status else answer.error
    stage.steps[-1] = Step(title, asked, said)
    if answer.error == BROKE:
        raise CellError(BROKE)
    if not answer.status:
        gone = "" if await service.alive() else f"; the service {http.service!r} has ended"
        raise Unsatisfied(f"no response: {answer.error}{gone}")
    if answer.cut:
        raise Unsatisfied(f"the response is longer than {MIB} bytes")
    return answer


async def _command(stage: Stage, title: str, run: Command) -> Outcome:
    await _place(stage, run)
    command = text(run.command, stage.names)
    inputs = "".join(f" [{text(path, stage.names)}: {brief(text(run.files[path], stage.names))}]" for path in run.files)
    stage.steps.append(Step(title, f"$ {command}{inputs}", "no exit"))
    env = stage.env | {name: text(value, stage.names) for name, value in run.env.items()}
    stdin = text(run.stdin, stage.names).encode("utf-8", "replace")
    stage.touched = True
    outcome = await stage.cell.run(command, stdin=stdin, env=env, timeout=run.timeout)
    stage.errors = tail(outcome.stderr) + lacked(outcome)
    stage.steps[-1] = Step(title, f"$ {command}{inputs}", f"exit {outcome.exit} {brief(outcome.stdout)}".strip())
    if outcome.lost:
        raise CellDied("the command was lost")
    if outcome.timed_out:
        raise Unsatisfied(f"the command took longer than {run.timeout:g} s")
    if outcome.cut:
        raise Unsatisfied(f"the command wrote more than {MIB} bytes")
    return outcome


async def _place(stage: Stage, wanted: Command | Terminal) -> None:
    for path, content in wanted.files.items():
        await stage.write(text(path, stage.names), text(content, stage.names).encode("utf-8", "replace"))
    for path, content in wanted.files_base64.items():
        await stage.write(text(path, stage.names), base64.b64decode(text(content, stage.names)))


async def _paths(stage: Stage, pattern: str) -> list[str]:
    """What fits the pattern, in order. Raises Unsatisfied for more than can be told."""
    outcome = await stage.cell.run(["python3", "-I", "-c", _GLOB, pattern], timeout=20.0)
    if outcome.lost:
        raise CellDied("the command was lost")
    if outcome.exit or outcome.cut or outcome.timed_out:
        raise Unsatisfied(f"what fits {pattern!r} cannot be listed: it is more than {MIB} bytes, or takes 20 s")
    return [path.decode("utf-8", "replace") for path in outcome.stdout.split(b"\0")[:-1]]


async def _file(stage: Stage, path: str, want: FileExpect) -> list[Check]:
    try:
        data = await stage.cell.read(path, limit=MIB)
    except (CellDied, NoEngine):
        raise
    except CellError:
        return [Check(f"file {path}", "nothing" if want.absent else "a file", "nothing", want.absent)]
    if want.absent:
        return [Check(f"file {path}", "nothing", f"{len(data)} bytes", False)]
    return list(judge_file(path, want, data, stage.names))
