"""A shell in a bubble has what the agent's commands have there, and a terminal of its own."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from factory_tui.cells.process import ProcessCells
from factory_tui.cells.shell import in_folder
from tests.cells.conftest import LABELS, LIMITS
from tests.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from factory_tui.cells.bubblewrap import Bubble
    from factory_tui.cells.protocol import Cell
    from factory_tui.cells.shell import Shell

HELD = """
grep -e Cap[IPEA] -e NoNewPrivs -e Seccomp: -e Groups /proc/self/status
for one in c d f n u; do ulimit -H$one; done
umask; id
"""
TYPES = """
import fcntl, termios
for one in b"evil\\n":
    fcntl.ioctl(0, termios.TIOCSTI, bytes([one]))
"""


@pytest_asyncio.fixture(params=[True, False], ids=["a user of its own", "a user namespace"])
async def cell(request: pytest.FixtureRequest, bubble: Bubble, tmp_path: Path) -> AsyncIterator[Cell]:
    if request.param and os.geteuid():
        pytest.skip("only root can give each cell a user of its own")
    cells = ProcessCells("w", tmp_path, LIMITS, replace(bubble, strangers=request.param))
    cell = await cells.start(LABELS)
    yield cell
    await cell.close()


@pytest.fixture
def shell(cell: Cell, tmp_path: Path) -> Shell:
    return in_folder(tmp_path, cell.id)


async def typed(shell: Shell, text: str) -> subprocess.CompletedProcess[bytes]:
    return await asyncio.to_thread(
        subprocess.run, shell.words, input=text.encode(), env=shell.env, capture_output=True, check=False
    )


async def test_it_is_the_agent_in_the_cell(cell: Cell, shell: Shell, tmp_path: Path) -> None:
    await cell.write("hello", b"")
    done = await typed(shell, "id -un; pwd; ls; env; echo mine > shell; exit 3")
    lines = done.stdout.decode().splitlines()
    assert (done.returncode, lines[:3]) == (3, ["agent", "/work", "hello"]), done
    assert "HOME=/tmp" in lines
    assert await cell.read("shell") == b"mine\n"
    await cell.close()
    with pytest.raises(FileNotFoundError):
        in_folder(tmp_path, cell.id)


async def test_it_holds_what_a_command_holds(cell: Cell, shell: Shell) -> None:
    done = await typed(shell, HELD)
    assert done.stdout == (await cell.run(HELD)).stdout, done
    assert b"NoNewPrivs:\t1\nSeccomp:\t2\n" in done.stdout


async def test_it_counts_as_the_cells_own(bubble: Bubble, shell: Shell) -> None:
    if not bubble.group:
        pytest.skip("this user cannot make groups")
    done = await typed(shell, "python3 -c 'x = bytearray(400 << 20)' || echo $?")
    assert done.stdout == b"137\n", done


async def test_nothing_is_typed_into_the_terminal_that_it_was_called_from(shell: Shell) -> None:
    """A file of the agent's that a shell reads when it starts could have a command typed for whoever leaves it."""
    called = shlex.join(["env", "-i", *(f"{name}={value}" for name, value in (shell.env or {}).items()), *shell.words])
    whole = f"{called}; echo left $?; read -r line; echo got: $line; stty size"
    with Terminal(["setsid", "--ctty", "--wait", "bash", "-c", whole]) as terminal:
        terminal.type(b"tty; stty size; echo $((6 * 7))\n")
        assert b"24 80" in terminal.until(b"42")
        terminal.type(f"python3 -c {shlex.quote(TYPES)}; exit 4\n".encode())
        terminal.until(b"left 4")
        terminal.type(b"mine\n")
        terminal.until(b"got: mine")
        assert terminal.ends() == 0


async def test_a_key_reaches_the_program_in_front(shell: Shell) -> None:
    called = ["env", "-i", *(f"{name}={value}" for name, value in (shell.env or {}).items()), *shell.words]
    with Terminal(called) as terminal:
        terminal.type(b"PS1=rea'dy '; sh -c 'echo up $((1 + 1)); exec sleep 1000'\n")
        terminal.until(b"up 2")
        terminal.type(b"\x03")
        terminal.until(b"ready")
        terminal.type(b"echo $?; exit\n")
        terminal.until(b"130")
        assert terminal.ends() == 0
