"""A shell that was started before its command came is a fresh one in all that a command can see, and nobody else's."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.waiting import eventually, until

if TYPE_CHECKING:
    from factory_tui.cells.protocol import Cell, Outcome

WAITED = "test $(tr -cd '\\0' < /proc/$$/cmdline | wc -c) -gt 3"
"""What is left of the room for a command shows behind its text: the one trace, but for the time when it started."""
FOUND = "grep -lE '[#]{64}' /proc/[0-9]*/cmdline"
"""Shells that wait, to whoever looks for them."""
HUNT = f"""
touch hunting
until test -e enough; do
    for it in $({FOUND} 2> /dev/null); do echo $it; kill -STOP $(echo $it | cut -d / -f 3); done
done
"""
ALIKE = {
    "an exit code": "exit 7",
    "a signal to itself": "kill -TERM $$",
    "a signal to its last command, for which it does not fork": "sh -c 'kill -SEGV $$'",
    "a signal to a command before the last": "exec 2> /dev/null; sh -c 'kill -KILL $$'; echo $?",
    "no such command": "echo one\n\nno-such-command",
    "no such variable": "set -u; echo $none",
    "a command that is not whole": "if",
    "a command that is none": "echo first; echo )",
    "what it was called with": 'echo "$0|$-|$#|$*|$_|$?|$LINENO|$SHLVL|${BASH_SOURCE[*]}|$BASH_SUBSHELL|$SECONDS"',
    "its text": 'echo "$BASH_EXECUTION_STRING"; echo \'ünïcode\' "it\'s" \\\\ "\n"',
    "its arguments": "tr '\\0' '\\n' < /proc/$$/cmdline | sed '/^$/d'; cat /proc/$$/comm",
    "its environment": "env | sort; tr '\\0' '\\n' < /proc/$$/environ | sed '/^$/d' | sort",
    "its variables": "declare -p | grep -vE ' (BASHPID|E?U?ID|S?RANDOM|EPOCH.*|PPID|SECONDS|PIPESTATUS|BASH_ARGC)'",
    "its options": "set +o; shopt; trap; alias; hash; ulimit -a; umask; declare -F; jobs",
    "its streams": "cd /proc/self/fd; ls; readlink 0; test -p /dev/stdout && echo pipe >> /dev/stderr; cat",
    "its rights": "cat /proc/$$/oom_score_adj; grep -E '^(Sig[BIC]|Cap|No|Sec|Uid|Gid|Gro)' /proc/self/status",
    "where it is": "pwd; echo $PWD $OLDPWD",
    "a text as long as it takes": "echo " + "x" * 4090,
    "a text that is longer": "echo " + "x" * 4091,
    "a document": "cat <<'END'\n$one 'two'\nEND\n",
    "one without a new line at its end": "cat <<END\nlast\nEND",
}


async def waited(cell: Cell) -> bool:
    return (await cell.run(WAITED)).exit == 0


def seen(outcome: Outcome) -> tuple[int, bytes, bytes]:
    return outcome.exit, outcome.stdout, outcome.stderr


class Ahead:
    async def test_the_next_command_finds_a_shell_that_waits(self, cell: Cell) -> None:
        await eventually(lambda: waited(cell))

    @pytest.mark.parametrize("command", ALIKE.values(), ids=ALIKE)
    async def test_it_is_as_a_fresh_one(self, cell: Cell, command: str) -> None:
        shell = (await cell.run("echo $BASH")).stdout.decode().strip()
        fresh = await cell.run([shell, "-c", command])
        for _ in range(3):
            await cell.run("true")
            assert seen(await cell.run(command)) == seen(fresh)

    async def test_what_needs_another_start_gets_it(self, cell: Cell) -> None:
        await cell.write("below/x", b"")
        for _ in range(2):
            assert (await cell.run("cat", stdin=b"given")).stdout == b"given"
            assert (await cell.run("echo $GIVEN", env={"GIVEN": "given"})).stdout == b"given\n"
            assert (await cell.run("ls", cwd="below")).stdout == b"x\n"
            assert (await cell.run("ls", cwd=f"{cell.work}/below")).stdout == b"x\n"
            assert (await cell.run(["echo", "given"])).stdout == b"given\n"
            assert (await cell.run("echo a\0b")).exit == 126

    async def test_a_timeout_reaches_it(self, cell: Cell) -> None:
        await cell.run("true")
        outcome = await cell.run("trap '' TERM; while :; do sleep 100; done", timeout=0.2)
        assert (outcome.timed_out, outcome.exit) == (True, -9)

    async def test_none_waits_where_something_was_left(self, cell: Cell) -> None:
        pid = int((await cell.run("sleep 1000 > /dev/null 2>&1 & echo $!")).stdout)
        assert not [await waited(cell) for _ in range(5)].count(True)
        await cell.run(f"kill -9 {pid}")
        await eventually(lambda: waited(cell))


@pytest.mark.asyncio(loop_scope="class")
class TestProcessCell(Ahead):
    kind = "process"

    @pytest.mark.parametrize(("number", "state"), [(signal.SIGSTOP, "T"), (signal.SIGKILL, "Z")])
    async def test_one_that_was_stopped_or_killed_is_not_taken(self, cell: Cell, number: int, state: str) -> None:
        keeper = int((await cell.run("echo $PPID")).stdout)
        await until(lambda: len(children(keeper)) == 1)
        [shell] = children(keeper)
        os.kill(shell, number)
        await until(lambda: f") {state} " in Path(f"/proc/{shell}/stat").read_text())
        outcome = await asyncio.wait_for(cell.run(f"{WAITED} || echo fresh"), 20)
        assert outcome.stdout == b"fresh\n"
        await eventually(lambda: waited(cell))

    async def test_one_whose_keeper_was_killed_ends_with_it(self, cell: Cell) -> None:
        keeper = int((await cell.run("echo $PPID")).stdout)
        await until(lambda: len(children(keeper)) == 1)
        [shell] = children(keeper)
        os.kill(keeper, signal.SIGKILL)
        await until(lambda: not Path(f"/proc/{shell}").exists())
        await eventually(lambda: waited(cell))


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="class")
class TestDockerCell(Ahead):
    kind = "docker"

    async def test_no_command_finds_one(self, cell: Cell) -> None:
        await cell.run("rm -f enough hunting")
        hunter = asyncio.create_task(cell.run(HUNT, timeout=60))

        async def hunting() -> bool:
            files = await cell.tree()  # a command could be met while it is given its text
            return any(file.path == "hunting" for file in files)

        await eventually(hunting)
        for number in range(10):
            await self.test_what_needs_another_start_gets_it(cell)
            assert (await cell.run(f"echo {number}")).stdout == b"%d\n" % number
        await cell.write("enough", b"")
        assert (await hunter).stdout == b""

    async def test_nor_does_one_for_which_it_is_given_up(self, cell: Cell) -> None:
        for _ in range(10):
            await eventually(lambda: waited(cell))
            assert (await cell.run(["bash", "-c", f"{FOUND}; true"])).stdout == b""
            await eventually(lambda: waited(cell))
            assert (await cell.run(f"{FOUND}; true", env={"GIVEN": ""})).stdout == b""


def children(pid: int) -> list[int]:
    """The children of a process of this machine."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has just ended
        if parent == pid:
            found.append(int(stat.parent.name))
    return found
