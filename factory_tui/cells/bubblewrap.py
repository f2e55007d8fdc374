"""bubblewrap around a process cell's runner: namespaces of its own, the system read-only, no network, no capability.

Owns the words for `bwrap`, and the look from inside whether they hold on this machine. Two shapes: a plain user gets a
user namespace, whose one user is runner and agent both, so the runner shuts its memory; root needs none, and gives each
cell a user of its own that nobody else has.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from factory_tui.cells import bpf, fence, group
from factory_tui.cells.protocol import MIB, CellLimits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

PATH: Final = "/usr/local/bin:/usr/bin:/bin"
_PATIENCE: Final = 10
_SYSTEM: Final = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_STORES: Final = ("/nix/store", "/gnu/store")
_ETC: Final = ("alternatives", "ca-certificates", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "ssl/certs")
_COUNTED: Final = (5, 14)
"""The kernel that first counts a user's processes for each user namespace."""
_STRANGERS: Final = 1 << 20
"""The first of as many uids that are no person's and no subuid's, as distributions hand them out."""

_LITTLE: Final = 64 * MIB
_PROOF: Final = """
import json, os, resource, sys
user = int(sys.argv[1])
if user:
    os.setgroups([]); os.setresgid(user, user, user); os.setresuid(user, user, user)
lacks = []
with open("/proc/self/status") as file:
    status = dict(line.split(":", 1) for line in file)
if any(int(status[f"Cap{one}"], 16) for one in ("Eff", "Prm", "Amb")):
    lacks.append("a capability is left")
if int(status["NoNewPrivs"]) != 1:
    lacks.append("privileges can be gained")
if int(status["Seccomp"]) != 2:
    lacks.append("no seccomp filter holds")
with open("/proc/net/dev") as file:
    if [line.split(":")[0].strip() for line in file if ":" in line] != ["lo"]:
        lacks.append("a network is there")
for path in ("/x", "/usr/x", "/etc/x", "/dev/x"):
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        lacks.append(f"{path} can be written")
    except OSError:
        pass
child = os.fork()
if not child:
    b"x" * int(sys.argv[2])
    os._exit(0)
if os.waitpid(child, 0)[1] != 9:
    lacks.append("memory has no limit for the cell as a whole")
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
try:
    if not os.fork():
        os._exit(0)
    lacks.append("the number of processes is not limited")
except BlockingIOError:
    pass
print(json.dumps(lacks))
"""


@dataclass(frozen=True)
class Bubble:
    """bubblewrap as it works here. `lacks` says what keeps it from being a fence; empty: nothing does.

    `strangers` is whether each cell gets a user of its own, which takes root, or a user namespace, which takes none.
    """

    program: str
    filter: bytes
    lacks: str
    strangers: bool
    group: group.Group | None

    def user(self) -> int | None:
        """The uid and gid of a new cell's commands; None where it is the runner's own."""
        return _STRANGERS + secrets.randbelow(_STRANGERS) if self.strangers else None

    def words(
        self,
        name: str,
        folder: Path,
        user: int | None,
        limits: CellLimits,
        seccomp: int,
        *,
        hosts: Collection[str] = (),
    ) -> list[str]:
        """The command in front of the runner's. ``folder`` gets small files; ``seccomp`` is a descriptor or -1.

        Raises OSError when the cell's control group cannot be made.
        """
        return [
            *(self.group.words(name, limits) if self.group else ()),
            *(self.program, "--die-with-parent", "--new-session", "--as-pid-1", "--hostname", "cell"),
            *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
            *_rights(user),
            *_system(folder, user, hosts),
            *("--proc", "/proc", "--dev", "/dev"),
            *("--perms", "1777", "--size", str(fence.SHM), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"),  # noqa: S108
            *("--perms", "0755", "--size", str(limits.work_bytes), "--tmpfs", fence.WORK),
            *("--perms", "1777", "--size", str(limits.tmp_bytes), "--tmpfs", fence.TMP),
            *(("--perms", "0700", "--size", str(fence.ANNEX_SIZE), "--tmpfs", fence.ANNEX) if hosts else ()),
            *("--remount-ro", "/", "--chdir", "/"),
            *(("--seccomp", str(seccomp)) if seccomp >= 0 else ()),
            "--",
            os.path.realpath(getattr(sys, "_base_executable", sys.executable)),
        ]

    @contextmanager
    def descriptor(self) -> Iterator[int]:
        """The filter as a descriptor for one start; -1 where there is none."""
        if not self.filter:
            yield -1
            return
        with os.fdopen(os.memfd_create("seccomp"), "r+b") as file:
            file.write(self.filter)
            file.seek(0)
            yield file.fileno()

    @staticmethod
    def config(user: int | None, hosts: Collection[str] = ()) -> dict[str, Any]:
        """What the runner must know of its bubble."""
        if user is None:
            return {"hide": True}
        own = [(fence.WORK, user), (fence.TMP, user)]
        if not hosts:
            return {"uid": user, "gid": user, "own": own}
        other = user + _STRANGERS
        annex = {"work": fence.ANNEX, "uid": other, "gid": other}
        return {"uid": user, "gid": user, "own": [*own, (fence.ANNEX, other)], "annex": annex}


def look(*, strangers: bool | None = None) -> Bubble | str:
    """bubblewrap, tried from inside; or why there is none to be had, with the remedy. Blocks for seconds at most.

    Users are strangers where this one can make them so, unless told.
    """
    strangers = os.geteuid() == 0 if strangers is None else strangers
    program = shutil.which("bwrap")
    if program is None:
        return "bubblewrap is not installed. Remedy: install it (apt-get install bubblewrap)"
    lacks = []
    if not strangers and _kernel() < _COUNTED:
        lacks.append(f"the kernel is older than {_COUNTED[0]}.{_COUNTED[1]} and counts no cell's processes")
    try:
        compiled = bpf.program()
    except bpf.Uncompiled as why:
        compiled = b""
        lacks.append(str(why))
    bound = group.find()
    found = _try(Bubble(program, compiled, "", strangers, bound))
    if isinstance(found, str):
        return (
            f"bubblewrap is installed and does not work: {found}. Remedy: let users make user namespaces, by sysctl "
            "kernel.unprivileged_userns_clone=1 or kernel.apparmor_restrict_unprivileged_userns=0, whichever is there"
        )
    return Bubble(program, compiled, "; ".join([*lacks, *found]), strangers, bound)


def _try(bubble: Bubble) -> list[str] | str:
    """What the fence lacks as seen from inside, or why there is no inside."""
    user = bubble.user()
    name = f"try-{secrets.token_hex(6)}"
    limits = CellLimits(memory=_LITTLE, work_bytes=MIB, tmp_bytes=MIB)
    with tempfile.TemporaryDirectory() as folder, bubble.descriptor() as seccomp:
        try:
            words = bubble.words(name, Path(folder), user, limits, seccomp)
            done = subprocess.run(
                [*words, "-I", "-S", "-c", _PROOF, str(user or 0), str(2 * _LITTLE)],
                capture_output=True,
                text=True,
                check=False,
                timeout=_PATIENCE,
                env={"PATH": PATH},
                pass_fds=[seccomp] if seccomp >= 0 else [],
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        finally:
            group.remove(name)
    try:
        lacks: list[str] = json.loads(done.stdout)
    except ValueError:
        said = done.stderr.strip().splitlines()
        return said[-1] if said else f"it ended with {done.returncode}"
    return lacks


def path() -> str:
    """Where commands look for programs: this engine's Python, then the system's."""
    return f"{Path(sys.base_prefix).resolve()}/bin:{PATH}"


def _rights(user: int | None) -> list[str]:
    if user is None:
        return ["--unshare-user", "--uid", str(fence.AGENT), "--gid", str(fence.AGENT), "--cap-drop", "ALL"]
    kept = [word for name in (*fence.RUNNER, "CHOWN") for word in ("--cap-add", f"CAP_{name}")]
    return ["--cap-drop", "ALL", *kept]


def _system(folder: Path, user: int | None, hosts: Collection[str]) -> list[str]:
    """The system's programs and libraries, this engine's Python, and of /etc what says nothing of this machine."""
    words = ["--ro-bind", "/usr", "/usr", "--dir", "/etc"]
    for place in map(Path, _SYSTEM):
        if place.is_symlink():
            words += ["--symlink", str(place.readlink()), str(place)]
        elif place.is_dir():
            words += ["--ro-bind", str(place), str(place)]
    prefix = Path(sys.base_prefix).resolve()
    if not prefix.is_relative_to("/usr"):
        for parent in reversed(prefix.parents[:-1]):
            words += ["--dir", str(parent)]
        words += ["--ro-bind", str(prefix), str(prefix)]
    for also in (*_STORES, *(f"/etc/{name}" for name in _ETC)):
        words += ["--ro-bind-try", also, also]
    number = fence.AGENT if user is None else user
    named = "".join(f"{address} {host}\n" for host, address in fence.addresses(hosts).items())
    for name, text in (
        ("passwd", f"root:x:0:0:root:/:/bin/sh\nagent:x:{number}:{number}:agent:{fence.TMP}:/bin/sh\n"),
        ("group", f"root:x:0:\nagent:x:{number}:\n"),
        ("hosts", "127.0.0.1 localhost cell\n::1 localhost\n" + named),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
    ):
        file = folder / name
        file.write_text(text)
        file.chmod(0o644)
        words += ["--ro-bind", str(file), f"/etc/{name}"]
    return words


def _kernel() -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall("[0-9]+", os.uname().release)[:2])
