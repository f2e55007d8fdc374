"""Snapshots of a real cell: what its commands left is kept, and only what changed is read again."""

from pathlib import Path

from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import Labels
from factory_tui.delivery.snapshot import Snapshots
from tests.delivery.trees import bare

MAKE = r"""
mkdir -p empty src/.git && chmod 700 empty && echo '*' > .gitignore && git init -q . 2>/dev/null
printf 'a\r\nb' > 'src/line
break' && printf x > "$(printf 'odd\377')" && ln -s /etc/passwd out && printf '#!/bin/sh\n' > run && chmod 755 run
"""


async def test_a_pass_moves_from_cell_to_cell(tmp_path: Path) -> None:
    cells = ProcessCells("w", tmp_path / "cells")
    snapshots = Snapshots(tmp_path / "snapshots.git")
    first = await cells.start(Labels("w", "shop-1", "agent"))
    second = await cells.start(Labels("w", "shop-1", "trajectory"))
    try:
        assert (await first.run(MAKE)).exit == 0
        tree = await first.tree(snapshots.known(first.id))
        one = await snapshots.take(tree, cell=first.id, parent="", message="Pass 1", at=1)
        assert {"empty", "src/.git", "src/line\nbreak", "odd\udcff", "out", "run", ".gitignore"} <= {
            e.path for e in tree
        }

        await second.plant(await snapshots.entries(one.commit))
        same = await second.tree()
        assert bare(same) == bare(tree)
        digests = [{entry.stamp.digest for entry in entries if entry.data} for entries in (tree, same)]
        assert digests[0].isdisjoint(digests[1])  # what is known of one cell says nothing of another

        assert (await first.run("echo new > new; echo changed > run; cp -a run same; cat same > run")).exit == 0
        again = await first.tree(snapshots.known(first.id))
        read = {entry.path for entry in again if entry.kind == "file" and entry.data is not None}
        assert read == {"new", "run", "same"}
        two = await snapshots.take(again, cell=first.id, parent=one.commit, message="Pass 2", at=2)
        assert bare(await snapshots.entries(two.commit)) == bare(await first.tree())
    finally:
        await first.close()
        await second.close()
        await cells.close()
