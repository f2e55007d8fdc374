"""Commands, as every kind of cell runs them."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

import pytest

from factory_tui.cells.protocol import CellError
from tests.waiting import eventually

if TYPE_CHECKING:
    from factory_tui.cells.protocol import Cell

FORGETFUL = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("daemon", "w").write(str(os.getpid()))
        time.sleep(1000)
    os._exit(0)
time.sleep(1000)
"""


async def runs(cell: Cell, pid: str) -> bool:
    return (await cell.run(f"test -e /proc/{pid}/stat && ! grep -q ') Z ' /proc/{pid}/stat")).exit == 0


class Commands:
    async def test_gives_exit_status_and_split_streams(self, cell: Cell) -> None:
        outcome = await cell.run("echo out; echo err >&2; exit 7")
        assert (outcome.exit, outcome.stdout, outcome.stderr) == (7, b"out\n", b"err\n")
        assert not outcome.timed_out
        assert not outcome.lost
        assert 0 < outcome.seconds < 10

    async def test_a_signal_is_a_negative_exit(self, cell: Cell) -> None:
        assert (await cell.run("kill -TERM $$")).exit == -15

    async def test_a_sequence_goes_to_no_shell(self, cell: Cell) -> None:
        assert (await cell.run(["printf", "%s|", "$HOME", "a b", ""])).stdout == b"$HOME|a b||"

    async def test_what_is_no_program_is_the_commands_failure(self, cell: Cell) -> None:
        outcome = await cell.run(["no-such-program"])
        assert outcome.exit == 127
        assert b"no-such-program" in outcome.stderr or b"No such file" in outcome.stderr

    async def test_a_nul_byte_is_the_commands_failure(self, cell: Cell) -> None:
        assert (await cell.run("echo a\0b")).exit == 126

    async def test_an_empty_command_is_refused(self, cell: Cell) -> None:
        with pytest.raises(CellError, match="empty"):
            await cell.run([])

    @pytest.mark.parametrize("size", [0, 5, 3_000_000])
    async def test_stdin_arrives_whole_and_ends(self, cell: Cell, size: int) -> None:
        data = os.urandom(size)
        assert (await cell.run("cat", stdin=data, limit=8 << 20)).stdout == data

    async def test_stdin_that_nobody_reads_does_not_hang(self, cell: Cell) -> None:
        assert (await cell.run("exec <&-; echo done", stdin=bytes(2_000_000))).stdout == b"done\n"

    async def test_env_and_cwd(self, cell: Cell) -> None:
        await cell.write("deep/er/x", b"")
        outcome = await cell.run('echo "$WHAT $PWD"', env={"WHAT": "ünïcode"}, cwd="deep/er")
        assert outcome.stdout.decode() == f"ünïcode {cell.work}/deep/er\n"

    async def test_a_cwd_that_is_not_there_is_the_commands_failure(self, cell: Cell) -> None:
        assert (await cell.run("true", cwd="nowhere")).exit == 127

    async def test_no_shell_state_leaks_into_the_next_command(self, cell: Cell) -> None:
        await cell.run("cd /; export LEAK=1; ulimit -n 50")
        assert (await cell.run("pwd; echo $LEAK")).stdout.decode() == f"{cell.work}\n\n"

    async def test_pipes_end_as_the_shell_expects(self, cell: Cell) -> None:
        outcome = await cell.run("yes | head -1", timeout=20)
        assert (outcome.exit, outcome.stdout) == (0, b"y\n")

    async def test_a_command_may_be_longer_than_one_argument(self, cell: Cell) -> None:
        text = "x" * 400_000
        assert (await cell.run(f"echo {text} | wc -c")).stdout.strip() == b"400001"

    async def test_a_command_beyond_a_frame_is_refused(self, cell: Cell) -> None:
        with pytest.raises(CellError, match="bytes long"):
            await cell.run("#" * (5 << 20))

    async def test_any_byte_passes(self, cell: Cell) -> None:
        data = bytes(range(256)) * 10
        outcome = await cell.run("tee /dev/stderr", stdin=data)
        assert outcome.stdout == outcome.stderr == data

    async def test_the_middle_is_cut_and_counted(self, cell: Cell) -> None:
        outcome = await cell.run("printf AAAA; head -c 10000000 /dev/zero; printf ZZZZ", limit=1000)
        assert (len(outcome.stdout), outcome.cut) == (1000, 10_000_008 - 1000)
        assert outcome.stdout[:4] + outcome.stdout[-4:] == b"AAAAZZZZ"

    async def test_ten_megabytes_come_whole_when_asked_for(self, cell: Cell) -> None:
        outcome = await cell.run("head -c 10000000 /dev/zero", limit=32 << 20)
        assert (len(outcome.stdout), outcome.cut) == (10_000_000, 0)

    async def test_output_streams_while_the_command_runs(self, cell: Cell) -> None:
        heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        command = "echo first; echo second >&2; until test -e go; do sleep 0.01; done; echo last"
        task = asyncio.create_task(cell.run(command, on_output=lambda s, d: heard.put_nowait((s, d))))
        seen = {await asyncio.wait_for(heard.get(), 10), await asyncio.wait_for(heard.get(), 10)}
        assert seen == {("stdout", b"first\n"), ("stderr", b"second\n")}
        assert not task.done()
        await cell.write("go", b"")
        assert (await task).stdout == b"first\nlast\n"
        await cell.run("rm go")

    async def test_a_listener_that_fails_fails_its_command_only(self, cell: Cell) -> None:
        def fail(*_: object) -> None:
            raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            await cell.run("echo x; sleep 100", on_output=fail)
        assert (await cell.run("echo fine")).stdout == b"fine\n"

    async def test_commands_run_side_by_side(self, cell: Cell) -> None:
        async def one(n: int) -> bytes:
            return (await cell.run(f"sleep 0.5; echo {n}; cat", stdin=b"%d" % n)).stdout

        started = time.monotonic()
        assert await asyncio.gather(*map(one, range(20))) == [b"%d\n%d" % (n, n) for n in range(20)]
        assert time.monotonic() - started < 6  # one after the other they sleep 10

    async def test_a_timeout_reaches_what_daemonised(self, cell: Cell) -> None:
        await cell.write("forgetful.py", FORGETFUL.encode())
        outcome = await cell.run("trap '' TERM; python3 forgetful.py", timeout=1)
        assert outcome.timed_out
        assert outcome.exit == -9
        assert 0.9 < outcome.seconds < 5
        assert not await runs(cell, (await cell.read("daemon")).decode())

    async def test_a_cancel_reaches_what_daemonised(self, cell: Cell) -> None:
        await cell.run("rm -f daemon")
        await cell.write("forgetful.py", FORGETFUL.encode())
        task = asyncio.create_task(cell.run("python3 forgetful.py", id="cancelled"))

        async def written() -> bool:
            return (await cell.run("test -s daemon")).exit == 0

        await eventually(written)
        pid = (await cell.read("daemon")).decode()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        async def gone() -> bool:
            return not await runs(cell, pid)

        await eventually(gone)
        assert (await cell.run("echo anew", id="cancelled")).exit == -9  # an id never runs twice

    async def test_a_daemon_outlives_the_command_that_ended_by_itself(self, cell: Cell) -> None:
        outcome = await cell.run("sleep 1000 & echo $!", timeout=20)
        assert outcome.seconds < 10
        pid = outcome.stdout.decode().strip()
        assert await runs(cell, pid)
        await cell.run(f"kill -9 {pid}")

    async def test_the_same_id_never_runs_twice(self, cell: Cell) -> None:
        first = await cell.run("echo once >> count; cat count", id="same")
        again = await cell.run("echo once >> count; cat count", id="same")
        assert again == first == await cell.outcome("same")
        assert first.stdout == b"once\n"

    async def test_an_unknown_id_is_lost(self, cell: Cell) -> None:
        assert (await cell.outcome("never")).lost

    async def test_pause_stops_commands_and_their_clocks(self, cell: Cell) -> None:
        task = asyncio.create_task(cell.run("while :; do echo x >> ticks; sleep 0.01; done", timeout=0.8))

        async def ticking() -> bool:
            return (await cell.run("test -s ticks")).exit == 0

        await eventually(ticking)
        await cell.pause()
        longer = time.monotonic() + 1  # than the command may run

        async def passed() -> bool:
            return time.monotonic() > longer

        await eventually(passed)
        assert not task.done()
        await cell.resume()
        outcome = await task
        assert outcome.timed_out
        assert outcome.seconds < 1.7
        assert int((await cell.run("wc -l < ticks")).stdout) < 200
