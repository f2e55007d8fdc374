"""A console that stands still or is killed while eight runs flood: they ship all the same, and are seen again."""

import asyncio
import os
import random
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from factory_tui.link.outbox import EVENTS_BOUND
from tests.chaos.flooding import RUNS, FloodedFloor, flooding
from tests.chaos.killing import SEED, all_survived, same
from tests.e2e.tmux import Pane, Tmux, running

STILL = 30.0
"""Seconds that a console stands still."""
ROOM = 4 * EVENTS_BOUND
"""Bytes that one which stands still may cost the engine: what waits for it, and what copies of that leave behind."""


@pytest.fixture
def tmux(tmux_program: str) -> Iterator[Tmux]:
    with running(tmux_program) as server:
        yield server


def attach(pane: Pane, root: Path) -> None:
    """A console that is no child of tmux, which lets a stopped child of its own go on at once."""
    console = shlex.join([sys.executable, "-m", "factory_tui", "--workspace", str(root)])
    pane.type(f"exec sh -c {shlex.quote(f'{console}; true')}")
    pane.key("Enter")
    pane.until("FACTORY")
    pane.until("live")


def process(tmux: Tmux, name: str) -> int:
    """The console's."""
    shell = tmux.say("display-message", "-p", "-t", name, "#{pane_pid}").strip()
    return int(Path(f"/proc/{shell}/task/{shell}/children").read_text())


def stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def all_are(state: str, runs: Sequence[str]) -> Callable[[str], bool]:
    """Whether a screen shows every run in that state."""

    def shown(text: str) -> bool:
        rows = text.splitlines()
        return all(any(f"{run} " in row and state in row for row in rows) for run in runs)

    return shown


@pytest.mark.chaos
@pytest.mark.timeout(900)
async def test_a_console_that_stands_still_costs_eight_runs_nothing(
    tmp_path: Path, tmux: Tmux, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, playbooks, drawn = flooding(tmp_path, random.Random(f"{SEED} still"))
    async with FloodedFloor(workspace, playbooks) as floor:
        pane = tmux.pane("still")
        await asyncio.to_thread(attach, pane, workspace.root)
        runs = await floor.flood()
        reads = await floor.go_on(runs, STILL)
        console = process(tmux, "still")
        os.kill(console, signal.SIGSTOP)
        stands = await floor.go_on(runs, STILL)
        assert stopped(console)
        os.kill(console, signal.SIGCONT)
        await floor.enough(runs)
        await asyncio.to_thread(pane.until, all_are("shipped", runs))
        for run in await all_survived(floor, runs, list(floor.events)):
            same(run)
    assert stands.told > EVENTS_BOUND, "no flood: all of it could wait"
    assert stands.streamed > 2 * ROOM, "no flood: nothing would be seen of it in the engine's memory"
    assert stands.steps > 0, "a run stood still with the console"
    assert stands.grown < reads.grown + ROOM, "the engine keeps what the console does not read"
    with capsys.disabled():
        sys.stdout.write(f"\n{RUNS} runs, {drawn} (seed {SEED}); all ended the same\n")
        for name, part in (("reads", reads), ("stands still", stands)):
            sys.stdout.write(
                f"a console that {name:<12} {STILL:g} s: streamed {part.streamed / 1e6:.0f} MB, told "
                f"{part.told / 1e6:.1f} MB, at least {part.steps} steps a run, engine grew {part.grown / 1e6:.0f} MB\n"
            )


@pytest.mark.chaos
@pytest.mark.timeout(900)
async def test_a_killed_console_costs_eight_runs_nothing_and_the_next_one_shows_them(
    tmp_path: Path, tmux: Tmux, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(f"{SEED} killed")
    workspace, playbooks, drawn = flooding(tmp_path, chance)
    moment = chance.uniform(0.0, 5.0)
    async with FloodedFloor(workspace, playbooks) as floor:
        second = tmux.pane("second")
        await asyncio.to_thread(attach, tmux.pane("first"), workspace.root)
        runs = await floor.flood()
        await floor.go_on(runs, moment)
        os.kill(process(tmux, "first"), signal.SIGKILL)
        after = await floor.go_on(runs, 5.0)
        await asyncio.to_thread(attach, second, workspace.root)
        await asyncio.to_thread(second.until, all_are("running", runs))
        await floor.enough(runs)
        await asyncio.to_thread(second.until, all_are("shipped", runs))
        for run in await all_survived(floor, runs, list(floor.events)):
            same(run)
    assert after.steps > 0, "a run stood still without the console"
    with capsys.disabled():
        sys.stdout.write(f"\n{RUNS} runs, {drawn} (seed {SEED}); their console killed after {moment:.1f} s\n")
        sys.stdout.write(f"at least {after.steps} steps a run in the 5 s after it; all ended the same\n")
