"""The escapes and abuses that are tried from inside: one line each; a further one is a further line.

A `Row` is a Python expression that the agent evaluates in its cell, with `call` and what else the probe has, and how
that must be answered. A `Deed` is more than an expression: an async function below, given the ground.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import pytest

from factory_tui.cells.protocol import MIB, CellDied, CellError, CellLimits, TreeUnfit
from factory_tui.cells.runner.frames import pack
from factory_tui.delivery.snapshot import Snapshots
from factory_tui.domain.hostile import clean_bytes
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.fence.ground import Ground

SMALL = CellLimits(memory=96 * MIB, pids=64, work_bytes=24 * MIB, work_inodes=2000, tmp_bytes=8 * MIB)
SHUT = "EACCES EROFS ENOENT"


class Row(NamedTuple):
    """What is tried; its answers that mean that it came to nothing."""

    name: str
    tried: str
    answers: str


class Deed(NamedTuple):
    """What is tried by a function; ``alone`` in a cell that may be lost, with these limits."""

    name: str
    done: Callable[[Ground], Awaitable[None]]
    alone: CellLimits | None = None


ROWS = (
    Row("mount a file system", 'call("mount", b"none", b"/tmp", b"tmpfs", 0, None)', "EPERM"),
    Row("mount by the newer calls", 'call("fsopen", b"tmpfs", 0)', "EPERM"),
    Row("copy a mount", 'call("open_tree", -100, b"/proc", 1)', "EPERM"),
    Row("unmount what hides /proc/keys", 'call("umount2", b"/proc/keys", 2)', "EPERM"),
    Row("another root", 'os.chroot("/tmp")', "EPERM"),
    Row("another root by pivot_root", 'call("pivot_root", b"/tmp", b"/tmp")', "EPERM"),
    Row("a user namespace by unshare", 'call("unshare", 0x10000000)', "EPERM"),
    Row("a user namespace by clone", 'call("clone", 0x10000011, 0, 0, 0, 0)', "EPERM"),
    Row("a user namespace by clone3", 'call("clone3", b"\\0\\0\\0\\x10" + bytes(84), 88)', "ENOSYS"),
    Row("the runner's namespaces", 'os.open("/proc/1/ns/mnt", os.O_RDONLY)', "EACCES"),
    Row("namespaces by a process's descriptor", 'call("setns", call("pidfd_open", 1, 0), 0x20000)', "EPERM"),
    Row("the runner's root folder", 'os.listdir("/proc/1/root")', "EACCES"),
    Row("trace a process of its own user", 'call("ptrace", 16, child(), 0, 0)', "EPERM"),
    Row("memory of its own user's process", 'call("process_vm_readv", child(), None, 0, None, 0, 0)', "EPERM"),
    Row("descriptors of its own user's process", 'call("pidfd_getfd", call("pidfd_open", child(), 0), 1, 0)', "EPERM"),
    Row("memory of the runner", 'os.open("/proc/1/mem", os.O_RDWR)', "EACCES"),
    Row("memory of the runner by process_vm_readv", 'call("process_vm_readv", 1, None, 0, None, 0, 0)', "EPERM"),
    Row("environment of the runner", 'os.open("/proc/1/environ", os.O_RDONLY)', "EACCES"),
    Row("stdout of the runner", 'os.open("/proc/1/fd/1", os.O_WRONLY)', "EACCES"),
    Row("end the runner", "os.kill(1, 9)", "EPERM"),
    Row("end the runner by its descriptor", 'call("pidfd_send_signal", call("pidfd_open", 1, 0), 9, None, 0)', "EPERM"),
    Row("a raw socket", "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)", "EPERM"),
    Row("a packet socket", "socket.socket(17, socket.SOCK_RAW, 0x300)", "EPERM"),
    Row("AF_VSOCK, to the hypervisor", "socket.socket(40, socket.SOCK_STREAM)", "EPERM"),
    Row("AF_ALG, the kernel's ciphers", "socket.socket(38, socket.SOCK_SEQPACKET)", "EPERM"),
    Row("the firewall's netlink", "socket.socket(16, socket.SOCK_RAW, 12)", "EPERM"),
    Row("a protocol that loads a kernel module", "socket.socket(2, socket.SOCK_STREAM, 132)", "EPERM"),
    Row("a kind of socket that loads a kernel module", "socket.socket(2, 6)", "EPERM"),
    Row("the same by IPv6, and never waiting", "socket.socket(10, 6 | socket.SOCK_NONBLOCK)", "EPERM"),
    Row("sequenced packets", "socket.socket(2, socket.SOCK_SEQPACKET)", "EPERM"),
    Row("TCP by many ways", "socket.socket(2, socket.SOCK_STREAM, 262)", "EPERM"),
    Row("UDP with half a checksum", "socket.socket(2, socket.SOCK_DGRAM, 136)", "EPERM"),
    Row("pings without a raw socket", "socket.socket(2, socket.SOCK_DGRAM, 1)", "EPERM"),
    Row("the host's loopback", 'dial("127.0.0.1", HOST_PORT)', "ECONNREFUSED"),
    Row("the host by its bridge", 'dial("172.17.0.1", HOST_PORT)', "ENETUNREACH"),
    Row("the host by its address", "dial(HOST_ADDRESS, HOST_PORT)", "ENETUNREACH"),
    Row("the cloud's metadata", 'dial("169.254.169.254", 80)', "ENETUNREACH"),
    Row("the world", 'dial("1.1.1.1", 443)', "ENETUNREACH"),
    Row("the world by IPv6", 'socket.create_connection(("2606:4700::1111", 443), 2)', "ENETUNREACH EADDRNOTAVAIL"),
    Row("a name server", 'socket.socket(2, 2).sendto(b"", ("8.8.8.8", 53))', "ENETUNREACH"),
    Row("names by the resolver", 'socket.getaddrinfo("example.com", 80)', "gaierror"),
    Row("the host's name server", "dial(HOST_RESOLVER, 53)", "ENETUNREACH"),
    Row("a socket of the host without a file", 'unix("\\0" + HOST_SOCKET)', "ECONNREFUSED"),
    Row("the Docker socket", 'unix("/var/run/docker.sock")', "ENOENT"),
    Row("containerd's socket", 'unix("/run/containerd/containerd.sock")', "ENOENT"),
    Row("a device node of the disk", 'os.mknod("disk", 0o60600, os.makedev(254, 0))', "EPERM"),
    Row("a device node of memory", 'os.mknod("memory", 0o20600, os.makedev(1, 1))', "EPERM"),
    Row("/dev/mem", 'os.open("/dev/mem", os.O_RDONLY)', "ENOENT"),
    Row("/dev/kmsg", 'os.open("/dev/kmsg", os.O_RDONLY)', "ENOENT"),
    Row("/dev/kvm", 'os.open("/dev/kvm", os.O_RDWR)', "ENOENT"),
    Row("/dev/fuse", 'os.open("/dev/fuse", os.O_RDWR)', "ENOENT"),
    Row("a terminal of the host", 'os.open("/dev/tty", os.O_RDWR)', "ENXIO"),
    Row("where the kernel pipes cores", 'os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY)', SHUT),
    Row("the magic key", 'os.open("/proc/sysrq-trigger", os.O_WRONLY)', SHUT),
    Row("the kernel's memory as a file", 'os.read(os.open("/proc/kcore", os.O_RDONLY), 1)', f"{SHUT} done: b''"),
    Row("the kernel's log", 'call("syslog", 3, bytes(100), 100)', "EPERM"),
    Row("the kernel's keys", 'call("keyctl", 0, -4, 0)', "EPERM"),
    Row("a key of the kernel's", 'call("add_key", b"user", b"name", b"x", 1, -3)', "EPERM"),
    Row("/sys", 'os.open("/sys/kernel/uevent_helper", os.O_WRONLY)', SHUT),
    Row("a power state", 'os.open("/sys/power/state", os.O_WRONLY)', SHUT),
    Row("release_agent of cgroup v1", "[os.open(path, os.O_WRONLY) for path in agents()]", f"{SHUT} done: []"),
    Row("a cgroup of its own", 'os.mkdir("/sys/fs/cgroup/pids/own")', SHUT),
    Row("its own limit of processes", "os.open(PIDS_MAX, os.O_WRONLY)", SHUT),
    Row("its own limit of open files", "resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 16, 1 << 16))", "ValueError"),
    Row("core dumps", "resource.setrlimit(resource.RLIMIT_CORE, (1 << 20, 1 << 20))", "ValueError"),
    Row("root by setuid", "os.setresuid(0, 0, 0)", "EPERM"),
    Row("root's group", "os.setgroups([0])", "EPERM"),
    Row("a program of root's", '(touch("tool"), os.chown("tool", 0, 0))', "EPERM"),
    Row("a capability of a file", '(touch("bin"), os.setxattr("bin", "security.capability", CAPABLE))', "EPERM"),
    Row("io_uring", 'call("io_uring_setup", 1, bytes(120))', "ENOSYS"),
    Row("requests that the whole host has a number of", 'call("io_setup", 4096, bytes(8))', "ENOSYS"),
    Row("a kernel program by bpf", 'call("bpf", 5, bytes(120), 120)', "EPERM"),
    Row("perf_event_open", 'call("perf_event_open", bytes(120), 0, -1, -1, 0)', "EPERM"),
    Row("userfaultfd", 'call("userfaultfd", 1)', "ENOSYS EPERM"),
    Row("a file by its handle", 'call("open_by_handle_at", -100, bytes(64), 0)', "EPERM"),
    Row("watch all of a file system", 'call("fanotify_init", 0, 0)', "EPERM"),
    Row("another kernel", 'call("kexec_load", 0, 0, None, 0)', "EPERM"),
    Row("a kernel module", 'call("init_module", bytes(64), 64, b"")', "EPERM"),
    Row("take a kernel module out", 'call("delete_module", b"overlay", 0)', "EPERM"),
    Row("reboot", 'call("reboot", 0xFEE1DEAD, 672274793, 0x1234567, None)', "EPERM"),
    Row("another host name", 'socket.sethostname("evil")', "EPERM"),
    Row("swap", 'call("swapon", b"/tmp/swap", 0)', "EPERM"),
    Row("the clock", "time.clock_settime(time.CLOCK_REALTIME, 0)", "EPERM"),
    Row("the pace of the clock", 'call("adjtimex", b"\\1" + bytes(207))', "EPERM"),
    Row("accounting into a file", 'call("acct", b"/tmp/account")', "EPERM"),
    Row("quotas", 'call("quotactl", 0, None, 0, None)', "EPERM"),
    Row("a personality without address randomness", 'call("personality", 0x40000)', "EPERM"),
    Row("a higher priority", "os.nice(-5)", "EPERM EACCES"),
    Row("a real-time priority", "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))", "EPERM"),
    Row("a hard link to the runner's file", 'os.link("/etc/passwd", "passwd")', "EXDEV EPERM"),
    Row("write to the root", 'os.open("/usr/bin/evil", os.O_WRONLY | os.O_CREAT)', "EROFS"),
    Row("flush the host's disks", 'call("sync")', "done: 0"),
)


async def fork_bomb(ground: Ground) -> None:
    outcome = await ground.cell.run("bomb() { bomb | bomb & }; bomb; sleep 1000", timeout=0.5, limit=1000)
    assert outcome.timed_out


async def memory(ground: Ground) -> None:
    assert (await ground.cell.run(["python3", "-c", "x = bytearray(1 << 30)"])).exit == -9


async def memory_with_the_runner_as_victim(ground: Ground) -> None:
    last = "import os; open('/proc/self/oom_score_adj', 'w').write('0'); x = bytearray(1 << 30)"
    outcome = await ground.cell.run(["python3", "-c", last])
    assert outcome.exit in (-9, 1)  # it cannot make the runner the first to go; if it could, the cell would be lost


async def memory_of_segments(ground: Ground) -> None:
    hoard = """
import ctypes
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
while True:
    where = libc.shmat(libc.shmget(0, 16 << 20, 0o1600), None, 0)
    ctypes.memset(where, 1, 16 << 20)
"""
    assert (await ground.cell.run(["python3", "-c", hoard], timeout=20)).exit in (-9, -11)


async def memory_of_pipes(ground: Ground) -> None:
    hoard = """
import os, fcntl
while True:
    pipe = os.pipe()[1]
    os.set_blocking(pipe, False)
    fcntl.fcntl(pipe, 1031, 1 << 20)
    while os.write(pipe, bytes(1 << 16)) == 1 << 16: pass
"""
    outcome = await ground.cell.run(["python3", "-c", hoard], timeout=20)
    assert outcome.exit in (-9, 1)


async def disk(ground: Ground) -> None:
    fill = "head -c 1G /dev/zero > {0}/flood; stat -c %s {0}/flood; rm {0}/flood"
    for place, limit in (("/work", SMALL.work_bytes), ("/tmp", SMALL.tmp_bytes), ("/dev/shm", 16 * MIB)):
        outcome = await ground.cell.run(fill.format(place))
        assert b"No space left" in outcome.stderr
        assert int(outcome.stdout) <= limit


async def inodes(ground: Ground) -> None:
    for place in ("/work", "/tmp", "/dev/shm"):
        outcome = await ground.cell.run(f"cd {place}; mkdir many; cd many; seq 3000 | xargs touch; cd ..; rm -r many")
        assert b"No space left" in outcome.stderr


async def output(ground: Ground) -> None:
    heard = 0

    def hear(_: str, data: bytes) -> None:
        nonlocal heard
        heard += len(data)

    outcome = await ground.cell.run("head -c 1G /dev/zero", limit=1000, timeout=60, on_output=hear)
    assert (outcome.exit, len(outcome.stdout), outcome.cut) == (0, 1000, (1 << 30) - 1000)
    assert heard <= 1 << 30


async def open_files(ground: Ground) -> None:
    hoard = "held = []\nwhile True: held.append(open('/dev/null'))"
    outcomes = await asyncio.gather(*(ground.cell.run(["python3", "-c", hoard]) for _ in range(3)))
    assert all(b"Too many open files" in outcome.stderr for outcome in outcomes)


async def processors(ground: Ground) -> None:
    spin = asyncio.create_task(
        ground.cell.run("for i in 1 2 3 4 5 6; do (while :; do :; done) & done; wait", timeout=1)
    )
    while not spin.done():
        began = time.monotonic()
        assert (await ground.neighbour.run("echo fine")).stdout == b"fine\n"
        assert time.monotonic() - began < 5
    assert spin.result().timed_out


async def daemons(ground: Ground) -> None:
    command = "for i in 1 2 3 4 5; do setsid sh -c 'setsid sleep 1234 &' & done; exec sleep 1000"
    assert (await ground.cell.run(f"trap '' TERM HUP; {command}", timeout=0.5)).timed_out
    assert (await ground.cell.run("ps ax -o args | grep -x 'sleep 1234'")).stdout == b""


async def signals_to_all(ground: Ground) -> None:
    for signal in ("KILL", "STOP", "KILL", "STOP"):
        await asyncio.gather(*[ground.cell.run("sleep 0.1") for _ in range(3)])  # what serves them waits for more
        await ground.cell.run(f"kill -{signal} -1", timeout=0.5)
        for _ in range(3):
            assert (await ground.cell.run("echo fine", timeout=5)).stdout == b"fine\n"


async def frames_on_stdout(ground: Ground) -> None:
    end = {"op": "end", "id": "victim", "exit": 0, "cut": 0, "timed_out": False, "seconds": 0.0, "out": 4}
    forged = pack(end, b"evil") + bytes(64) + pack({"op": "ready", "id": "hello", "version": 0}) + b"\x01\xff"
    victim = asyncio.create_task(ground.cell.run("until test -e go; do sleep 0.01; done; echo true", id="victim"))
    attack = await ground.cell.run("tee /dev/stderr", stdin=forged * 50)
    assert attack.stdout == attack.stderr == forged * 50
    assert not victim.done()
    await ground.cell.write("go", b"")
    assert (await victim).stdout == b"true\n"


async def frames_past_the_pipe(ground: Ground) -> None:
    for path in ("/proc/1/fd/1", "/proc/1/fd/0", "/proc/$PPID/fd/3", "/proc/1/fdinfo/1"):
        outcome = await ground.cell.run(f"echo forged > {path}")
        assert b"ermission denied" in outcome.stderr, path


async def links_against_files(ground: Ground) -> None:
    cell = ground.cell
    await cell.run("ln -sfn /etc link; ln -sfn /etc/passwd file; ln -sfn / root; ln -sfn ../.. up; mkfifo pipe")
    for path in ("link/passwd", "file", "root/etc/passwd", "up/etc/passwd", "pipe", "../etc/passwd", "/etc/passwd"):
        with pytest.raises(CellError):
            await cell.read(path)
    for path in ("link/evil", "root/tmp/evil", "up/tmp/evil", "../tmp/evil", "/tmp/evil"):
        with pytest.raises(CellError):
            await cell.write(path, b"evil")
    assert (await cell.run("ls /tmp/evil")).exit != 0
    assert b"root:" not in b"".join(entry.data or b"" for entry in await cell.tree())


async def a_link_that_changes_while_files_go(ground: Ground) -> None:
    cell = ground.cell
    await cell.run("mkdir -p real; echo mine > real/passwd")
    swap = "while :; do ln -sfn /etc race; rm -f race; mkdir race; echo mine > race/passwd; rm -r race; done"
    racing = asyncio.create_task(cell.run(swap, timeout=1.5))
    while not racing.done():
        with suppress(CellError):
            assert await cell.read("race/passwd") in (b"mine\n", b"")
        with suppress(CellError):
            await cell.write("race/evil", b"evil")
        with suppress(CellError):
            assert not any(b"root:" in (entry.data or b"") for entry in await cell.tree())
    assert (await cell.run("ls /etc/evil")).exit != 0


async def hard_links(ground: Ground) -> None:
    cell = ground.cell
    await cell.run("echo one > one; ln one two; ln one three")
    await cell.write("two", b"other\n")
    assert await cell.read("one") in (b"one\n", b"other\n")
    assert (await cell.run("ln /proc/1/environ stolen || ln -L /etc/shadow stolen")).exit != 0


async def a_tree_that_bursts(ground: Ground) -> None:
    cell = ground.cell
    await cell.run(["python3", "-c", "open('sparse', 'w').truncate(100 << 30)"])
    with pytest.raises(TreeUnfit, match="too large"):
        await cell.tree()
    assert len(await cell.read("sparse", limit=1000)) == 1000
    await cell.run("rm sparse; for i in $(seq 200); do mkdir d && cd d; done")
    with pytest.raises(TreeUnfit, match="deep"):
        await cell.tree()


async def orders_to_git(ground: Ground) -> None:
    """A repository whose settings run programs goes into a snapshot, and out again."""
    command = f"touch {ground.folder}/ran"
    evil = f'[core]\n\tfsmonitor = {command}\n\thooksPath = .git/hooks\n[filter "x"]\n\tclean = {command}\n'
    cell = ground.cell
    await cell.write(".git/config", evil.encode())
    await cell.write(".git/hooks/post-commit", f"#!/bin/sh\n{command}\n".encode(), 0o755)
    await cell.write(".gitattributes", b"* filter=x\n")
    await cell.write(".git/HEAD", b"ref: refs/heads/main\n")
    snapshots = Snapshots(ground.folder / "snapshots")
    taken = await snapshots.take(await cell.tree(), cell=cell.id, parent="", message="evil", at=0)
    assert await snapshots.entries(taken.commit)
    assert not (ground.folder / "ran").exists()


async def escapes_in_output_and_names(ground: Ground) -> None:
    evil = b"\x1b]0;title\x07\x1b[2J\x1b]52;c;ZXZpbA==\x07\x9b31m\xe2\x80\xae\x1bP+q\x1b\\\r\x08"
    said = clean_bytes((await ground.cell.run("cat", stdin=evil)).stdout)
    await ground.cell.run(["touch", os.fsdecode(evil)])
    names = "".join(clean_bytes(os.fsencode(entry.path)) for entry in await ground.cell.tree())
    assert all(one == "\n" or one.isprintable() for one in said + names)
    assert json.dumps(said + names)


async def a_core_of_a_crash(ground: Ground) -> None:
    assert (await ground.cell.run("ulimit -c unlimited; kill -SEGV $$")).exit in (-11, 1)
    assert b"core" not in (await ground.cell.run("ls -a /work /tmp")).stdout


async def programs_in_the_runners_way(ground: Ground) -> None:
    """What the runner, or the next command, could take for a program or a module of its own."""
    plant = "for f in python3 bash sh usercustomize.py sitecustomize.py json.py; do echo 'touch /tmp/taken' > $f; "
    await ground.cell.run(f"{plant}chmod +x $f; cp $f /tmp; done; mkdir -p /tmp/.local/lib")
    assert (await ground.cell.run("echo fine; python3 -I -c 'import json'")).stdout == b"fine\n"
    await ground.cell.write("x", b"x")
    assert (await ground.cell.run("ls /tmp/taken")).exit != 0


async def queues_of_messages(ground: Ground) -> None:
    hoard = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for number in range(100000):
    if libc.mq_open(b'/q%d' % number, os.O_CREAT | os.O_RDWR, 0o600, None) < 0:
        raise OSError(ctypes.get_errno(), 'no more')
"""
    outcome = await ground.cell.run(["python3", "-c", hoard])
    assert b"no more" in outcome.stderr


async def watches(ground: Ground) -> None:
    """The kernel counts them by user, over the whole host."""
    watch = "import ctypes\ninit = ctypes.CDLL(None).inotify_init1\n"
    hoard = f"{watch}while init(0) >= 0: pass\nopen('full', 'w')\nimport time\ntime.sleep(1000)"
    hoarding = asyncio.create_task(ground.cell.run(["python3", "-c", hoard], timeout=30, id="hoard"))

    async def full() -> bool:
        return (await ground.cell.run("test -e full")).exit == 0

    await eventually(full, "all inotify instances of one user")
    assert (await ground.neighbour.run(["python3", "-c", f"{watch}print(init(0) >= 0)"])).stdout == b"True\n"
    hoarding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hoarding


async def its_own_end(ground: Ground) -> None:
    """An agent may lose its own cell, as by all of its memory at once; the next one starts."""
    grab = "import os, time\nfor _ in range(40):\n  if not os.fork(): break\nx = bytearray(20 << 20)\ntime.sleep(9)"
    await ground.cell.run(["python3", "-c", grab], timeout=3)
    with suppress(CellDied):
        await eventually(lambda: _answers(ground))


async def _answers(ground: Ground) -> bool:
    outcome = await ground.cell.run("echo fine", timeout=5)
    return outcome.lost or outcome.stdout == b"fine\n"


DEEDS = (
    Deed("fork bomb", fork_bomb, SMALL),
    Deed("memory", memory, SMALL),
    Deed("memory, with the runner as the victim", memory_with_the_runner_as_victim, SMALL),
    Deed("memory by shared segments", memory_of_segments, SMALL),
    Deed("memory by pipes", memory_of_pipes, SMALL),
    Deed("all of the memory by all of the processes", its_own_end, SMALL),
    Deed("disk", disk, SMALL),
    Deed("inodes", inodes, SMALL),
    Deed("1 GB of output", output),
    Deed("open files", open_files),
    Deed("processors", processors),
    Deed("daemons", daemons),
    Deed("signals to all", signals_to_all),
    Deed("message queues", queues_of_messages, SMALL),
    Deed("inotify instances", watches),
    Deed("frames on stdout", frames_on_stdout),
    Deed("frames past the pipe", frames_past_the_pipe),
    Deed("links against files", links_against_files, SMALL),
    Deed("a link that changes while files go", a_link_that_changes_while_files_go),
    Deed("hard links", hard_links),
    Deed("a tree that bursts", a_tree_that_bursts, SMALL),
    Deed("orders to git", orders_to_git, SMALL),
    Deed("escapes in output and names", escapes_in_output_and_names),
    Deed("a core of a crash", a_core_of_a_crash),
    Deed("programs in the runner's way", programs_in_the_runners_way, SMALL),
)
