"""A work tree that no snapshot can hold: its agent is told what to remove, and the next pass mends it."""

from pathlib import Path

import pytest

from factory_tui.config.workspace import Workspace
from factory_tui.domain.events import PassEnded, Prompted, SnapshotTaken
from tests.engine.floor import Floor
from tests.engine.greeter import PLAYBOOK, WRITE, make
from tests.playbooks import rule, runs

LONG = "/".join(["d" * 240] * 13)
UNFIT: dict[str, tuple[str, str, str]] = {
    "sparse files": (
        "truncate -s 10M core.dump; truncate -s 9M more.dump",
        "rm core.dump more.dump",
        r"too large: its files are 19\.0 MiB long, the limit is 16 MiB\. The longest is 'core\.dump' with 10\.0 MiB",
    ),
    "a long path": (f"mkdir -p {LONG}", f"rm -r {LONG[:240]}", r"the path 'd+ and so on is longer than 3000 bytes"),
    "a deep path": (f"mkdir -p {'d/' * 120}", "rm -r d", "the work tree is more than 100 folders deep"),
}


def small(folder: Path, playbook: str) -> tuple[Workspace, Path]:
    """A workspace whose cells hold 16 MiB of work."""
    workspace, playbooks = make(folder, playbook=playbook)
    text = workspace.config.read_text("utf-8")
    workspace.config.write_text(text.replace("[cells]", "[cells]\nwork = 16"), "utf-8")
    return workspace, playbooks


@pytest.mark.parametrize("case", UNFIT)
async def test_the_agent_is_told_and_the_next_pass_mends_it(tmp_path: Path, case: str) -> None:
    spoil, mend, said = UNFIT[case]
    begin, _ = WRITE.rsplit("; echo", 1)
    playbook = PLAYBOOK.replace(WRITE, f"{begin}; {spoil}; echo greet.py reads")
    playbook += rule("mend the tree", f"Nothing of this pass could be kept: .*{said}", runs(f"{mend}; echo trimmed"))
    async with Floor(*small(tmp_path, playbook)) as floor:
        run = await floor.reach(await floor.start(), "shipped", "failed", "held", "jammed")
        assert (run.state, len(run.passes)) == ("shipped", 3), run.why
        first, *_ = floor.told(PassEnded)
        assert (first.number, first.commit, first.vault) == (1, "", None)
        assert [fact.number for fact in floor.told(SnapshotTaken)] == [2, 3]
        assert [fact.origin for fact in floor.told(Prompted)] == ["seed", "checkpoint", "feedback"]


async def test_a_work_tree_that_is_never_mended_uses_up_the_passes_and_asks(tmp_path: Path) -> None:
    begin, _ = WRITE.rsplit("; echo", 1)
    playbook = PLAYBOOK.replace(WRITE, f"{begin}; truncate -s 10M core.dump more.dump; echo greet.py reads")
    playbook = playbook.replace("greet.py reads|trimmed", "greet.py reads|could be kept")
    async with Floor(*small(tmp_path, playbook)) as floor:
        run = await floor.reach(await floor.start(), "shipped", "failed", "held", "jammed")
        assert (run.state, len(run.passes)) == ("jammed", 3), run.why
        assert [fact.commit for fact in floor.told(PassEnded)] == ["", "", ""]
