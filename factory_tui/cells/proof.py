"""Whether the fence holds: looked at from inside a cell, and by what the Docker engine says of its host.

Owns the judgement of what `probe` found. A hole is a way to the host, or space on it without a limit; what the host
cannot enforce and something else makes up for is told with what that is.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from factory_tui.cells.diagnosis import Diagnosis
from factory_tui.cells.docker import DockerCells
from factory_tui.cells.fence import RUNNER, SHM, TMP, USERS, WORK
from factory_tui.cells.protocol import MIB, CellError, Labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory_tui.cells.protocol import CellLimits, Cells

SECONDS = 20
UNTRIED = "cell"
"""What is said to have failed when nothing could be looked at."""
_CAPABILITIES = {5: "KILL", 6: "SETGID", 7: "SETUID"}
_NAMES = ("/etc/resolv.conf", "/etc/hostname", "/etc/hosts")
"""Files of the engine's own that it puts into every container, for reading."""
_KINDS = {"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue"}
"""File systems that hold no data of the host's."""
_DEVICES = {f"/dev/{name}" for name in ("full", "null", "pts/ptmx", "ptmx", "random", "tty", "urandom", "zero")}
_KERNEL = "a kernel of its own ({}), not the host's"


async def prove(cells: DockerCells) -> list[Diagnosis]:
    """What holds and what does not, by a cell that is started for it and removed. A cell that cannot be had is told."""
    try:
        cell = await cells.start(Labels("", "", "proof"))
    except CellError as trouble:
        return [_untried(str(trouble))]
    try:
        text = resources.files(__package__).joinpath("probe.py").read_text("utf-8")
        outcome = await cell.run(["python3", "-I", "-S", "-c", f"{text}\nmain()"], timeout=SECONDS)
    finally:
        await cell.close()
    if outcome.exit != 0:
        said = outcome.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        return [_untried(f"it could not be looked at from inside: {said or f'exit {outcome.exit}'}")]
    seen = json.loads(outcome.stdout)
    host = str((await cells.ask(lambda c: c.info())).get("KernelVersion", ""))
    return list(judge(seen, cells.limits, host))


def holes(found: list[Diagnosis]) -> str:
    """Why the fence does not hold, in a sentence; empty where it does."""
    said = [f"{one.what}: {one.found}" for one in found if not one.well]
    return f"the fence does not hold, and cells count as UNFENCED: {'; '.join(said)}." if said else ""


async def breach(cells: Cells) -> str:
    """Why the fence of these does not hold; they then count as unfenced."""
    if not isinstance(cells, DockerCells):
        return ""
    why = holes(await prove(cells))
    cells.fenced = not why
    return why


def _untried(why: str) -> Diagnosis:
    found, _, remedy = why.partition(". Remedy: ")
    return Diagnosis(UNTRIED, False, found, remedy or "mend that, and try again")


def judge(seen: dict[str, Any], limits: CellLimits, host: str) -> Iterator[Diagnosis]:
    """What `probe` saw, against the fence. ``host`` is the release of the host's kernel."""
    own = seen["kernel"] if host and seen["kernel"] != host else ""
    yield from _agent(seen["status"], own)
    yield _calls(seen, own)
    yield from _files(seen, limits)
    yield from _reach(seen)
    yield from _amounts(seen, limits)


def _judged(what: str, well: bool, good: str, bad: str, remedy: str = "") -> Diagnosis:
    return Diagnosis(what, well, good if well else bad, "" if well else remedy)


def _agent(status: dict[str, list[str]], own: str) -> Iterator[Diagnosis]:
    """Who a command is."""
    ids = {*status.get("Uid", ()), *status.get("Gid", ()), *status.get("Groups", ())}
    told = ", ".join(sorted(ids))
    alone = len(ids) == 1 and all(int(one) in USERS for one in ids)
    yield _judged("user", alone, f"{told}, the cell's own, in no other group", f"users and groups {told}")
    held = [name for name in ("CapInh", "CapPrm", "CapEff", "CapAmb") if int(status.get(name, ["1"])[0], 16)]
    bound = int(status.get("CapBnd", ["0"])[0], 16)
    beyond = [str(bit) for bit in range(64) if bound >> bit & 1 and _CAPABILITIES.get(bit) not in RUNNER]
    wrong = f"a command has some: {', '.join(held)}" if held else f"the cell has number {', '.join(beyond)}"
    good = f"none; {', '.join(RUNNER)} are the runner's alone"
    yield _judged("capabilities", not held and not beyond, good, wrong, "see that no runtime or plugin adds any")
    fixed = status.get("NoNewPrivs") == ["1"]
    if not fixed and own:
        yield Diagnosis("privileges", True, "not told", instead=_KERNEL.format(own))
    else:
        yield _judged("privileges", fixed, "no program gains any", "a set-user-id program could gain some")


def _calls(seen: dict[str, Any], own: str) -> Diagnosis:
    shut = seen["shut"]
    refused = {"EPERM", "ENOSYS", "EAFNOSUPPORT", "EPROTONOSUPPORT"}
    still = [name for name, answer in shut.items() if answer not in refused]
    filtered = seen["status"].get("Seccomp") == ["2"]
    if own and (still or not filtered):
        return Diagnosis("system calls", True, f"{len(shut) - len(still)} of {len(shut)} shut", "", _KERNEL.format(own))
    good = f"filtered; {len(shut)} of {len(shut)} tried are shut"
    bad = (
        f"open: {', '.join(still)}" if filtered else f"not filtered; open: {', '.join(still) or 'none of those tried'}"
    )
    remedy = "use an engine and a kernel with seccomp"
    return _judged("system calls", filtered and not still, good, bad, remedy)


def _files(seen: dict[str, Any], limits: CellLimits) -> Iterator[Diagnosis]:
    """What can be written, and what of the host can be seen."""
    mounts = [(where, set(options.split(",")), *rest) for where, options, *rest in seen["mounts"]]
    closed = any("ro" in options for where, options, *_ in mounts if where == "/")
    well = closed and not seen["writable"]
    yield _judged("root", well, "read-only", f"can be written: {', '.join(seen['writable']) or '/'}")
    space = {where for where, options, kind, *_ in mounts if kind == "tmpfs" and {"rw", "nosuid", "nodev"} <= options}
    strange = [
        where
        for where, options, kind, device, _ in mounts
        if where not in ("/", *_NAMES)
        and kind not in _KINDS
        and not (kind == "tmpfs" and (where in space or where.startswith(("/dev", "/proc", "/sys")) or "ro" in options))
    ]
    open_names = [where for where, options, *_ in mounts if where in _NAMES and "rw" in options]
    wrong = ", ".join([*strange, *open_names, *seen["sockets"]])
    remedy = "cells take no volumes: see what adds them"
    yield _judged("host paths", not wrong, "none; no Docker socket", f"of the host: {wrong}", remedy)
    yield _judged("devices", set(seen["devices"]) <= _DEVICES, "none of hardware", ", ".join(seen["devices"]))
    wanted = {WORK: (limits.work_bytes, limits.work_inodes), TMP: (limits.tmp_bytes, limits.work_inodes)}
    wanted["/dev/shm"] = (SHM, limits.work_inodes)  # noqa: S108 - a tmpfs of the cell's own
    over = [
        f"{where} has {have[0] // MIB} MiB and {have[1]} files"
        for where, have in seen["spaces"].items()
        if where not in space or not (0 < have[0] <= wanted[where][0] and 0 < have[1] <= wanted[where][1])
    ]
    good = f"{limits.work_bytes // MIB} MiB and {limits.work_inodes} files, in memory"
    yield _judged("disk", not over, good, f"has no such limit: {'; '.join(over)}")


def _reach(seen: dict[str, Any]) -> Iterator[Diagnosis]:
    """What lies beyond the command."""
    alone = seen["interfaces"] == ["lo"] and seen["route"] == "ENETUNREACH"
    yield _judged("network", alone, "none but its own loopback", f"leads out: {', '.join(seen['interfaces'])}")
    touched = [name for name, answer in seen["runner"].items() if answer not in ("EACCES", "EPERM")]
    yield _judged("runner", not touched, "out of a command's reach", f"can be reached by its {', '.join(touched)}")


def _amounts(seen: dict[str, Any], limits: CellLimits) -> Iterator[Diagnosis]:
    """How much of the host a cell may use."""
    remedy = "an engine whose host has this cgroup controller; rootless needs cgroup v2 with delegation"
    yield _judged("processes", seen["pids"] == str(limits.pids), f"{limits.pids}", _amount(seen["pids"]), remedy)
    memory = f"{limits.memory // MIB} MiB"
    yield _judged("memory", seen["memory"] == str(limits.memory), memory, _amount(seen["memory"]), remedy)
    swap = seen["swap"] in ("0", str(limits.memory))  # v2 counts swap alone, v1 with memory
    instead = "" if swap else "what is in memory is bound; turn the host's swap off, or boot with swapaccount=1"
    yield Diagnosis("swap", True, "none" if swap else "the host cannot limit it", instead=instead)
    quota = seen["cpu"].split()[0] if seen["cpu"] else ""
    cpu = quota not in ("", "-1", "max")
    instead = "" if cpu else "commands have a timeout, and the kernel shares the processors out"
    yield Diagnosis("processors", True, f"{limits.cpus:g}" if cpu else "the host cannot limit them", instead=instead)
    well = 0 < seen["files"] <= limits.nofile and seen["core"] == 0
    bad = f"{seen['files']} open files, core dumps of {seen['core']} bytes"
    yield _judged("open files", well, f"{limits.nofile} a process; no core dumps", bad)


def _amount(seen: str) -> str:
    return f"{seen} is the limit that the cell sees" if seen else "no limit can be seen in the cell"
