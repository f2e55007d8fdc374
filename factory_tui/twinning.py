"""`factory-tui twins`: what twins there are, how true each is to its service, and which of a run is to fail.

Imports stay inside the functions, as in `cli`.
"""

import argparse
import asyncio
import json
import sys
from typing import TYPE_CHECKING

from factory_tui.following import FAILED, SHIPPED, order, typed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory_tui.config.fidelity import Fidelity, Standing
    from factory_tui.config.twin import Twin
    from factory_tui.config.workspace import Workspace


def twins(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """List the twins, compare some with what was recorded of their services, or have one of a run fail."""
    return {"ls": _list, "check": _check, "fault": _fault}[arguments.action](workspace, arguments)


def _fault(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Have the engine set or clear a fault, and say what comes of it."""
    from factory_tui.domain.commands import SetFault
    from factory_tui.domain.faults import words

    run, twin, fault = arguments.run, arguments.twin, "" if arguments.fault == "none" else arguments.fault
    against = asyncio.run(order(workspace, SetFault(run, twin, fault)))
    if against != "":
        print(against or f"no engine runs here. Remedy: {typed(workspace, 'engine start')}", file=sys.stderr)
        return FAILED
    if fault:
        print(f"twin {twin} of {run} {words(fault)}, until {typed(workspace, f'twins fault {run} {twin} none')}")
        print("What is judged meanwhile is marked, does not ship and counts for nothing.")
    else:
        print(f"twin {twin} of {run} answers as it is")
    return SHIPPED


def _list(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Each twin in a line; fails where one cannot be used."""
    import msgspec

    from factory_tui.config.fidelity import standing
    from factory_tui.config.twin import all_twins
    from factory_tui.holding import columns

    found, problems = all_twins(workspace.twins)
    stands = {one.name: standing(workspace.twins, one) for one in found}
    if arguments.json:
        told = [_told(one, stands[one.name]) for one in found]
        print(json.dumps({"twins": told, "problems": [msgspec.structs.asdict(one) for one in problems]}))
        return FAILED if problems else SHIPPED
    if found:
        rows = [("TWIN", "STANDS FOR", "DIGEST", "FIDELITY", "")]
        rows += [(one.name, one.host, one.digest, stands[one.name].lamp, stands[one.name].why) for one in found]
        print("\n".join(columns(rows)))
    elif not problems:
        print("no twins in twins/. Make one: a seed with an API document and the loop `twin` (docs/twins.md)")
    for problem in problems:
        print(problem, file=sys.stderr)
    return FAILED if problems else SHIPPED


def _told(twin: "Twin", found: "Standing") -> dict[str, object]:
    measured = found.fidelity
    return {
        "name": twin.name,
        "host": twin.host,
        "variable": twin.variable,
        "digest": twin.digest,
        "lamp": found.lamp,
        "why": found.why,
        "share": measured.share if measured else None,
        "checked": measured.checked if measured else None,
    }


def _check(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Replay what was recorded; fails where a twin is not true to it."""
    from factory_tui.cells.protocol import CellError
    from factory_tui.config.fidelity import standing
    from factory_tui.config.twin import load_twin, recordings, twin_names
    from factory_tui.harness.hosting import TwinFault

    names = arguments.twin or [one for one in twin_names(workspace.twins) if recordings(workspace.twins, one)]
    chosen = [load_twin(workspace.twins, name) for name in names]
    if not chosen:
        print("no twin has recordings. Remedy: put HAR files into twins/NAME/recordings/", file=sys.stderr)
        return FAILED
    try:
        found = asyncio.run(_measured(workspace, chosen))
    except (CellError, TwinFault) as trouble:
        print(trouble, file=sys.stderr)
        if isinstance(trouble, TwinFault) and trouble.log:
            print(trouble.log, file=sys.stderr)
        return FAILED
    stands = [standing(workspace.twins, one) for one in chosen]
    if arguments.json:
        told = (
            _told(one, stand) | _misses(fidelity) for one, stand, fidelity in zip(chosen, stands, found, strict=True)
        )
        print(json.dumps(list(told)))
    else:
        for one, stand, fidelity in zip(chosen, stands, found, strict=True):
            print("\n".join(_report(one, stand, fidelity)))
    return SHIPPED if all(one.lamp == "faithful" for one in stands) else FAILED


async def _measured(workspace: "Workspace", chosen: "list[Twin]") -> "list[Fidelity]":
    """Measure each and keep it beside the twin. Raises Mistakes, TwinFault, CellError, OSError."""
    import datetime as dt

    from factory_tui.cells.choose import cells_of
    from factory_tui.config.fidelity import write_fidelity
    from factory_tui.config.load import load
    from factory_tui.harness.replaying import measure

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    settings = load(workspace.config)
    cells, why = await cells_of(workspace.identity, workspace.state / "cells", settings.cells, say)
    say(why)
    found = []
    try:
        for twin in chosen:
            now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
            measured = await measure(cells, workspace.identity, workspace.twins, twin, now)
            write_fidelity(workspace.twins, twin.name, measured)
            found.append(measured)
    finally:
        await cells.close()
    return found


def _misses(found: "Fidelity") -> dict[str, object]:
    import msgspec

    return {"misses": msgspec.to_builtins(found.misses), "recordings": msgspec.to_builtins(found.recordings)}


def _report(twin: "Twin", stand: "Standing", found: "Fidelity") -> "Iterator[str]":
    from factory_tui.domain.hostile import one_line

    yield f"{twin.name}: {stand.lamp}, {stand.why}"
    for name, one in found.recordings.items():
        new = "  drift: newer than the last check" if name in found.drift else ""
        yield f"  {name}  {one.matched}/{one.total}{new}"
    if found.skipped:
        yield f"  {found.skipped} exchanges with other hosts than {twin.host} left out"
    for miss in found.misses:
        yield "  " + one_line(f"{miss.recording} #{miss.entry} {miss.asked}: {'; '.join(miss.why)}", 400)
