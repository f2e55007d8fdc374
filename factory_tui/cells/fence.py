"""The fence: what the engine is asked to hold every container of ours to, whatever it is for.

Owns the options; docs/fence.md says what each is against, and `proof` looks from inside whether they hold.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import docker

from factory_tui.cells.protocol import MIB

if TYPE_CHECKING:
    from factory_tui.cells.protocol import CellLimits

AGENT = 1000
"""The uid and gid of commands in a docker cell."""
SHM = 16 * MIB
TMP = "/tmp"  # noqa: S108 - a tmpfs of the cell's own
WORK = "/work"
RUNNER = ("KILL", "SETGID", "SETUID")
"""The capabilities of process 1, the runner: to start commands as the agent, and to end them."""


@cache
def profile() -> str:
    """The seccomp profile, as the Docker API takes it."""
    text = resources.files(__package__).joinpath("seccomp.json").read_text("utf-8")
    return json.dumps(json.loads(text), separators=(",", ":"))


def options(limits: CellLimits, *, runtime: str = "", filtered: bool = True) -> dict[str, Any]:
    """What docker-py is given for a container besides its image, command and labels.

    ``runtime`` is the engine's name for one, empty for its default. ``filtered`` is False for engines without seccomp:
    they refuse profiles.
    """
    mount = f"rw,exec,nosuid,nodev,uid={AGENT},gid={AGENT}"
    inodes = f"nr_inodes={limits.work_inodes}"
    return {
        "user": "0:0",
        "cap_drop": ["ALL"],
        "cap_add": list(RUNNER),
        "security_opt": ["no-new-privileges", *([f"seccomp={profile()}"] if filtered else [])],
        "read_only": True,
        "network_mode": "none",
        "dns": ["127.0.0.1"],  # else the host's own servers stand in /etc/resolv.conf
        "ipc_mode": "private",
        "cgroupns": "private",
        "shm_size": SHM,
        "tmpfs": {
            WORK: f"{mount},mode=0755,size={limits.work_bytes},{inodes}",
            TMP: f"{mount},mode=1777,size={limits.tmp_bytes},{inodes}",
        },
        "mem_limit": limits.memory,
        "memswap_limit": limits.memory,
        "nano_cpus": int(limits.cpus * 1e9),
        "pids_limit": limits.pids,
        "ulimits": [
            docker.types.Ulimit(name="nofile", soft=limits.nofile, hard=limits.nofile),
            docker.types.Ulimit(name="core", soft=0, hard=0),
        ],
        "log_config": docker.types.LogConfig(type="none"),
        **({"runtime": runtime} if runtime else {}),
    }
