"""Looks at the fence from inside a cell, as the agent, and says what it finds as JSON. It changes nothing.

Travels as text into the cell's Python: standard library only, Python >= 3.8. What it means is `proof`'s business.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import resource
import socket
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_TABLE = """
socket 41 198, clone 56 220, ptrace 101 117, process_vm_readv 310 270, mount 165 40, umount2 166 39, pivot_root 155 41,
chroot 161 51, unshare 272 97, setns 308 268, bpf 321 280, perf_event_open 298 241, userfaultfd 323 282, keyctl 250 219,
add_key 248 217, kexec_load 246 104, reboot 169 142, init_module 175 105, finit_module 313 273, delete_module 176 106,
sethostname 170 161, setdomainname 171 162, swapon 167 224, swapoff 168 225, clock_settime 227 112, adjtimex 159 171,
settimeofday 164 170, personality 135 92, acct 163 89, quotactl 179 60, syslog 103 116, kcmp 312 272, mbind 237 235,
name_to_handle_at 303 264, open_by_handle_at 304 265, fanotify_init 300 262, sync 162 81, pidfd_send_signal 424 424,
io_uring_setup 425 425, open_tree 428 428, move_mount 429 429, fsopen 430 430, pidfd_open 434 434, clone3 435 435,
pidfd_getfd 438 438, memfd_secret 447 447, io_setup 206 0
"""
_ROWS = [row.split() for row in _TABLE.split(",")]
NUMBERS = {name: int(x86 if platform.machine() == "x86_64" else rest) for name, x86, rest in _ROWS}
"""System calls by name: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux."""
_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock")
_NEW_USER = 0x10000000
_NO_RANDOM = 0x40000
_libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: int | bytes | None) -> int:
    """Make a system call. Raises OSError as the kernel answers."""
    given = [ctypes.c_long(one) if isinstance(one, int) else ctypes.c_char_p(one) for one in arguments]
    result: int = _libc.syscall(ctypes.c_long(NUMBERS[name]), *given)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def answer(attempt: Callable[[], Any]) -> str:
    """The name of the error that it meets, or what it came to."""
    try:
        return "done: " + repr(attempt())
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, type(error).__name__)
    except ValueError:  # of setrlimit, for EPERM
        return "ValueError"


def apart(attempt: Callable[[], Any]) -> str:
    """The same in a process of its own, for what would change this one."""
    heard, said = os.pipe()
    child = os.fork()
    if not child:
        os.write(said, answer(attempt).encode())
        os._exit(0)
    os.close(said)
    with open(heard, "rb") as file:
        text = file.read().decode()
    os.waitpid(child, 0)
    return text or "it died"


def shut() -> dict[str, str]:
    """System calls that an agent could do something with were they not filtered, and how each was answered."""
    me = os.getpid()
    return {
        "io_uring": answer(lambda: call("io_uring_setup", 0, None)),
        "AF_VSOCK": answer(lambda: socket.socket(40, socket.SOCK_STREAM)),
        "AF_ALG": answer(lambda: socket.socket(38, socket.SOCK_SEQPACKET)),
        "netfilter": answer(lambda: socket.socket(16, socket.SOCK_RAW, 12)),
        "SCTP": answer(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)),
        "DCCP": answer(lambda: socket.socket(socket.AF_INET, 6)),
        "ptrace": apart(lambda: call("ptrace", 0, 0, 0, 0)),
        "process_vm_readv": answer(lambda: call("process_vm_readv", me, None, 0, None, 0, 0)),
        "unshare": apart(lambda: call("unshare", _NEW_USER)),
        "setns": answer(lambda: call("setns", -1, 0)),
        "clone3": answer(lambda: call("clone3", None, 0)),
        "mount": answer(lambda: call("mount", None, None, None, 0, None)),
        "fsopen": answer(lambda: call("fsopen", None, 0)),
        "bpf": answer(lambda: call("bpf", 0, None, 0)),
        "perf_event_open": answer(lambda: call("perf_event_open", None, 0, -1, -1, 0)),
        "userfaultfd": answer(lambda: call("userfaultfd", 1)),
        "keyctl": answer(lambda: call("keyctl", 0, -3, 0)),
        "kcmp": answer(lambda: call("kcmp", me, me, 0, 0, 0)),
        "pidfd_getfd": answer(lambda: call("pidfd_getfd", -1, 0, 0)),
        "personality": apart(lambda: call("personality", _NO_RANDOM)),
        "open_by_handle_at": answer(lambda: call("open_by_handle_at", -1, None, 0)),
        "aio": answer(lambda: call("io_setup", 0, None)),
    }


def _lines(path: str) -> list[list[str]]:
    try:
        with open(path) as file:
            return [line.split() for line in file]
    except OSError:
        return []


def _figure(*paths: str) -> str:
    """What the first of these files holds."""
    return next((" ".join(lines[0]) for path in paths for lines in [_lines(path)] if lines), "")


def _space(path: str) -> list[int]:
    held = os.statvfs(path)
    return [held.f_blocks * held.f_frsize, held.f_files]


def _mounts() -> list[list[str]]:
    """Of each mount: where, options, kind, device, what of it."""
    found = []
    for fields in _lines("/proc/self/mountinfo"):
        kind = fields.index("-") + 1
        found.append([fields[4], fields[5], fields[kind], fields[kind + 1], fields[3]])
    return found


def _devices() -> list[str]:
    held = []
    for folder, _, names in os.walk("/dev"):
        for name in names:
            mode = os.lstat(os.path.join(folder, name)).st_mode
            if stat.S_ISBLK(mode) or stat.S_ISCHR(mode):
                held.append(os.path.join(folder, name))
    return sorted(held)


def _route() -> int:
    """Whether anything leads out: the number of bytes that would have been sent to an address of documentation."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        return out.sendto(b"", ("192.0.2.1", 9))


def look() -> dict[str, Any]:
    """Everything that a judge needs."""
    group = "/sys/fs/cgroup/"
    return {
        "status": {line[0].rstrip(":"): line[1:] for line in _lines("/proc/self/status")},
        "kernel": platform.release(),
        "shut": shut(),
        "mounts": _mounts(),
        "spaces": {path: _space(path) for path in ("/work", "/tmp", "/dev/shm")},  # noqa: S108 - looked at
        "devices": _devices(),
        "sockets": [path for path in _SOCKETS if os.path.exists(path)],
        "interfaces": sorted(name for _, name in socket.if_nameindex()),
        "route": answer(_route),
        "files": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "core": resource.getrlimit(resource.RLIMIT_CORE)[1],
        "pids": _figure(group + "pids/pids.max", group + "pids.max"),
        "memory": _figure(group + "memory/memory.limit_in_bytes", group + "memory.max"),
        "swap": _figure(group + "memory/memory.memsw.limit_in_bytes", group + "memory.swap.max"),
        "cpu": _figure(group + "cpu/cpu.cfs_quota_us", group + "cpu.max"),
        "runner": {
            "environ": answer(lambda: os.close(os.open("/proc/1/environ", os.O_RDONLY))),
            "mem": answer(lambda: os.close(os.open("/proc/1/mem", os.O_RDWR))),
            "fd": answer(lambda: os.listdir("/proc/1/fd")),
            "kill": answer(lambda: os.kill(1, 0)),
        },
        "writable": [path for path in ("/", "/etc", "/usr", "/proc/sys/kernel", "/sys/kernel") if _writable(path)],
    }


def _writable(path: str) -> bool:
    return os.access(path, os.W_OK)


def main() -> None:
    """Say it on stdout."""
    os.write(1, json.dumps(look()).encode())
