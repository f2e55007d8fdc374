"""The cells that there are, whoever started them: containers of ours on a Docker engine, and records of process cells.

From outside: no engine of this program is asked, so it serves when none runs. What has none of our labels is not seen.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

import docker.errors
import msgspec
import requests

from factory_tui.cells.containers import labelled, labels_of
from factory_tui.cells.containers import remove as remove_container
from factory_tui.cells.process import Record, erase
from factory_tui.cells.protocol import Kind, Labels
from factory_tui.domain.decoding import prepared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from factory_tui.cells.client import Engine

_AT_ONCE = 16
"""Containers that are asked of at once: what one uses takes the engine a second to say."""


class Listed(msgspec.Struct, frozen=True):
    """A cell as its machine knows it."""

    cell: str
    kind: Kind
    labels: Labels
    """As it was made: one that was started ahead says so for good."""
    image: str
    state: str
    """Docker's word, such as running, paused or exited; of a process cell `recorded`."""
    since: int
    """UTC ms at which it was made."""
    memory: int | None = None
    """Bytes, without what the kernel would give back; None: not measured."""
    entered: bool = False
    """Whether somebody has a shell in it."""


def containers(client: "Engine", *, measured: bool) -> list[Listed]:
    """All containers of ours on the engine; with what each uses, for which the engine needs a moment each."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        found = threads.map(lambda one: _listed(client, one, measured), labelled(client))
        return [one for one in found if one is not None]


def _listed(client: "Engine", found: dict[str, Any], measured: bool) -> Listed | None:
    name = found["Id"]
    try:
        seen = client.api.inspect_container(name)
        memory = _memory(client, name) if measured and seen["State"]["Running"] else None
    except docker.errors.NotFound:
        return None  # it has just gone
    state, since = seen["State"]["Status"], datetime.fromisoformat(f"{seen['Created'][:19]}+00:00")
    return Listed(
        name,
        "docker",
        labels_of(found["Labels"]),
        found["Image"],
        state,
        int(since.timestamp() * 1000),
        memory,
        bool(seen["ExecIDs"]),
    )


def _memory(client: "Engine", name: str) -> int | None:
    """As `docker stats` counts it, on both versions of control groups."""
    try:
        memory = client.api.stats(name, stream=False, one_shot=True)["memory_stats"]
    except requests.JSONDecodeError:
        return None  # the engine says nothing of one that ends just now
    if "usage" not in memory:
        return None
    more = memory.get("stats", {})
    return int(memory["usage"]) - int(more.get("total_inactive_file", more.get("inactive_file", 0)))


def processes(state: "Path") -> "Iterator[Listed]":
    """The process cells that a workspace's records name; `state` is the folder of the records."""
    for path in sorted(state.glob("process-*.json")):
        try:
            record = msgspec.json.decode(path.read_bytes(), type=prepared(Record))
        except (msgspec.DecodeError, FileNotFoundError):
            continue  # being written, or gone
        yield Listed(record.id, "process", record.labels, "", "recorded", int(path.stat().st_mtime * 1000))


def remove(client: "Engine | None", state: "Path | None", cell: Listed) -> None:
    """Remove it with all that is in it; one that is gone is fine."""
    if cell.kind == "docker":
        if client is None:
            raise ValueError("a container without its engine")
        remove_container(client, cell.cell)
    elif state is not None:
        path = state / f"{cell.cell}.json"
        if path.exists():
            erase(msgspec.json.decode(path.read_bytes(), type=prepared(Record)), path)
