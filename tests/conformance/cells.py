"""What every kind of cell must do. A subclass gives `cell` (shared by the class) and `cells` (its kind)."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

import pytest

from factory_tui.cells.protocol import CellDied, CellError, Entry, Exchange, Stamp, TreeUnfit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from factory_tui.cells.protocol import Cell, Service

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


async def eventually(check: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
    """Poll until it holds."""
    ends = time.monotonic() + seconds
    while not await check():
        assert time.monotonic() < ends, "it did not come about in time"
        await asyncio.sleep(0.02)


async def runs(cell: Cell, pid: str) -> bool:
    return (await cell.run(f"test -e /proc/{pid}/stat && ! grep -q ') Z ' /proc/{pid}/stat")).exit == 0


async def answer(cell: Cell, service: Service, path: str = "/", **more: float) -> Exchange:
    """The first answer of a service that may still be starting."""
    ends = time.monotonic() + 10
    while True:
        exchange = await cell.http(service.port, "GET", path, **more)  # type: ignore[arg-type]
        if "refused" not in exchange.error or time.monotonic() > ends:
            return exchange
        await asyncio.sleep(0.02)


def raw_server(reply: bytes, then: str = "") -> str:
    """A command that answers one connection after another with these bytes."""
    return (
        "exec python3 -c 'import os, socket, time\n"
        's = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))\n'
        "while True:\n"
        f"    c = s.accept()[0]; c.recv(65536); c.sendall({reply!r}); {then or 'c.close()'}'"
    ).replace(repr(reply), '"' + repr(reply)[2:-1].replace('"', '\\"') + '".encode("latin-1")')


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
            return (await cell.run(f"sleep 0.2; echo {n}; cat", stdin=b"%d" % n)).stdout

        started = time.monotonic()
        assert await asyncio.gather(*map(one, range(20))) == [b"%d\n%d" % (n, n) for n in range(20)]
        assert time.monotonic() - started < 3

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


class Services:
    async def test_a_service_answers_and_stops_with_its_logs(self, cell: Cell) -> None:
        await cell.write("site/page.txt", b"hello")
        service = await cell.serve("exec python3 -m http.server $PORT --bind 127.0.0.1", cwd="site")
        exchange = await answer(cell, service, "/page.txt")
        assert (exchange.status, exchange.body, exchange.error) == (200, b"hello", "")
        assert ("Content-Length", "5") in exchange.headers
        assert await service.alive()
        outcome = await service.stop()
        assert b"GET /page.txt" in outcome.stderr
        assert not await service.alive()
        assert "refused" in (await cell.http(service.port, "GET", "/")).error

    async def test_a_service_that_ends_is_not_alive(self, cell: Cell) -> None:
        service = await cell.serve("echo no >&2; exit 3")

        async def ended() -> bool:
            return not await service.alive()

        await eventually(ended)
        outcome = await service.stop()
        assert (outcome.exit, outcome.stderr) == (3, b"no\n")

    async def test_redirects_are_not_followed(self, cell: Cell) -> None:
        reply = b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"
        service = await cell.serve(raw_server(reply))
        exchange = await answer(cell, service)
        assert (exchange.status, dict(exchange.headers)["Location"]) == (302, "/other")
        await service.stop()

    async def test_a_kept_open_connection_does_not_hang(self, cell: Cell) -> None:
        reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        service = await cell.serve(raw_server(reply, "time.sleep(100)"))
        exchange = await answer(cell, service)
        assert (exchange.status, exchange.body, exchange.seconds < 5) == (200, b"abc", True)
        await service.stop()

    @pytest.mark.parametrize(
        ("reply", "error"),
        [
            (b"nonsense\r\n\r\n", "malformed: status line 'nonsense'"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "malformed: the connection closed inside the body"),
            (b"", "malformed: the connection closed before a response came"),
        ],
    )
    async def test_malformed_http_is_said(self, cell: Cell, reply: bytes, error: str) -> None:
        service = await cell.serve(raw_server(reply))
        exchange = await answer(cell, service)
        assert (exchange.status, exchange.error) == (0, error)
        await service.stop()

    async def test_a_slow_answer_times_out(self, cell: Cell) -> None:
        service = await cell.serve(raw_server(b"HTTP/1.1 200 OK\r\n", "time.sleep(100)"))
        exchange = await answer(cell, service, timeout=0.5)
        assert (exchange.status, exchange.error) == (0, "no complete response within 0.5 s")
        await service.stop()

    async def test_a_body_beyond_the_limit_is_cut(self, cell: Cell) -> None:
        service = await cell.serve(raw_server(b"HTTP/1.1 200 OK\r\n\r\n" + b"y" * 5000))
        exchange = await answer(cell, service, limit=1000)
        assert (exchange.status, exchange.body, exchange.cut) == (200, b"y" * 1000, 4000)
        await service.stop()

    async def test_no_header_can_be_smuggled(self, cell: Cell) -> None:
        with pytest.raises(CellError, match="header"):
            await cell.http(1, "GET", "/", headers=[("X", "a\r\nY: b")])
        with pytest.raises(CellError, match="path"):
            await cell.http(1, "GET", "/ HTTP/1.1\r\nX: y")


class Files:
    async def test_write_and_read(self, cell: Cell) -> None:
        data = os.urandom(1_500_000)
        await cell.write("a/b/c.bin", data)
        assert await cell.read("a/b/c.bin") == data
        assert await cell.read(f"{cell.work}/a/b/c.bin", limit=10) == data[:10]
        assert (await cell.run("stat -c %a a/b/c.bin; test -w a/b/c.bin && echo mine")).stdout == b"644\nmine\n"

    async def test_a_reader_that_is_quick_never_stalls_the_runner(self, cell: Cell) -> None:
        data = os.urandom(1_500_000)  # above what the runner lets wait to be sent
        await cell.write("large", data)
        for _ in range(60):
            assert len(await cell.read("large")) == len(data)

    async def test_write_keeps_a_files_mode_unless_told(self, cell: Cell) -> None:
        await cell.run("echo old > tool; chmod 755 tool")
        await cell.write("tool", b"new")
        assert (await cell.run("stat -c %a tool; cat tool")).stdout == b"755\nnew"
        await cell.write("tool", b"new", 0o600)
        assert (await cell.run("stat -c %a tool")).stdout == b"600\n"

    async def test_what_is_no_file_is_refused_by_name(self, cell: Cell) -> None:
        await cell.run("mkdir -p folder; mkfifo pipe; ln -s /etc/passwd out; ln -s folder inward")
        for path in ("missing", "folder", "pipe", "out", "inward/x", ""):
            with pytest.raises(CellError):
                await cell.read(path)

    @pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/x", "/tmp/x", "evil/x", "evil", "a\0b"])
    async def test_a_path_that_leads_outside_is_refused(self, cell: Cell, path: str) -> None:
        await cell.run("ln -sfn /tmp evil")
        if path == "evil":
            await cell.write(path, b"replaces the link, does not follow it")
            assert (await cell.run("test -L evil")).exit == 1
            return
        with pytest.raises(CellError):
            await cell.write(path, b"x")
        with pytest.raises(CellError):
            await cell.plant([Entry(path, "file", 0o644, b"x")])
        with pytest.raises(CellError):
            await cell.read(path)
        assert (await cell.run("test -e /tmp/x")).exit == 1


class Trees:
    """Each of these wants a work tree of its own."""

    async def test_a_tree_goes_round(self, fresh: Cell) -> None:
        assert await fresh.tree() == []
        await fresh.run(
            "mkdir -p empty deep/er; printf data > deep/er/f; chmod 640 deep/er/f; printf x > run.sh; chmod 755 run.sh;"
            "ln -s ../run.sh deep/link; ln -s /etc/passwd abs; ln -s nowhere broken; mkfifo pipe;"
            "mkdir shut; echo in > shut/f; chmod 555 shut; head -c 700000 /dev/urandom > big; echo no > secret;"
            "chmod 000 secret; mkdir dark; echo in > dark/f; chmod 000 dark;"
            "printf y > $'caf\\xe9 \\n\\t'"
        )
        tree = await fresh.tree()
        seen = {e.path: (e.kind, oct(e.mode), e.target) for e in tree}
        assert seen["run.sh"] == ("file", "0o755", "")
        assert seen["deep/link"] == ("link", "0o777", "../run.sh")
        assert seen["abs"] == ("link", "0o777", "/etc/passwd")
        assert seen["shut"] == ("dir", "0o555", "")
        assert seen["caf\udce9 \n\t"] == ("file", "0o644", "")
        assert seen["secret"][1] == "0o0"
        assert seen["dark"][1] == "0o500"
        assert "pipe" not in seen
        assert [e.path for e in tree] == sorted(seen)
        assert {e.path: e.data for e in tree}["dark/f"] == b"in\n"
        await fresh.run("chmod -R u+rwx * && find . -mindepth 1 -delete")
        await fresh.plant(tree)
        assert [(e.path, e.kind, e.mode, e.data, e.target) for e in await fresh.tree()] == [
            (e.path, e.kind, e.mode, e.data, e.target) for e in tree
        ]

    async def test_what_is_known_is_not_sent_again(self, fresh: Cell) -> None:
        await fresh.plant([Entry(f"f{n:03}", "file", 0o644, b"%d" % n) for n in range(300)])
        known = {e.path: e.stamp for e in await fresh.tree()}
        assert all(isinstance(stamp, Stamp) for stamp in known.values())
        await fresh.run("echo changed > f007; rm f008; mv f009 renamed")
        tree = await fresh.tree(known)
        assert {e.path: e.data for e in tree if e.data is not None} == {"f007": b"changed\n", "renamed": b"9"}
        assert len(tree) == 299

    async def test_a_tree_that_says_it_is_huge_is_refused(self, fresh: Cell) -> None:
        await fresh.run('truncate -s 100G sparse 2>/dev/null || python3 -c \'open("sparse","w").truncate(100<<30)\'')
        with pytest.raises(TreeUnfit, match=r"too large.*'sparse'"):
            await fresh.tree()

    async def test_a_tree_that_is_too_deep_is_refused(self, fresh: Cell) -> None:
        await fresh.run("for i in $(seq 150); do mkdir d && cd d; done")
        with pytest.raises(TreeUnfit, match="deep"):
            await fresh.tree()
        assert (await fresh.run("echo fine")).stdout == b"fine\n"

    async def test_a_closed_cell_says_so(self, fresh: Cell) -> None:
        task = asyncio.create_task(fresh.run("sleep 1000"))
        await asyncio.sleep(0)
        await fresh.close()
        await fresh.close()
        assert (await task).lost
        assert (await fresh.run("true")).lost
        with pytest.raises(CellDied):
            await fresh.read("x")
