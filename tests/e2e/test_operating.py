"""An operator at a real terminal: every key of the action table that changes a run, on a real engine, in tmux.

Each key is believed only when the screen says so and the journal names who asked. One run and one engine serve all
keys, in the order of a bad day; a second console looks on.
"""

import asyncio
import getpass
import shlex
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from factory_tui.config.workspace import Workspace
from factory_tui.console.actions import BY_ID
from factory_tui.console.wording import describe
from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.commands import Command
from factory_tui.domain.state import State
from factory_tui.link.client import Link
from tests.e2e.stage import cli, stopping
from tests.e2e.tmux import PATIENCE, Pane, Tmux, running
from tests.engine.greeter import AGAIN, DONE, SEED, WRITES, make
from tests.playbooks import playbook, rule, runs, speaks

PACE = 400
"""Characters a second that the agent speaks: a key meets it in the middle of a step."""
PATIENT = SEED.replace("max_passes = 3", "max_passes = 8")
CONFIG = """
[agent]
max_steps = 10000
[reload]
mode = "ask"
"""
LOOK = "echo I look on"
ENDLESS = playbook(
    "greeter",
    WRITES,
    AGAIN,
    rule("hear", "mind the commas", speaks("The commas are minded."), runs(LOOK)),
    rule(
        "look on",
        "observed .Hello|I look on|tabs count|seed changed|goes on",
        speaks("I look at every line once more, since one of them must be the one that leaves the blanks in."),
        runs(LOOK),
    ),
    DONE,
)
"""After its first pass the agent looks at its files for ever."""
TMUX_NAMES = {"enter": "Enter", "escape": "Escape", "exclamation_mark": "!", "question_mark": "?"}


@pytest.fixture
def tmux(tmux_program: str) -> Iterator[Tmux]:
    with running(tmux_program) as server:
        yield server


@pytest.fixture
async def workspace(home: Path, tmp_path: Path) -> AsyncIterator[Workspace]:
    """One with an engine in it that rehearses at a human pace."""
    found, playbooks = make(tmp_path, playbook=ENDLESS, seed=PATIENT)
    found.config.write_text(found.config.read_text() + CONFIG)
    options = ("--workspace", found.root, "--rehearsals", playbooks, "--pace", str(PACE))
    async with stopping(found):
        said = await cli("engine", "start", *options)
        assert said.code == 0, said.errors
        yield found


class Operator:
    """Somebody at a console, and what the journal knows of what they did."""

    def __init__(self, pane: Pane, workspace: Workspace) -> None:
        self.pane = pane
        self._workspace = workspace
        self.seen = 0
        """Seq of the newest command that was asked about."""
        self.line = shlex.join([sys.executable, "-m", "factory_tui", "--workspace", str(workspace.root)])

    def attach(self) -> None:
        self.pane.type(self.line)
        self.pane.key("Enter")
        self.pane.until("FACTORY")
        self.pane.until("live")

    def press(self, action: str) -> None:
        """The key of an action of the table."""
        key = BY_ID[action].keys[0]
        self.pane.key(TMUX_NAMES.get(key, key))

    def reply(self, title: str, words: str) -> None:
        """Write into the dialog of that title, and send it."""
        self.pane.until(title)
        self.pane.type(words)
        self.pane.key("Enter")

    def sure(self, title: str) -> None:
        """Say yes to a question, where no has the focus."""
        self.pane.until(title)
        self.pane.key("Right")
        self.pane.key("Enter")

    async def state(self, condition: Callable[[State], bool], what: str) -> State:
        """The engine's state, once it is so."""
        deadline = time.monotonic() + PATIENCE
        while True:
            link = await Link.connect(self._workspace.socket)
            await link.close()
            if condition(link.state):
                return link.state
            assert time.monotonic() < deadline, f"never {what}; the screen:\n{self.pane.text}"
            await asyncio.sleep(0.05)

    async def runs(self, *states: str) -> State:
        """Until the run is in one of these states, on the screen and in the engine."""
        state = await self.state(lambda state: state.runs["greeter-1"].state in states, f"{states}")
        words = {state.runs["greeter-1"].state, "re-seeds"}  # which is said in its place while one is due
        self.pane.until(
            lambda text: any("greeter-1" in line and any(word in line for word in words) for line in text.splitlines())
        )
        return state

    async def took(self, command: Command) -> None:
        """The newest command of the journal is this one, asked for by this user; the console says that it was taken."""
        await self.noted(command)
        self.pane.until(f"accepted: {describe(command)}")

    async def noted(self, command: Command) -> None:
        """The newest command of the journal is this one, asked for by this user."""
        deadline = time.monotonic() + PATIENCE
        link = await Link.connect(self._workspace.socket)
        try:
            while True:
                found = await link.events(None, None, 1, kinds=("command-taken",))
                if found and found[0].seq > self.seen:
                    break
                assert time.monotonic() < deadline, f"{command} was not taken; the screen:\n{self.pane.text}"
                await asyncio.sleep(0.05)
        finally:
            await link.close()
        assert isinstance(found[0].fact, e.CommandTaken)
        assert (found[0].fact.command, found[0].actor) == (command, getpass.getuser())
        self.seen = found[0].seq


async def test_every_key_of_an_operator(tmux: Tmux, workspace: Workspace) -> None:
    ana = Operator(tmux.pane("ana"), workspace)
    ana.attach()
    look_on = Operator(tmux.pane("look-on"), workspace)
    look_on.attach()

    ana.press("run.new")
    ana.pane.until("New run")
    ana.pane.key("Enter")
    await ana.took(c.StartRun("greeter", ledger="rehearsal"))
    ana.pane.until("trace greeter-1")
    await ana.state(lambda state: len(state.runs["greeter-1"].passes) == 2, "a second pass")
    await steers(ana, look_on)
    await reseeds(ana, look_on, workspace)
    await asks_and_answers(ana, look_on)
    await looks_and_begins_anew(ana)
    await freezes(ana, look_on)
    await stops(ana, look_on)


async def steers(ana: Operator, look_on: Operator) -> None:
    """p, P, s, b, U."""
    ana.press("run.pause")
    await ana.took(c.Pause("greeter-1"))
    await ana.runs("paused")
    await look_on.runs("paused")
    ana.press("run.pause")
    await ana.took(c.Resume("greeter-1"))
    await ana.runs("running")

    ana.press("run.pause-now")
    await ana.took(c.Pause("greeter-1", now=True))
    await ana.runs("paused")
    ana.press("run.pause")
    await ana.took(c.Resume("greeter-1"))
    await ana.runs("running")

    ana.press("run.steer")
    ana.reply("Steer greeter-1", "mind the commas")
    await ana.took(c.Steer("greeter-1", "mind the commas"))
    ana.pane.until("The commas are minded.")
    look_on.pane.until("The commas are minded.")

    state = await ana.state(lambda _: True, "")
    cap = state.runs["greeter-1"].cap
    assert cap is not None
    ana.press("run.cap")
    ana.reply("Budget of greeter-1", str(cap + 1))
    await ana.took(c.RaiseCap("greeter-1", Decimal(str(cap + 1))))
    await ana.state(lambda state: state.runs["greeter-1"].cap == cap + 1, "a higher cap")
    ana.press("run.undo")
    await ana.noted(c.Undo("greeter-1"))
    ana.pane.until("took back: raise the cap of greeter-1")
    await ana.state(lambda state: state.runs["greeter-1"].cap == cap, "the cap of before")


async def reseeds(ana: Operator, look_on: Operator, workspace: Workspace) -> None:
    """Somebody edits the seed; both consoles show how; r."""
    seed = workspace.seeds / "greeter.md"
    seed.write_text(seed.read_text().replace("Names are trimmed.", "Names are trimmed, of tabs too."))
    state = await ana.state(lambda state: bool(state.seeds["greeter"].diff), "a revised seed")
    revision = state.seeds["greeter"].revision
    for who in (ana, look_on):
        who.pane.until("of tabs too")
    ana.press("run.reseed")
    ana.reply("at its next pass", "1")
    await ana.took(c.Reseed("greeter-1"))
    await ana.state(lambda state: state.runs["greeter-1"].reseed == revision, "a revision for the next pass")


async def asks_and_answers(ana: Operator, look_on: Operator) -> None:
    """e, 3, a."""
    ana.press("run.escalate")
    ana.reply("Escalate greeter-1", "do tabs count?")
    await ana.took(c.Escalate("greeter-1", "do tabs count?"))
    await ana.state(lambda state: state.runs["greeter-1"].state == "jammed", "parked")
    look_on.press("go.inbox")
    ana.press("go.inbox")
    for who in (ana, look_on):
        who.pane.until("do tabs count?")
        who.pane.until("E-1")
    ana.press("run.answer")
    ana.reply("Answer E-1", "1")
    await ana.took(c.Answer("E-1", "go on"))
    look_on.pane.until("answered")
    for who in (ana, look_on):
        who.press("go.floor")
    await ana.runs("running")


async def looks_and_begins_anew(ana: Operator) -> None:
    """t, d, 5, 4, 2, R."""
    ana.press("run.shell")
    ana.reply("Shell in greeter-1", "1")
    ana.pane.until(lambda text: "FACTORY" not in text)
    ana.pane.type("ls greet.py && echo $((6 * 7)) files\n")
    assert "greet.py" in ana.pane.until("42 files")
    ana.pane.type("exit\n")
    ana.pane.until("the shell ended")
    await ana.noted(c.OpenShell("greeter-1"))
    ana.press("run.diff")
    ana.pane.until("+++ b/greet.py")
    ana.pane.key("Escape")
    ana.pane.until("FACTORY")  # an escape and a key at once are another key: alt and that
    ana.press("go.burn")
    ana.pane.until("rates are of")
    ana.press("go.workshop")
    ana.pane.until("\u25b8 seed")
    ana.press("go.run")
    ana.pane.until("trace greeter-1")

    ana.press("run.restart")
    ana.reply("Restart greeter-1", "1")
    ana.sure("Restart greeter-1 from pass")
    await ana.took(c.Restart("greeter-1", 1))
    ana.pane.until("begins anew from pass 1")


async def freezes(ana: Operator, look_on: Operator) -> None:
    """!, thaw."""
    ana.press("emergency")
    await ana.took(c.EmergencyStop())
    assert (await ana.state(lambda state: state.frozen, "frozen")).frozen
    for who in (ana, look_on):
        who.pane.until("FROZEN, ! thaws")
    look_on.seen = ana.seen
    look_on.press("emergency")
    look_on.sure("Thaw the floor?")
    await look_on.took(c.Thaw())
    ana.seen = look_on.seen
    await ana.state(lambda state: not state.frozen, "thawed")
    for who in (ana, look_on):
        who.pane.until(lambda text: "FROZEN, ! thaws" not in text)


async def stops(ana: Operator, look_on: Operator) -> None:
    """q and back; X, U, F."""
    ana.press("detach")
    ana.pane.until("Attach again with:")
    ana.attach()
    ana.pane.until("trace greeter-1")
    ana.press("run.stop")
    ana.reply("Stop greeter-1 for good?", "greeter-1")
    await ana.took(c.Stop("greeter-1"))
    for who in (ana, look_on):
        await who.runs("stopped")
    ana.press("run.undo")
    ana.pane.until("greeter-1 is stopped: it does not go on. Remedy: fork it")
    ana.press("run.fork")
    ana.reply("Fork greeter-1", "")
    state = await ana.state(lambda state: "greeter-2" in state.runs, "forked")
    forked = state.runs["greeter-2"].forked
    assert forked is not None
    await ana.took(c.Fork("greeter-1", forked.number))
    for who in (ana, look_on):
        who.pane.until("└ greeter-2")
