"""The command line's way to a run: say, ask, begin anew, compare, look inside; and what it says to wrong input."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory_tui.config.workspace import Workspace
from factory_tui.domain.commands import OpenShell, Pause
from factory_tui.domain.events import CommandTaken, Prompted, RunRestarted, ToolCalled
from factory_tui.following import FAILED, SHIPPED, USAGE
from tests.engine.floor import ROOT, FarFloor, Floor
from tests.engine.greeter import make
from tests.engine.test_asking import asked
from tests.engine.test_guidance import DIES, PATIENT, words
from tests.engine.test_restarts import SLOW
from tests.engine.test_runs import cells_of
from tests.terminal import Terminal

if TYPE_CHECKING:
    from docker import DockerClient


async def piped(workspace: Workspace, typed: str, *said: str) -> tuple[int | None, str]:
    """The exit code of a command that reads this from its stdin, and all that it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "factory_tui", *said, "--workspace", str(workspace.root)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SHELL": "/bin/sh", "SOME_API_KEY": "sk-a-key"},
    )
    told, _ = await process.communicate(typed.encode())
    return process.returncode, told.decode()


async def test_a_run_at_work_is_told_compared_looked_into_and_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Floor(*make(tmp_path, playbook=SLOW, seed=PATIENT)) as floor:
        at, run = floor.workspace, await floor.start()
        await floor.fact(ToolCalled, lambda fact: "sleep 300" in fact.brief)
        assert await asked(at, "steer", run, "be", "brief") == (SHIPPED, f"{run} is told before its next step\n")
        assert await asked(at, "inbox") == (SHIPPED, "nothing waits for a human\n")
        assert await asked(at, "cap", run, "20.50") == (SHIPPED, f"{run} may spend $20.50\n")
        refused = f"the cap of {run} is $20.50 now; name more than that\n"
        assert await asked(at, "cap", run, "$1") == (FAILED, refused)

        code, said = await asked(at, "diff", run)
        assert (code, said.splitlines()[0]) == (SHIPPED, f"{run}: from nothing to pass 1")
        assert "\n+import sys\n" in said
        assert "\033" not in said
        assert await asked(at, "diff", run, "1", "1") == (SHIPPED, f"{run}: from pass 1 to pass 1\n")
        assert await asked(at, "diff", run, "7") == (FAILED, f"{run} has no output of pass 7; passes: 1\n")

        code, said = await piped(at, "pwd; cat greet.py; env; exit 7\n", "shell", run)
        where = f"the cell of {run}: its agent works here, and finds what you change."
        assert (code, said.splitlines()[0]) == (7, f"UNFENCED: a shell on this machine, in {where}")
        assert "import sys" in said
        assert "sk-a-key" not in said
        code, said = await piped(at, "echo mine > greet.py; cat greet.py; ls\n", "shell", run, "--pass", "1")
        assert (code, said.splitlines()[0]) == (
            SHIPPED,
            f"UNFENCED: a shell on this machine, in a copy of {run}'s pass 1, gone when you leave.",
        )
        assert "\nmine\n" in said
        assert len(cells_of(floor)) == 1, "the run's own"
        code, said = await asked(at, "shell", run, "--pass", "4")
        assert (code, said) == (FAILED, f"{run} has no output of pass 4; passes: 1\n")

        assert (await asked(at, "reseed", run))[0] == FAILED, "it is the newest"
        assert await asked(at, "restart", run, "--from", "1") == (
            SHIPPED,
            f"{run} begins anew from the output of pass 1\n",
        )
        await floor.fact(RunRestarted, lambda fact: fact.number == 1)
        told = await floor.fact(Prompted, lambda fact: fact.told == 1)
        assert "be brief" in words(told), "what was said is told in the new conversation"
        assert (await floor.reach(run, "shipped", "jammed", "held")).state == "shipped"
        await floor.until(lambda state: not state.runs[run].cells)
        code, said = await asked(at, "shell", run)
        assert (code, said) == (FAILED, f"{run} is shipped and has no cell now. Remedy: --pass 3\n")
        assert {event.actor for event in floor.events if isinstance(event.fact, CommandTaken)} == {floor.link.actor}
        taken = [fact.command for fact in floor.told(CommandTaken)]
        shells = [command for command in taken if isinstance(command, OpenShell)]
        assert shells == [OpenShell(run), OpenShell(run, 1)], "those that were opened"

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    command = [sys.executable, "-m", "factory_tui", "diff", run, "1", "3", "--workspace", str(at.root)]
    with Terminal(command) as terminal:
        drawn = await asyncio.to_thread(terminal.until, b"names[0].strip()")
        assert b"\033[32m+" in drawn, "in colour on a terminal, without an engine"


async def test_the_inbox_shows_a_question_with_its_evidence_and_words_answer_it(tmp_path: Path) -> None:
    async with Floor(*make(tmp_path, playbook=DIES, seed=PATIENT)) as floor:
        at, run = floor.workspace, await floor.start()
        await floor.reach(run, "jammed")
        code, said = await asked(at, "inbox")
        lines = said.splitlines()
        assert code == SHIPPED
        assert lines[0].startswith(f"E-1 jam (dead) of {run}, seed greeter, asks demo since ")
        assert lines[1] == "  pass 2 changed no file, though it was told what is wrong"
        assert lines[3] == "    pass 2: vault 0.75, feedback 0.67; failed trims; changed no file"
        assert lines[5].startswith("    spent since pass 1: $0.")
        assert "    What the agent was told last:" in lines
        assert lines[-2] == "  Choices: go on, stop"
        assert ' answer E-1 CHOICE --text "..."' in lines[-1]
        code, said = await asked(at, "inbox", "--json")
        told = json.loads(said)
        assert (told["escalations"][0]["id"], told["escalations"][0]["choices"]) == ("E-1", ["go on", "stop"])
        assert told["held"] == []
        assert (told["answered"], told["median_seconds"]) == ([], None)
        code, said = await asked(at, "answer", "E-1")
        offers = "E-1 offers: go on, stop; or words of your own (--text), which the agent is told"
        assert (code, said) == (FAILED, f"an empty answer is no answer; {offers}\n")
        assert await asked(at, "answer", "E-1", "perhaps") == (FAILED, f"{offers}\n")
        assert await asked(at, "escalate", run) == (FAILED, f"{run} has asked already: E-1\n")
        assert await asked(at, "answer", "E-1", "--text", "trim every name") == (SHIPPED, "E-1 is answered\n")
        await floor.until(lambda state: state.escalations["E-1"].answered_at > 0)
        told = json.loads((await asked(at, "inbox", "--json"))[1])
        found = floor.state.escalations["E-1"]
        assert found.took > 0
        assert [(one["id"], one["by"], one["seconds"]) for one in told["answered"]] == [
            ("E-1", floor.link.actor, found.took)
        ]
        assert told["median_seconds"] == found.took
        assert (await floor.reach(run, "shipped", "held")).state == "shipped"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (("cap", "greeter-1", "much"), "'much' is no amount of dollars or tokens, such as 12.50"),
        (("cap", "greeter-1", "-3"), ""),
        (("restart", "greeter-1", "--from", "one"), "'one' is no number of a pass"),
        (("steer", "greeter-1"), "the following arguments are required: text"),
        (("shell", "greeter-1", "--pass", "-1"), ""),
    ],
)
async def test_what_cannot_be_meant_is_a_usage_error(tmp_path: Path, said: tuple[str, ...], why: str) -> None:
    workspace, _ = make(tmp_path)
    code, told = await asked(workspace, *said)
    assert code == USAGE
    assert why in told


@pytest.mark.parametrize("hung_up", [signal.SIGHUP, signal.SIGTERM])
async def test_a_copy_is_removed_though_its_terminal_closes(tmp_path: Path, hung_up: signal.Signals) -> None:
    async with Floor(*make(tmp_path)) as floor:
        run = await floor.reach(await floor.start(), "shipped", "failed", "held")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "factory_tui", "shell", run.id, "--pass", "1"),
            *("--workspace", str(floor.workspace.root)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT), "SHELL": "/bin/sh"},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"echo here\n")
        assert await process.stdout.readline() == b"here\n"
        assert len(cells_of(floor)) == 1
        process.send_signal(hung_up)
        assert await process.wait() == FAILED
        assert cells_of(floor) == []


async def test_without_an_engine_nobody_goes_where_an_agent_works(tmp_path: Path) -> None:
    async with FarFloor(*make(tmp_path)) as floor:
        at, run = floor.workspace, await floor.start()
        await floor.fact(ToolCalled)
        await floor.kill()
        code, said = await piped(at, "echo was here\n", "shell", run)
        assert (code, "was here" in said) == (FAILED, False)
        assert "no engine runs that could note who was there. Remedy: " in said
        await floor.open()


@pytest.mark.docker
@pytest.mark.timeout(240)
async def test_a_shell_in_a_docker_cell_is_the_agents_and_a_copy_is_removed(
    tmp_path: Path, docker_engine: "DockerClient", cell_image: str
) -> None:
    workspace, playbooks = make(tmp_path, kind="docker", image=cell_image, playbook=SLOW, seed=PATIENT)
    ours = f"factory-tui.workspace={workspace.identity}"
    async with Floor(workspace, playbooks) as floor:
        run = await floor.start()
        await floor.fact(ToolCalled, lambda fact: "sleep 300" in fact.brief)
        code, said = await piped(workspace, "stat -c %u . | grep -cx $(id -u); pwd; cat greet.py; env\n", "shell", run)
        assert code == SHIPPED, said
        lines = said.splitlines()
        assert lines[:3] == [
            f"A shell in the cell of {run}: its agent works here, and finds what you change.",
            "1",
            "/work",
        ]
        assert "import sys" in said
        assert "sk-a-key" not in said
        code, said = await piped(workspace, "rm greet.py; ls; exit 3\n", "shell", run, "--pass", "1")
        assert (code, said.splitlines()) == (
            3,
            [f"A shell in a copy of {run}'s pass 1, from {cell_image}, gone when you leave.", "tests"],
        )
        assert len(docker_engine.containers.list(all=True, filters={"label": ours})) == 1, "the run's own"
        await floor.command(Pause(run, now=True))
        await floor.reach(run, "paused")
        code, said = await piped(workspace, "", "shell", run)
        refused = f"the cell of {run} stands still while it is paused. Remedy: resume it, or --pass 1\n"
        assert (code, said) == (FAILED, refused)
        await asked(workspace, "stop", run)
        await floor.until(lambda state: not state.runs[run].cells)
