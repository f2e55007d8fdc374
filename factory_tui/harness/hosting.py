"""The twins of a trajectory: planted in its cell's annex, started behind our front, steered, and looked at.

Owns how a twin comes up in a cell, and what is known of one that broke. What a twin is belongs to `config.twin`, and
how requests are passed on and spoilt to `twins.front`.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec

from factory_tui.cells.protocol import MIB, CellError, Entry, Exchange
from factory_tui.harness.draws import render, text
from factory_tui.harness.expressions import as_json
from factory_tui.harness.hosted import HostedTwin
from factory_tui.harness.spoiling import file_of
from factory_tui.harness.stage import Step, Unsatisfied, brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from factory_tui.cells.protocol import Cell, Service
    from factory_tui.config.twin import Twin
    from factory_tui.harness.draws import Inputs
    from factory_tui.harness.hosted import Fault, TwinAct

FRONT = ".front"
"""The folder of what stands before the twins."""
MODULES = ("front", "doors")
BEGINS = f"import sys; sys.path.insert(0, {FRONT!r}); from factory_tui.twins.doors import main; main()"
POLL = 0.02
START = 20.0
"""Seconds that a front may take to be there, besides the time that the twin has."""
STEER = 20.0
TOLD = 4
"""Requests that evidence shows: the last."""


class TwinFault(Exception):  # noqa: N818
    """A twin did not start, or broke: nothing is known of the product. `log` is the end of what the twin wrote."""

    def __init__(self, twin: str, why: str, log: str = "") -> None:
        super().__init__(f"the twin {twin} is at fault: {why}")
        self.twin = twin
        self.log = log


class Hosted:
    """A twin that runs in a cell."""

    def __init__(self, cell: Cell, twin: Twin, front: Service, token: str) -> None:
        self.twin = twin
        self.url = ""
        """As the product has to ask."""
        self.port = 0
        self._cell, self._front, self._token = cell, front, token
        self._data = 0

    async def steer(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Have something changed, and hear how things are. Raises CellError where the front does not answer."""
        answer = await self._ask(order)
        if answer.status != 200:
            raise CellError(f"the front of the twin {self.twin.name} does not answer: {answer.error or answer.status}")
        try:
            said: dict[str, Any] = json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise CellError(f"what the twin {self.twin.name} was asked cannot be read: {error}") from error
        return said

    async def _ask(self, order: Mapping[str, Any]) -> Exchange:
        head = [("Authorization", self._token), ("Content-Type", "application/json")]
        body = json.dumps(order).encode()
        return await self._cell.http(
            self._front.port, "POST", "/", headers=head, body=body, timeout=STEER, limit=16 * MIB
        )

    async def up(self) -> None:
        """Wait until it answers. Raises TwinFault, CellError."""
        ends = time.monotonic() + START + self.twin.ready.timeout
        answer = Exchange(0, error="there was no time")
        while time.monotonic() < ends:
            answer = await self._ask({})
            if answer.status == 200:
                said = json.loads(answer.body)
                if said["broken"]:
                    raise TwinFault(self.twin.name, said["broken"], said["log"])
                if said["ready"]:
                    self.port, self.url = said["port"], self._url(said["port"])
                    return
            elif not await self._front.alive():
                ended = await self._front.stop()
                raise CellError(f"the front of the twin {self.twin.name} ended: {ended.stderr.decode()[-500:]}")
            await asyncio.sleep(POLL)
        raise CellError(f"the front of the twin {self.twin.name} did not start: {answer.error or answer.status}")

    def _url(self, port: int) -> str:
        host = self.twin.host if self.twin.host in self._cell.hosts else "127.0.0.1"
        return f"http://{host}" if port == 80 else f"http://{host}:{port}"

    async def begin_anew(self, data: Any, order: Mapping[str, Any]) -> None:
        """Have it begin anew, with this data or its own (UNSET), by this order. Raises TwinFault, CellError."""
        data, path = own_data(self.twin) if data is msgspec.UNSET else data, ""
        if data is not msgspec.UNSET:
            self._data += 1
            path = await _planted(self._cell, f"{self.twin.name}.{self._data}.json", data)
        await self.steer({**order, "reset": path})
        await self.up()


def own_data(twin: Twin) -> Any:
    """What it begins with where nobody gives it anything; UNSET: nothing."""
    found = next((one.data for one in twin.files if one.path == twin.seed_data), None)
    return msgspec.UNSET if found is None else json.loads(found)


async def settle_in(cell: Cell, twins: Sequence[Twin]) -> None:
    """Have them beside whatever runs in a cell from now on. Raises TwinFault, CellError."""
    hosted = await host(cell, twins, [HostedTwin(twin.name) for twin in twins], {}, again=True)
    await cell.tell({one.twin.variable: one.url for one in hosted.values()})


async def _planted(cell: Cell, name: str, data: Any) -> str:
    """What a twin is to begin with, as a file of the annex; its path."""
    await cell.plant([Entry(name, "file", data=as_json(data).encode())], annex=True)
    return f"{cell.annex}/{name}"


async def host(
    cell: Cell,
    twins: Sequence[Twin],
    asked: Sequence[HostedTwin],
    names: Inputs,
    *,
    near: bool = False,
    again: bool = False,
) -> dict[str, Hosted]:
    """Start them all and wait until each is up. Raises TwinFault, CellError.

    ``near``: they are where Cell.http asks. ``again``: one that gives no answer begins anew by itself.
    """
    if not asked:
        return {}
    known = {twin.name: twin for twin in twins}
    entries = list(_front())
    for twin in (known[one.name] for one in asked):
        entries += [Entry(f"{twin.name}/{file.path}", "file", file.mode, file.data) for file in twin.files]
    await cell.plant(entries, annex=True)
    hosted = {one.name: await _begin(cell, known[one.name], one, names, near=near, again=again) for one in asked}
    for one in hosted.values():
        await one.up()
    return hosted


def _front() -> Iterator[Entry]:
    """What stands before a twin, each module under its own name."""
    for module in MODULES:
        code = resources.files("factory_tui.twins").joinpath(f"{module}.py").read_bytes()
        yield Entry(f"{FRONT}/factory_tui/twins/{module}.py", "file", data=code)


async def _begin(cell: Cell, twin: Twin, asked: HostedTwin, names: Inputs, *, near: bool, again: bool) -> Hosted:
    token = secrets.token_hex(16)
    data = own_data(twin) if asked.data is msgspec.UNSET else render(asked.data, names)
    config = {
        "token": token,
        "command": twin.command,
        "folder": f"{cell.annex}/{twin.name}",
        "host": twin.host,
        "again": again,
        "address": "" if near else cell.hosts.get(twin.host, ""),
        "ready": msgspec.to_builtins(twin.ready),
        "data": "" if data is msgspec.UNSET else await _planted(cell, f"{twin.name}.json", data),
        "latency": asked.latency,
        "fault": f"{cell.annex}/{file_of(twin.name)}",
        "faults": rules(asked.faults, names),
    }
    env = {"FRONT": json.dumps(config)}
    return Hosted(cell, twin, await cell.serve(["python3", "-I", "-S", "-B", "-c", BEGINS], env=env, annex=True), token)


def rules(faults: Sequence[Fault], names: Inputs) -> list[dict[str, Any]]:
    """The faults as the front takes them."""
    return [_rule(fault, names) for fault in faults]


def _rule(fault: Fault, names: Inputs) -> dict[str, Any]:
    headers = {text(name, names): text(value, names) for name, value in fault.headers.items()}
    body = text(fault.body, names)
    if fault.json is not msgspec.UNSET:
        body = as_json(render(fault.json, names))
        headers = {"Content-Type": "application/json", **headers}
    return {
        **{name: getattr(fault, name) for name in ("method", "times", "after", "status", "timeout", "reached")},
        "path": text(fault.path, names),
        "headers": headers,
        "body": body,
    }


async def act_on(hosted: Hosted, act: TwinAct, names: Inputs) -> Exchange:
    """Do what an act asks of a twin; what it was asked, as the body of an exchange.

    Raises TwinFault, CellError, and Unsatisfied where a product may hide what it asks in a flood.
    """
    began = time.monotonic()
    look = {"asked": {"method": act.method, "path": text(act.path, names)}}
    order: dict[str, Any] = {}
    if act.latency is not None:
        order["latency"] = act.latency
    if act.faults is not None:
        order["faults"] = rules(act.faults, names)
    if act.reset:
        so_far = await hosted.steer({})
        if so_far["broken"] and not so_far["around"]:  # else the product may have broken it, behind our back
            raise TwinFault(hosted.twin.name, so_far["broken"])
        await hosted.begin_anew(msgspec.UNSET if act.data is msgspec.UNSET else render(act.data, names), order)
        order = {}
    said = await hosted.steer({**order, **look})
    if said["lost"]:
        raise Unsatisfied(
            f"it asked the twin {hosted.twin.name} for more than can be kept: {said['lost']} requests are lost"
        )
    seen = {"count": said["count"], "requests": said["requests"]}
    return Exchange(200, (), json.dumps(seen).encode(), time.monotonic() - began)


async def settle(twins: Mapping[str, Hosted]) -> tuple[list[Step], str]:
    """What each twin was asked, as steps; and what a product did that it may not. Raises TwinFault, CellError."""
    steps: list[Step] = []
    for name, hosted in twins.items():
        said = await hosted.steer({"asked": {}})
        steps += [_step(name, one) for one in said["requests"][-TOLD:]]
        if said["around"]:
            return steps, f"it asked the twin {name} behind the address that it was given"
        if said["broken"]:
            raise TwinFault(name, said["broken"], said["log"])
    return steps, ""


def _step(name: str, one: Mapping[str, Any]) -> Step:
    sent = json.dumps(one["json"], ensure_ascii=False) if "json" in one else one["body"]
    query = f"?{one['query']}" if one["query"] else ""
    fault = f" (by a fault: {one['fault']})" if one["fault"] else ""
    answered = f"status {one['status']}{fault}" if one["status"] else f"no answer{fault}"
    asked = brief(f"{one['method']} {one['path']}{query}")
    return Step("", f"(asked the twin {name}) {asked} {brief(sent)}".strip(), answered)
