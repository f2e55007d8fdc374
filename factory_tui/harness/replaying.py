"""A twin's recorded exchanges, replayed against it in a cell of its own: how true it is to its service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from factory_tui.cells.holder import this_process
from factory_tui.cells.protocol import Labels, Mould
from factory_tui.config.fidelity import Fidelity, Miss, Recorded, digests, drifted, read_fidelity
from factory_tui.config.reading import Mistakes, Problem
from factory_tui.config.twin import RECORDINGS, recordings
from factory_tui.harness.hosted import HostedTwin
from factory_tui.harness.hosting import host
from factory_tui.twins.fidelity import Comparison, read_har

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from factory_tui.cells.protocol import Cell, Cells
    from factory_tui.config.twin import Twin
    from factory_tui.harness.hosting import Hosted
    from factory_tui.twins.fidelity import Recording

MISSES = 50
"""Misses that are kept."""
DATA = ".data.json"
"""After a recording's name: the file of what the twin begins that recording with."""


async def measure(cells: Cells, workspace: str, twins: Path, twin: Twin, now: str) -> Fidelity:
    """Replay every recording of a twin, each from its beginning. Raises Mistakes, TwinFault, CellError, OSError."""
    paths = recordings(twins, twin.name)
    if not paths:
        remedy = "Record exchanges with the real service, as HAR, and put them there."
        raise Mistakes(Problem(f"twins/{twin.name}/{RECORDINGS}", 0, "", "there is no recording (*.har).", remedy))
    known = {path: read_har(path.read_bytes(), f"twins/{twin.name}/{RECORDINGS}/{path.name}") for path in paths}
    told = digests(twins, twin.name)
    found, misses, skipped = dict[str, Recorded](), list[Miss](), 0
    cell = await cells.start(Labels(workspace, "", "twin", 0, this_process()), Mould(hosts=(twin.host,)))
    try:
        hosted = (await host(cell, [twin], [HostedTwin(twin.name)], {}, near=True))[twin.name]
        for path, exchanges in known.items():
            mine = [one for one in exchanges if one.host == twin.host]
            skipped += len(exchanges) - len(mine)
            await hosted.begin_anew(_data(path), {})
            wrong = [miss async for miss in _replayed(cell, hosted, path.name, mine)]
            misses += wrong
            found[path.name] = Recorded(told[path.name], len(mine) - len(wrong), len(mine))
    finally:
        await cell.close()
    drift = drifted(read_fidelity(twins, twin.name), found)
    return Fidelity(twin.digest, now, found, tuple(misses[:MISSES]), drift, skipped)


async def _replayed(cell: Cell, hosted: Hosted, name: str, exchanges: Sequence[Recording]) -> AsyncIterator[Miss]:
    """Ask in the order of the recording; what is answered otherwise."""
    comparison = Comparison(hosted.twin.volatile)
    for one in exchanges:
        headers = [(key, comparison.request(value)) for key, value in (("Host", hosted.twin.host), *one.headers)]
        path, body = comparison.request(one.path), comparison.request(one.body).encode("utf-8", "replace")
        answer = await cell.http(hosted.port, one.method, path, headers=headers, body=body)
        media = next((value for key, value in answer.headers if key.lower() == "content-type"), "")
        why = comparison.compare(one, answer.status, media, answer.body) if answer.status else (answer.error,)
        if why:
            yield Miss(name, one.number, one.asked, why)


def _data(recording: Path) -> Any:
    """What the twin begins with; UNSET: its own. Raises Mistakes."""
    path = recording.with_name(recording.stem + DATA)
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return msgspec.UNSET
    except ValueError as error:
        file = f"twins/{recording.parent.parent.name}/{RECORDINGS}/{path.name}"
        raise Mistakes(Problem(file, 0, "", f"is no JSON: {error}.", "Mend it, or remove it.")) from None
