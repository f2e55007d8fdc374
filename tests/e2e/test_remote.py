"""From another machine, through a real sshd: what a role may, a console on a terminal, and lines that drop."""

import asyncio
import json
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from factory_tui.config.workspace import Workspace
from factory_tui.domain import commands as c
from factory_tui.domain.events import CommandTaken, Event
from factory_tui.domain.reducer import fold
from factory_tui.link.client import Link
from factory_tui.link.protocol import PROTOCOL, Hello, Lower, NoAnswer, RefusedError, line
from tests.e2e.sshd import Sshd
from tests.e2e.stage import PATIENCE, ROOT, cli, past, stopping
from tests.engine.greeter import make
from tests.engine.test_roles import EVERY
from tests.terminal import Terminal

OWNER, ANA, BO = "owner", "ana", "bo"
"""The user of the engine, a viewer, an operator."""


@pytest.fixture(scope="module")
def sshd(sshd_program: str, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = Sshd(sshd_program, tmp_path_factory.mktemp("sshd"), home)
    server.authorized.parent.mkdir()
    server.authorized.write_text(server.key(OWNER).read_text())
    for name in (ANA, BO):
        server.key(name)
    with server.running():
        yield server


@pytest.fixture
def folder() -> Iterator[Path]:
    """With quotes in its path, and too long for a socket: sshd's sessions do not have this process's runtime folder."""
    with tempfile.TemporaryDirectory(prefix="""it's "$HOME" """) as name:
        (found := Path(name) / ("long" * 20)).mkdir()
        yield found


@pytest.fixture
async def workspace(sshd: Sshd, folder: Path) -> AsyncIterator[Workspace]:
    """One with an engine at work in it, and two people who may come."""
    found, playbooks = make(folder)
    where = ("--workspace", found.root)
    async with stopping(found):
        for name, role in ((ANA, "viewer"), (BO, "operator")):
            key = ("--key", sshd.folder / f"{name}.pub", "--program", sshd.program)
            said = await cli("operators", "add", name, *key, "--role", role, *where)
            assert said.code == 0, said.errors
        said = await cli("engine", "start", "--rehearsals", playbooks, "--pace", "150", *where)
        assert said.code == 0, said.errors
        yield found
    for name in (ANA, BO):
        assert (await cli("operators", "remove", name, *where)).code == 0
    assert "factory-tui" not in sshd.authorized.read_text()


async def heard(link: Link, condition: Callable[[list[Event]], bool]) -> list[Event]:
    """Events until there are those that are waited for."""
    events: list[Event] = []
    async with asyncio.timeout(PATIENCE):
        while not condition(events):
            if isinstance(message := await anext(link), Event):
                events.append(message)
    return events


def is_in(state: str) -> Callable[[list[Event]], bool]:
    """Whether the greeter's run is so, by these events."""
    return lambda events: any(getattr(event.fact, "to", getattr(event.fact, "state", "")) == state for event in events)


async def test_a_viewer_is_refused_every_change(sshd: Sshd, workspace: Workspace) -> None:
    ana = await sshd.link(ANA, workspace.root)
    assert (ana.actor, ana.role) == (ANA, "viewer")
    for command in EVERY:
        with pytest.raises(RefusedError, match="a viewer may not"):
            await ana.command(command)
    await ana.close()
    owner = await Link.connect(workspace.socket)
    assert not any(isinstance(event.fact, CommandTaken) for event in await owner.events(None, None, 2000))
    await owner.close()


async def typed(command: list[str], said: bytes = b"") -> tuple[int, str]:
    """Run it, say something to it and then no more: its exit code, and all that came."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(PATIENCE):
        came, _ = await process.communicate(said)
    assert process.returncode is not None
    return process.returncode, came.decode()


async def test_nobody_talks_the_door_out_of_their_role(sshd: Sshd, workspace: Workspace) -> None:
    hello, lower = line(Hello(PROTOCOL)), line(Lower("root", "admin"))
    ask = b'{"type":"command","id":1,"command":{"type":"emergency-stop"}}\n'
    for said, refusal in ((lower, "ana was lowered already"), (hello + lower, "a viewer may not emergency stop")):
        _code, came = await typed(sshd.to(ANA), said + ask)
        assert "Traceback" not in came, came
        answers = [json.loads(data) for data in came.splitlines() if data.startswith("{")]
        assert refusal in answers[-1]["reason"]
        assert not any(answer["type"] == "accepted" for answer in answers)


DOOR = (
    ((), "sh", "`sh` is not behind this door. Remedy: `factory-tui` in a terminal"),
    ((), "factory-tui engine stop", "is not behind this door"),
    ((), "factory-tui link --workspace /somewhere/else", "and nothing else. Remedy:"),
    ((), "factory-tui", "the console needs a terminal. Remedy: ssh -t"),
    (("-tt",), "factory-tui link", "a link does not go through a terminal. Remedy: ssh -T"),
)
"""Options of ssh, what is typed, and what is answered."""


async def test_only_two_things_are_behind_the_door(sshd: Sshd, workspace: Workspace) -> None:
    for options, asked, said in DOOR:
        code, came = await typed([*sshd.to(BO, *options), asked])
        assert (code, said in came) == (1, True), came


async def test_an_operator_pauses_and_resumes_a_run(sshd: Sshd, workspace: Workspace) -> None:
    bo = await sshd.link(BO, workspace.root)
    await bo.command(c.StartRun("greeter", ledger="rehearsal"))
    await heard(bo, is_in("running"))
    await bo.command(c.Pause("greeter-1", now=True))
    await heard(bo, is_in("paused"))
    await bo.command(c.Resume("greeter-1"))
    events = await heard(bo, is_in("running"))
    with pytest.raises(RefusedError, match="an operator may not thaw; ask an admin"):
        await bo.command(c.Thaw())
    assert {event.actor for event in events if isinstance(event.fact, CommandTaken)} == {BO}
    await bo.close()


async def test_two_consoles_and_a_viewer_are_in_step(sshd: Sshd, workspace: Workspace) -> None:
    links = await asyncio.gather(*(sshd.link(key, workspace.root) for key in (OWNER, BO, ANA)))
    assert [link.role for link in links] == ["admin", "operator", "viewer"]
    owner, bo, _ana = links
    await bo.command(c.StartRun("greeter", ledger="rehearsal"))
    await owner.command(c.StartRun("greeter", ledger="rehearsal"))

    def both(events: list[Event]) -> bool:
        return len([event for event in events if is_in("shipped")([event])]) == 2

    told = await asyncio.gather(*(heard(link, both) for link in links))
    states = [fold(events, link.state) for events, link in zip(told, links, strict=True)]
    assert states[0] == states[1] == states[2]
    for link in links:
        await link.close()
    await cli("engine", "stop", "--workspace", workspace.root)
    kept = (await past(workspace)).events
    for link, events in zip(links, told, strict=True):
        assert events == [event for event in kept if link.state.seq < event.seq <= events[-1].seq]


async def all_of(stream: asyncio.StreamReader, told: list[str]) -> None:
    async for one in stream:
        told.append(one.decode())  # noqa: PERF401 - seen while it grows


async def test_a_dropped_line_misses_nothing_and_doubles_nothing(sshd: Sshd, workspace: Workspace) -> None:
    """The log of an attach over ssh, of which one end or the other is killed again and again while runs work."""
    owner = await Link.connect(workspace.socket)
    for _ in range(4):
        await owner.command(c.StartRun("greeter", ledger="rehearsal"))
    attached = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "factory_tui", "attach", sshd.address(workspace.root), "--json"),
        *("--ssh", " ".join(sshd.ssh(BO)), "--program", str(sshd.program)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 26,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert attached.stdout is not None
    assert attached.stderr is not None
    told: list[str] = []
    complaints = asyncio.create_task(all_of(attached.stderr, told))
    lines: list[bytes] = []
    drops = last = 0
    async with asyncio.timeout(PATIENCE):
        async for data in attached.stdout:
            lines.append(data)
            broken = sum("the link broke" in one for one in told)
            if drops < 5 and len(lines) - last >= 12 and broken >= drops:  # what is down already cannot be dropped
                drops += drop_client(attached.pid) if drops % 2 else sshd.drop() > 0
                last = len(lines)
        code = await attached.wait()
    await complaints
    assert (code, drops) == (0, 5), told
    assert sum("the link broke" in one for one in told) >= 3, told
    assert set(json.loads(lines.pop())) == {"summary"}
    await owner.close()
    await cli("engine", "stop", "--workspace", workspace.root)
    kept = (await past(workspace)).events
    seen = [msgspec.json.decode(data, type=Event) for data in lines]
    assert seen == [event for event in kept if seen[0].seq <= event.seq <= seen[-1].seq], "0 missed, 0 doubled"
    assert len(seen) > 60
    starts = [event.fact for event in kept if event.fact.__struct_config__.tag == "engine-started"]
    assert len(starts) == 1, "the engine noticed nothing"


def drop_client(attach: int) -> bool:
    """Kill the ssh that an attach runs, if there is one now."""
    found = Path(f"/proc/{attach}/task/{attach}/children").read_text().split()
    for child in found:
        with suppress(ProcessLookupError):
            os.kill(int(child), signal.SIGKILL)
    return bool(found)


PAUSE = c.Pause("greeter-1")


@pytest.mark.parametrize(("key", "end"), [(OWNER, "client"), (BO, "sshd's child")])
async def test_a_console_on_a_terminal_draws_the_floor_and_a_drop_detaches_it(
    sshd: Sshd, workspace: Workspace, key: str, end: str
) -> None:
    asked = "factory-tui" if key == BO else shlex.join([str(sshd.program), "--workspace", str(workspace.root)])
    owner = await Link.connect(workspace.socket)
    await owner.command(c.StartRun("greeter", ledger="rehearsal"))

    def watch() -> None:
        with Terminal([*sshd.to(key, "-tt"), asked]) as terminal:
            terminal.until(b"greeter-1")
            terminal.type(b"p")
            terminal.until(b"paused")
            assert consoles(workspace)
            if end != "client":
                assert sshd.drop()
                terminal.ends()

    await asyncio.to_thread(watch)
    async with asyncio.timeout(PATIENCE):
        while consoles(workspace):  # noqa: ASYNC110 - a process that ends tells nobody
            await asyncio.sleep(0.02)
    await owner.command(c.Resume("greeter-1"))
    events = await heard(owner, is_in("shipped"))
    paused = [event.actor for event in events if isinstance(event.fact, CommandTaken) and event.fact.command == PAUSE]
    assert paused == [BO if key == BO else owner.actor]

    def again() -> None:
        with Terminal([*sshd.to(ANA, "-tt")]) as terminal:
            terminal.until(b"shipped")
            terminal.type(b"q")
            assert terminal.ends() == 0
            assert b"Detached; the runs go on." in terminal.got

    await asyncio.to_thread(again)
    await owner.close()


def consoles(workspace: Workspace) -> list[str]:
    """The processes that show this workspace's floor now."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"factory_tui" in words and os.fsencode(workspace.root) in words and b"engine" not in words:
                found.append(process.name)
    return found


async def test_a_console_of_ones_own_comes_back_after_a_drop(sshd: Sshd, workspace: Workspace) -> None:
    owner = await Link.connect(workspace.socket)

    def watch() -> None:
        how = ("--ssh", shlex.join(sshd.ssh(BO)), "--program", str(sshd.program))
        with Terminal([sys.executable, "-m", "factory_tui", "attach", sshd.address(workspace.root), *how]) as terminal:
            terminal.until(b"No runs yet")
            assert sshd.drop()
            terminal.until(b"reconnecting")
            asyncio.run_coroutine_threadsafe(owner.command(c.StartRun("greeter", ledger="rehearsal")), loop).result()
            terminal.until(b"greeter-1")
            terminal.type(b"q")
            assert terminal.ends() == 0
            assert b"The engine on 127.0.0.1 goes on. Attach again with: " in terminal.got

    loop = asyncio.get_running_loop()
    await asyncio.to_thread(watch)
    await owner.close()


async def test_without_an_engine_it_says_what_to_do(sshd: Sshd, workspace: Workspace) -> None:
    await cli("engine", "stop", "--workspace", workspace.root)
    with pytest.raises(NoAnswer, match=r"127\.0\.0\.1: no engine runs on .* Remedy: .*engine start"):
        await sshd.link(OWNER, workspace.root)
    with pytest.raises(NoAnswer, match=r"no engine runs on this workspace\. Remedy: ask its owner"):
        await sshd.link(ANA, workspace.root)
