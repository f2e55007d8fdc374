"""The fence: what the engine is asked to hold every container of ours to, whatever it is for.

Owns the options; docs/fence.md says what each is against, and `proof` looks from inside whether they hold.
"""

from __future__ import annotations

import json
import secrets
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from factory_tui.cells.protocol import MIB, NoRuntime

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from factory_tui.cells.protocol import CellLimits

AGENT = 1000
"""The uid and gid of commands in a user namespace of their own."""
USERS = range(30_000, 60_000)
"""The uids and gids of commands in Docker cells, one drawn for each: the kernel counts inotify instances, queues and
pipes by user over the whole host, and these are seldom anybody's. An engine with a user namespace maps 65,536.
"""
NEIGHBOURS = 5_000
"""How far above a cell's user that of its annex is."""
LABEL = "factory-tui."
"""What the names of the labels begin with by which containers of ours are known."""
SHM = 16 * MIB
TMP = "/tmp"  # noqa: S108 - a tmpfs of the cell's own
WORK = "/work"
ANNEX = "/annex"
ANNEX_SIZE = 32 * MIB
RUNNER = ("KILL", "SETGID", "SETUID")
"""The capabilities of process 1, the runner: to start commands as the agent, and to end them."""


class Terms(NamedTuple):
    """What differs between engines: the runtime asked for, by the engine's name (empty: its default), and whether it
    takes a seccomp profile; one without seccomp refuses them.
    """

    runtime: str = ""
    filtered: bool = True


PLAIN = Terms()


def terms(info: dict[str, Any], runtime: str) -> Terms:
    """Those of the engine with this answer to ``/info``. Raises NoRuntime for one that it does not have."""
    known = sorted(info.get("Runtimes") or ())
    if runtime and runtime not in known:
        raise NoRuntime(
            f'[cells] runtime = "{runtime}" is none of the Docker engine\'s: it has {", ".join(known)}. Remedy: '
            f"install {runtime}, name it under runtimes in the engine's daemon.json and restart that; or name another"
        )
    return Terms(runtime, any(option.startswith("name=seccomp") for option in info.get("SecurityOptions") or ()))


@cache
def profile() -> str:
    """The seccomp profile, as the Docker API takes it."""
    text = resources.files(__package__).joinpath("seccomp.json").read_text("utf-8")
    return json.dumps(json.loads(text), separators=(",", ":"))


def draw() -> int:
    """The user of a new cell's commands."""
    return secrets.choice(USERS)


def neighbour(user: int) -> int:
    """The user of what runs in the annex of that user's cell."""
    return user + NEIGHBOURS


def addresses(hosts: Iterable[str]) -> dict[str, str]:
    """An address of the loopback for each name, so that all can serve at one port."""
    return {host: f"127.0.1.{number}" for number, host in enumerate(hosts, 1)}


def options(
    limits: CellLimits,
    user: int,
    asked: Terms = PLAIN,
    volumes: Collection[str] = (),
    hosts: Collection[str] = (),
) -> dict[str, Any]:
    """What docker-py is given for a container besides its image, command and labels.

    ``volumes`` are those that the image declares: as they are, each would be space on the host without a limit. Here
    they share as much as the temp space has.
    """
    from docker.types import LogConfig, Ulimit  # noqa: PLC0415 - slow to load, which a process cell need not wait for

    mine = f"rw,nosuid,nodev,uid={user},gid={user},nr_inodes={limits.work_inodes}"
    other = mine.replace(str(user), str(neighbour(user)))
    return {
        "user": "0:0",
        "cap_drop": ["ALL"],
        "cap_add": list(RUNNER),
        "security_opt": ["no-new-privileges", *([f"seccomp={profile()}"] if asked.filtered else [])],
        "read_only": True,
        "network_mode": "none",
        "dns": ["127.0.0.1"],  # else the host's own servers stand in /etc/resolv.conf
        "ipc_mode": "private",
        "cgroupns": "private",
        "tmpfs": {
            **dict.fromkeys(volumes, f"{mine},exec,mode=0755,size={limits.tmp_bytes // max(1, len(volumes))}"),
            WORK: f"{mine},exec,mode=0755,size={limits.work_bytes}",
            TMP: f"{mine},exec,mode=1777,size={limits.tmp_bytes}",
            "/dev/shm": f"{mine},noexec,mode=1777,size={SHM}",  # noqa: S108 - the cell's own
            **({ANNEX: f"{other},exec,mode=0700,size={ANNEX_SIZE}"} if hosts else {}),
        },
        **({"extra_hosts": addresses(hosts)} if hosts else {}),
        "mem_limit": limits.memory,
        "memswap_limit": limits.memory,
        "nano_cpus": int(limits.cpus * 1e9),
        "pids_limit": limits.pids,
        "ulimits": [
            Ulimit(name="nofile", soft=limits.nofile, hard=limits.nofile),
            Ulimit(name="core", soft=0, hard=0),
        ],
        "log_config": LogConfig(type="none"),
        "healthcheck": {"test": ["NONE"]},  # an image's own would run now and then, as root
        **({"runtime": asked.runtime} if asked.runtime else {}),
    }
