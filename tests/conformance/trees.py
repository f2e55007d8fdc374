"""Files and whole work trees, to every kind of cell and back."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from factory_tui.cells.protocol import CellDied, CellError, Entry, Stamp, TreeUnfit

if TYPE_CHECKING:
    from factory_tui.cells.protocol import Cell


MAPPED = """
import mmap
with open("mapped", "r+b") as file, mmap.mmap(file.fileno(), 8192) as memory:
    assert memory[0:1] == b"x"
    memory[0:1] = b"Y"
"""
"""Leaves every time of the file as it was, where that is on a tmpfs."""


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

    @pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/x", "/tmp/led-out", "evil/led-out", "evil", "a\0b"])
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
        assert (await cell.run("test -e /tmp/led-out")).exit == 1


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

    async def test_no_change_hides_behind_the_times_of_its_file(self, fresh: Cell) -> None:
        await fresh.plant([Entry(name, "file", 0o644, b"x" * 8192) for name in ("copied", "mapped", "same")])
        known = {e.path: e.stamp for e in await fresh.tree()}
        await fresh.run("touch -r copied when; printf Y 1<> copied; touch -r when copied; rm when")
        assert (await fresh.run(["python3", "-c", MAPPED])).exit == 0
        changed = {e.path for e in await fresh.tree(known) if e.data is not None}
        assert changed == {"copied", "mapped"}

    async def test_every_part_of_a_long_file_counts_and_so_does_their_order(self, fresh: Cell) -> None:
        one, other, rest = b"1" * 262_144, b"2" * 262_144, b"3" * 9  # cut where the runner cuts
        long = dict.fromkeys(("first", "last", "same", "shorter", "turned"), one + other + rest)
        before = long | {"empty": b"", "whole": one}
        await fresh.plant([Entry(name, "file", 0o644, data) for name, data in before.items()])
        known = {e.path: e.stamp for e in await fresh.tree()}
        after = {"first": b"Y" + (one + other + rest)[1:], "last": one + other + b"Y" + rest[1:]}
        after |= {"shorter": one + other, "turned": other + one + rest}
        for name, data in after.items():
            await fresh.write(name, data)
        tree = await fresh.tree(known)
        assert {e.path: e.data for e in tree if e.data is not None} == after
        assert not any(e.data is not None for e in await fresh.tree({e.path: e.stamp for e in tree}))

    async def test_a_tree_that_says_it_is_huge_is_refused(self, fresh: Cell) -> None:
        each = (
            "for n in 1 2 3 4 5 6 7 8 9; do truncate -s 60M sparse$n; done"  # where no file may be larger than the tree
        )
        await fresh.run(f"truncate -s 100G sparse 2>/dev/null || {each}")
        with pytest.raises(TreeUnfit, match=r"too large.*'sparse"):
            await fresh.tree()

    async def test_a_tree_that_is_too_deep_is_refused(self, fresh: Cell) -> None:
        await fresh.run("for i in $(seq 150); do mkdir d && cd d; done")
        with pytest.raises(TreeUnfit, match="deep"):
            await fresh.tree()
        assert (await fresh.run("echo fine")).stdout == b"fine\n"

    async def test_it_may_be_let_go_of_and_closed_at_once(self, fresh: Cell) -> None:
        await asyncio.gather(fresh.detach(), fresh.close(), fresh.close())

    async def test_a_closed_cell_says_so(self, fresh: Cell) -> None:
        task = asyncio.create_task(fresh.run("sleep 1000"))
        await asyncio.sleep(0)
        await fresh.close()
        await fresh.close()
        assert (await task).lost
        assert (await fresh.run("true")).lost
        with pytest.raises(CellDied):
            await fresh.read("x")
