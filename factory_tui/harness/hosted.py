"""The shapes by which a scenario asks for twins: which, with what data, and how their answers are spoilt.

Owns names, types, defaults and what makes no sense in them; `hosting` starts them.
"""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from factory_tui.config.lines import Step

Seconds = Annotated[float, msgspec.Meta(ge=0, le=30)]
Found = tuple[tuple[Step, ...], str, str]
"""Where, what is wrong, and the remedy."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table that refuses keys it does not know."""


class Fault(_Table, frozen=True):
    """How requests are spoilt: exactly one of `status`, `timeout` and `drop`, for the first `times` that fit."""

    method: str = ""
    path: str = ""
    """`*` is one segment; empty: any."""
    times: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    after: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0
    """So many that fit are passed on first."""
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] | None = None
    headers: dict[str, str] = {}
    json: Any = msgspec.UNSET
    body: str = ""
    timeout: bool = False
    """There is no answer, and the connection stays open."""
    drop: bool = False
    """The connection is closed without an answer."""
    reached: bool = False
    """The twin does what is asked all the same; its answer is lost."""


class HostedTwin(_Table, frozen=True):
    """A twin that runs in the trajectory's cell, under the host name of the service it stands for."""

    name: str
    data: Any = msgspec.UNSET
    """What it begins with, instead of its own seed_data."""
    latency: Seconds = 0.0
    """Before each answer."""
    faults: list[Fault] = []


class TwinAct(_Table, frozen=True):
    """A look at what a twin was asked, by method and path; before that it is changed, where that is asked for."""

    name: str
    method: str = ""
    path: str = ""
    reset: bool = False
    """It begins anew, and what it was asked is forgotten."""
    data: Any = msgspec.UNSET
    """What it begins anew with."""
    latency: Seconds | None = None
    faults: list[Fault] | None = None
    """In place of those that it had."""


def lint(twins: list[HostedTwin]) -> Iterator[Found]:
    """What makes no sense in the `[[twin]]` tables."""
    names = [twin.name for twin in twins]
    for number, twin in enumerate(twins):
        if twin.name in names[:number]:
            yield ("twin", number, "name"), f"the twin `{twin.name}` is asked for twice.", "Take one of them out."
        yield from _lint_faults(("twin", number), twin.faults)


def lint_act(steps: tuple[Step, ...], act: TwinAct, names: list[str]) -> Iterator[Found]:
    """What makes no sense in an act on a twin."""
    if act.name not in names:
        remedy = f"Ask for it by [[twin]], or use one of: {', '.join(names) or 'none is asked for'}."
        yield (*steps, "name"), f"the twin `{act.name}` is not asked for.", remedy
    if act.data is not msgspec.UNSET and not act.reset:
        yield (*steps, "data"), "a twin takes data only as it begins.", "Add reset = true."
    yield from _lint_faults(steps, act.faults or [])


def _lint_faults(steps: tuple[Step, ...], faults: list[Fault]) -> Iterator[Found]:
    for number, fault in enumerate(faults):
        place = (*steps, "faults", number)
        if sum((fault.status is not None, fault.timeout, fault.drop)) != 1:
            yield place, "a fault is exactly one of status, timeout and drop.", "Split it into faults."
        if fault.json is not msgspec.UNSET and fault.body:
            yield place, "it has two bodies.", "Give json or body."
        if fault.status is None and (fault.headers or fault.body or fault.json is not msgspec.UNSET):
            yield place, "without a status there is no answer.", "Take headers and body out, or give a status."
        if fault.path and not fault.path.startswith(("/", "*", "{")):
            yield (*place, "path"), f"`{fault.path}` is no path.", "Begin it with /; * is one segment."
