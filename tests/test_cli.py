"""What the commands say and return when something is not as it should be, and without a terminal."""

import argparse
import asyncio
import gc
import json
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from aiohttp import web

from factory_tui.arguments import parser
from factory_tui.cli import COMMANDS, main
from factory_tui.config.workspace import Lock, Workspace
from factory_tui.console.feed import Connect
from factory_tui.domain.commands import Command
from factory_tui.engine import spawn
from factory_tui.following import FAILED, SHIPPED, USAGE, console
from factory_tui.link.client import Link
from factory_tui.link.protocol import NoAnswer
from tests.cells.engines import engine_that
from tests.engine.conftest import home
from tests.engine.greeter import make
from tests.waiting import PATIENCE

# The engine outlives the command that started it, which is the point.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
Output = pytest.CaptureFixture[str]
__all__ = ["home"]


@pytest.fixture
def workspace(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The greeter's, and nowhere inside it; its engine, if a test starts one, is stopped."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    found, _ = make(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.chdir(elsewhere)
    yield found
    assert main(["engine", "stop", "--workspace", str(found.root)]) == SHIPPED


def test_a_workspace_may_be_named_before_the_command(workspace: Workspace, capsys: Output) -> None:
    assert main(["--workspace", str(workspace.root), "--json", "status"]) == SHIPPED
    told = json.loads(capsys.readouterr().out)
    assert (told["up"], told["runs"]) == (False, [])


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        (["run", "greeter", "--model", "big"], USAGE, "no model is called `big`. Remedy: name one of default"),
        (["pause", "greeter-1"], FAILED, "no engine runs on this workspace. Remedy: "),
        (["engine", "stop"], SHIPPED, ""),
        (["engine", "status"], FAILED, ""),
    ],
)
def test_a_wrong_wish_is_answered_with_a_remedy(
    workspace: Workspace, capsys: Output, asked: list[str], code: int, said: str
) -> None:
    assert main([*asked, "--workspace", str(workspace.root)]) == code
    assert said in capsys.readouterr().err


def test_outside_of_a_workspace_it_says_where_to_go(workspace: Workspace, capsys: Output) -> None:
    assert main(["status"]) == USAGE
    assert "no workspace here" in capsys.readouterr().err


def test_a_journal_that_is_none_is_named(workspace: Workspace, capsys: Output) -> None:
    workspace.state.mkdir()
    (workspace.state / "journal.db").write_text("no journal " * 100)
    assert main(["status", "--workspace", str(workspace.root)]) == FAILED
    assert "journal.db" in capsys.readouterr().err


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "init d",
        "new a",
        "demo",
        "run a",
        "pause a-1",
        "freeze",
        "answer E-1 stop",
        "answer E-1 go on --text yes",
        "status",
        "doctor",
        "twin messages --playbook f",
    ]
    + [f"engine {action}" for action in ("start", "stop", "status", "run")]
    + [
        "attach ssh://host/srv",
        "link",
        "door ana",
        "operators add ana --key f",
        "operators list",
        "operators remove ana",
    ]
    + ["fixterm"],
)
def test_every_command_that_can_be_asked_for_is_there(asked: str) -> None:
    assert parser().parse_args(asked.split()).command in COMMANDS


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none_is_refused(port: str, capsys: Output) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["twin", "messages", "--playbook", "x.toml", f"--port={port}"])
    assert refused.value.code == USAGE
    assert "--port" in capsys.readouterr().err


@pytest.mark.parametrize("at_once", [False, True])
def test_an_engine_that_cannot_work_says_why(
    workspace: Workspace, capsys: Output, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    start = spawn.start

    def gone_before_anybody_asked(workspace: Workspace, options: Sequence[str] = ()) -> int:
        pid = start(workspace, options)
        workspace.hold(patience=20).release()
        return pid

    if at_once:
        monkeypatch.setattr(spawn, "start", gone_before_anybody_asked)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    workspace.config.write_text(workspace.config.read_text().replace('"process"', '"docker"'))
    playbooks = ["--rehearsals", str(workspace.root.parent / "playbooks")]
    assert main(["run", "greeter", "--rehearse", *playbooks, "--workspace", str(workspace.root)]) == FAILED
    assert "no Docker engine answers. Remedy:" in capsys.readouterr().err


async def test_an_engine_that_is_killed_before_it_took_a_run_is_told_from_one_that_is_slow(
    workspace: Workspace, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for = threading.Event()
    command = Link.command

    async def tell(link: Link, wanted: Command, key: str = "") -> None:
        asked_for.set()
        await command(link, wanted, key)

    async def kill(request: web.BaseRequest) -> web.Response:
        if request.path != "/_ping":
            assert await asyncio.to_thread(asked_for.wait, PATIENCE)
            with workspace.log.open("a") as log:
                log.write("a container said \x1b]0;owned\x07this\n")
            os.kill(int((workspace.state / "lock").read_text()), signal.SIGKILL)
        return web.Response(text="OK", headers={"Api-Version": "1.44"})

    monkeypatch.setattr(Link, "command", tell)
    workspace.config.write_text(workspace.config.read_text().replace('"process"', '"docker"'))
    asked = ["run", "greeter", "--rehearse", "--rehearsals", str(workspace.root.parent / "playbooks")]
    async with engine_that(kill) as host:
        monkeypatch.setenv("DOCKER_HOST", host)
        assert await asyncio.to_thread(main, [*asked, "--workspace", str(workspace.root)]) == FAILED
    said = capsys.readouterr().err
    assert "the engine ended without a word; the end of its log" in said
    assert said.rstrip().endswith("a container said \ufffdthis")


def test_a_key_alone_spends_no_money(workspace: Workspace, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREETER_KEY", "sk-key-of-a-test")
    assert main(["run", "greeter", "--workspace", str(workspace.root)]) == USAGE
    said = capsys.readouterr().err
    assert "nobody said --live: this is a rehearsal" in said
    assert "no playbook to rehearse `greeter`" in said


def test_a_refused_run_leaves_no_idle_engine(workspace: Workspace, capsys: Output) -> None:
    where = ["--workspace", str(workspace.root)]
    assert main(["run", "nobody", "--rehearse", *where]) == USAGE
    assert "there is no seed `nobody`" in capsys.readouterr().err
    assert main(["engine", "status", *where]) == FAILED
    assert main(["engine", "start", *where]) == SHIPPED
    assert main(["run", "nobody", "--rehearse", *where]) == USAGE
    assert main(["engine", "status", *where]) == SHIPPED, "one that was there stays"


def test_without_a_terminal_it_follows_what_there_is(workspace: Workspace, capsys: Output) -> None:
    assert main(["--workspace", str(workspace.root)]) == SHIPPED
    assert "SATISFIED" in capsys.readouterr().out
    assert main(["--workspace", str(workspace.root), "--json"]) == SHIPPED
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["summary"]["runs"] == []


def test_stop_waits_for_an_engine_that_answers_no_more(
    workspace: Workspace, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    letting_go, hold, tries = workspace.hold(), Workspace.hold, list[float]()

    def third_time_lucky(self: Workspace, patience: float = 0) -> Lock:
        tries.append(patience)
        if len(tries) == 3:
            letting_go.release()
        return hold(self, patience)

    monkeypatch.setattr(Workspace, "hold", third_time_lucky)
    assert main(["engine", "stop", "--workspace", str(workspace.root)]) == SHIPPED
    assert len(tries) == 3
    assert "engine stopped" in capsys.readouterr().out


def test_one_wrong_name_starts_nothing(workspace: Workspace, capsys: Output) -> None:
    playbooks = str(workspace.root.parent / "playbooks")
    where = ["--rehearse", "--rehearsals", playbooks, "--workspace", str(workspace.root)]
    assert main(["run", "greeter", "nobody", *where]) == USAGE
    assert "there is no seed `nobody`" in capsys.readouterr().err
    assert main(["--workspace", str(workspace.root), "--json", "status"]) == SHIPPED
    assert json.loads(capsys.readouterr().out)["runs"] == []


def test_playbooks_that_cannot_be_played_are_named_at_once(workspace: Workspace, capsys: Output) -> None:
    broken = workspace.root.parent / "broken"
    wanted = ["run", "greeter", "--rehearse", "--workspace", str(workspace.root), "--rehearsals", str(broken)]
    assert main(wanted) == USAGE
    assert "there is no such folder of playbooks" in capsys.readouterr().err
    broken.mkdir()
    assert main(wanted) == USAGE
    assert f"`greeter` with in {broken}. Remedy: run it live, or write greeter.toml" in capsys.readouterr().err
    (broken / "greeter.toml").write_text("seed =")
    assert main(wanted) == USAGE
    assert "greeter.toml: not valid TOML" in capsys.readouterr().err


def test_an_engine_with_other_playbooks_is_not_passed_over(workspace: Workspace, capsys: Output) -> None:
    where = ["--workspace", str(workspace.root)]
    assert main(["engine", "start", *where]) == SHIPPED
    playbooks = str(workspace.root.parent / "playbooks")
    assert main(["run", "greeter", "--rehearse", "--rehearsals", playbooks, *where]) == USAGE
    assert "an engine runs already with other playbooks" in capsys.readouterr().err


def test_a_frozen_floor_says_who_froze_it_and_what_thaws_it(workspace: Workspace, capsys: Output) -> None:
    where = ["--workspace", str(workspace.root)]
    assert main(["engine", "start", *where]) == SHIPPED
    assert main(["freeze", *where]) == SHIPPED
    assert "the floor is frozen" in capsys.readouterr().out
    assert main(["status", *where]) == SHIPPED
    assert "FROZEN by " in (said := capsys.readouterr().out)
    assert " thaw --workspace " in said
    assert main(["thaw", *where]) == SHIPPED
    assert "the floor goes on" in capsys.readouterr().out


def test_garbage_is_collected_again_once_the_console_painted(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    async def attach(connect: Connect) -> None:
        with pytest.raises(NoAnswer):
            await connect()

    def paints(connect: Connect, _ui: object, _folder: Path, *_more: object) -> None:
        seen.append(gc.isenabled())
        asyncio.run(attach(connect))
        seen.append(gc.isenabled())

    monkeypatch.setattr("factory_tui.console.app.run_console", paints)
    console(workspace)
    gc.unfreeze()
    assert seen == [False, True]


def test_the_help_of_every_command_begins_with_what_it_does() -> None:
    def below(one: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
        for action in one._actions:
            if isinstance(action, argparse._SubParsersAction):
                for each in action.choices.values():
                    yield each
                    yield from below(each)

    found = list(below(parser()))
    assert len(found) > 30
    assert [one.prog for one in found if not one.description] == []
