"""`factory-tui cells`: which cells there are, what they use, and away with those that nobody needs.

Imports stay inside the functions, as in `cli`.
"""

import argparse
import asyncio
import shutil
import sys
import time
from typing import TYPE_CHECKING

from factory_tui.following import FAILED, SHIPPED, USAGE, typed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory_tui.config.workspace import Workspace
    from factory_tui.domain.live import LiveCell
    from factory_tui.engine.inventory import Owned

SHORT = 12
"""Characters of a cell's name that are shown; as many, or fewer, name it again."""
_CLEAR = "\033[H\033[J"


def cells(workspace: "Workspace | None", arguments: argparse.Namespace) -> int:
    """Do what was asked of the workspace's cells; without a workspace, of every one's."""
    match arguments.action:
        case "rm":
            return _remove(workspace, arguments)
        case "stats":
            return _stats(workspace, as_json=arguments.json)
        case _:
            return _list(workspace, arguments)


def _list(workspace: "Workspace | None", arguments: argparse.Namespace) -> int:
    import msgspec

    from factory_tui.engine.inventory import inventory

    found = asyncio.run(inventory(workspace, every=arguments.all, measured=True))
    if arguments.json:
        print(msgspec.json.encode(found).decode())
    else:
        for line in _table(found.cells, every=arguments.all):
            print(line)
    if found.trouble:
        print(f"containers could not be looked at: {found.trouble}", file=sys.stderr)
        return SHIPPED if found.cells else FAILED
    return SHIPPED


def _table(found: "Sequence[Owned]", *, every: bool) -> list[str]:
    from factory_tui.console.figures import duration

    if not found:
        return ["no cells"]
    now = time.time()
    rows: list[tuple[str, ...]] = [
        ("CELL", "RUN", "ROLE", "PASS", "KIND", "IMAGE", "STATE", "AGE", "MEMORY", "NEEDED"),
        *(
            (
                one.cell[:SHORT] if one.kind == "docker" else one.cell,
                one.run or "-",
                one.role,
                str(one.number or "-"),
                one.kind if one.fenced else f"{one.kind} UNFENCED",
                one.image.removeprefix("sha256:")[:SHORT] if one.image.startswith("sha256:") else one.image or "-",
                one.state,
                duration(now - one.since / 1000),
                _mebibytes(one.memory),
                one.needed or "no",
            )
            for one in found
        ),
    ]
    if every:
        rows = [(*row, name) for row, name in zip(rows, ("WORKSPACE", *(one.workspace for one in found)), strict=True)]
    lines = columns(rows)
    if sys.stdout.isatty() and max(map(len, lines)) > shutil.get_terminal_size().columns:
        image = rows[0].index("IMAGE")  # the longest, and the least asked for; --json has it
        lines = columns([(*row[:image], *row[image + 1 :]) for row in rows])
    return lines


def columns(rows: "Sequence[Sequence[str]]") -> list[str]:
    """Rows of a table as lines, whatever is in them."""
    from factory_tui.domain.hostile import one_line

    clean = [[one_line(cell, 200) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in clean) for at in range(len(clean[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in clean]


def _mebibytes(octets: int | None) -> str:
    return "not measured" if octets is None else f"{octets / (1 << 20):.0f} MiB"


def _remove(workspace: "Workspace | None", arguments: argparse.Namespace) -> int:
    from factory_tui.engine.inventory import inventory, remove

    named = arguments.cell
    found = asyncio.run(inventory(workspace, every=bool(named) or arguments.all, measured=False))
    chosen, against = _chosen(found.cells, named)
    for line in against:
        print(line, file=sys.stderr)
    if found.trouble:
        print(f"containers could not be looked at: {found.trouble}", file=sys.stderr)
    if named and against:
        return FAILED
    if not chosen:
        print("no cell to remove")
        return FAILED if found.trouble else SHIPPED
    if not arguments.yes and not _sure(chosen):
        return USAGE
    failed = asyncio.run(remove(workspace, chosen))
    for line in failed:
        print(line, file=sys.stderr)
    print(f"{len(chosen) - len(failed)} removed")
    return FAILED if failed else SHIPPED


def _chosen(found: "Sequence[Owned]", named: "Sequence[str]") -> "tuple[list[Owned], list[str]]":
    """The cells to remove, and why others stay."""
    if not named:
        kept = [f"stays: {one.cell[:SHORT]}, {one.needed}" for one in found if one.needed]
        return [one for one in found if not one.needed], kept
    chosen, against = [], []
    for name in named:
        meant = [one for one in found if one.cell.startswith(name)]
        if len(meant) != 1:
            told = "there is no cell" if not meant else f"{len(meant)} cells begin with"
            against.append(f"{told} {name}. Remedy: see `factory-tui cells ls --all`")
        elif meant[0].needed:
            against.append(f"{name} is in use: {meant[0].needed}. Remedy: stop that first")
        else:
            chosen.append(meant[0])
    return chosen, against


def _sure(chosen: "Sequence[Owned]") -> bool:
    for one in chosen:
        whose = f"{one.role} of {one.run}" if one.run else one.role
        print(f"{one.cell[:SHORT]}  {whose}, {one.state}{f'; LOSES {one.loses}' if one.loses else ''}")
    if not sys.stdin.isatty():
        print("nothing was removed: nobody is there to be asked. Remedy: say --yes", file=sys.stderr)
        return False
    number = "this cell" if len(chosen) == 1 else f"these {len(chosen)} cells"
    return input(f"Remove {number} with all that is in it? [y/N] ").strip().lower() in {"y", "yes"}


def _stats(workspace: "Workspace | None", *, as_json: bool) -> int:
    from factory_tui.link.protocol import NoAnswer

    if workspace is None:
        print(
            "stats are of one workspace's cells. Remedy: go to its folder, or name it by --workspace", file=sys.stderr
        )
        return USAGE
    try:
        asyncio.run(_watch(workspace, as_json=as_json))
    except NoAnswer:
        start, listed = typed(workspace, "engine start"), typed(workspace, "cells ls")
        print(
            f"no engine runs on this workspace, so nobody looks at its cells. Remedy: {start}; {listed} needs none",
            file=sys.stderr,
        )
        return FAILED
    except KeyboardInterrupt:
        return SHIPPED
    return SHIPPED


async def _watch(workspace: "Workspace", *, as_json: bool) -> None:
    """Until the engine goes, or somebody breaks it off."""
    import msgspec

    from factory_tui.domain.live import LiveCell
    from factory_tui.link.client import Link

    link = await Link.connect(workspace.socket)
    try:
        up = {one.cell: one for one in await link.watch(None)}
        drawn = 0.0
        if not as_json:
            _draw(up)
        async for message in link:
            if not isinstance(message, LiveCell):
                continue
            if as_json:
                print(msgspec.json.encode(message).decode(), flush=True)
            elif message.up:
                up[message.cell] = message
            else:
                up.pop(message.cell, None)
            if not as_json and time.monotonic() - drawn > _REDRAWN:
                drawn = time.monotonic()
                _draw(up)
    finally:
        await link.close()


_REDRAWN = 0.5
"""Seconds between two drawings, at least."""


def _draw(up: "dict[str, LiveCell]") -> None:
    from factory_tui.domain.gauges import parts, word

    rows: list[tuple[str, ...]] = [("CELL", "RUN", "ROLE", "PASS", "MEM", "CPU", "PIDS", "WORK", "TMP")]
    for one in sorted(up.values(), key=lambda cell: (cell.run, cell.role, cell.since)):
        figures = ["not measured" if one.kind == "process" else "-", "-", "-", "-", "-"]
        if one.gauge is not None:
            figures = []
            for name, used, limit in parts(one.gauge):
                share = used / limit if limit else 0.0
                said = word(share) if name != "cpu" else ""
                figures.append(f"{share:.0%}{f' {said}' if said else ''}" if limit else f"{used:.0f}")
        rows.append((one.cell[:SHORT], one.run or "-", one.role, str(one.number or "-"), *figures))
    print((_CLEAR if sys.stdout.isatty() else "") + "\n".join(columns(rows)), flush=True)
