"""The services of a scenario: started in its cell before the first act, waited for, and asked for their logs."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from factory_tui.cells.protocol import CellError, Exchange, NoEngine
from factory_tui.harness.draws import text
from factory_tui.harness.stage import Unsatisfied, lacked, tail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory_tui.harness.shapes import Service
    from factory_tui.harness.stage import Stage

POLL = 0.03
"""Seconds between two looks at a service that is not ready."""
STOP = 10.0
"""Seconds that a service has to end before its log is given up."""


async def serve(stage: Stage, services: Sequence[Service]) -> None:
    """Start them in order, each once the one before is ready. Raises Unsatisfied for one that does not come up."""
    for wanted in services:
        env = stage.env | {name: text(value, stage.names) for name, value in wanted.env.items()}
        stage.touched = True
        service = await stage.cell.serve(text(wanted.command, stage.names), env=env)
        stage.services[wanted.name] = service
        path, deadline = text(wanted.ready.path, stage.names), time.monotonic() + wanted.ready.timeout
        answer = Exchange(0, error="it did not answer")
        while time.monotonic() < deadline:
            answer = await stage.cell.http(service.port, "GET", path, timeout=min(2.0, wanted.ready.timeout))
            if answer.status and wanted.ready.status in (None, answer.status):
                break
            if not await service.alive():
                raise Unsatisfied(f"the service {wanted.name!r} ended before it was ready")
            await asyncio.sleep(POLL)
        else:
            said = answer.error or f"status {answer.status}"
            raise Unsatisfied(f"the service {wanted.name!r} was not ready in {wanted.ready.timeout:g} s: {said}")


async def logs(stage: Stage) -> str:
    """End every service; the end of what each wrote."""
    told = ""
    for name, service in stage.services.items():
        try:
            async with asyncio.timeout(STOP):
                outcome = await service.stop()
        except NoEngine:
            raise
        except CellError as error:
            told += f"\n(no log of {name}: {error})"
        except TimeoutError:
            told += f"\n(no log of {name}: it did not end within {STOP:g} s)"
        else:
            told += (tail(outcome.stderr) or tail(outcome.stdout)) + lacked(outcome)
    return told
