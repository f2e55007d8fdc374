"""What people may put into a workspace, or name from far away, that no engine may fall over."""

import os
from pathlib import Path

import msgspec
import pytest

from factory_tui.config.reading import Mistakes
from factory_tui.config.workspace import Workspace
from factory_tui.domain.commands import StartRun
from factory_tui.domain.events import EditRefused
from factory_tui.domain.state import State
from factory_tui.engine.handlers import HANDLERS
from factory_tui.engine.library import SHOWN, Library
from factory_tui.engine.sources import fit_loop
from factory_tui.link.protocol import RefusedError
from tests.engine.floor import Floor
from tests.engine.greeter import make


async def refused(workspace: Workspace) -> dict[str, str]:
    """What an engine that begins says against files; that can be written down, whatever their names are."""
    facts, _ = await Library(workspace, fit_loop(HANDLERS)).begin(State())
    msgspec.json.encode(facts)
    return {fact.file: fact.problem for fact in facts if isinstance(fact, EditRefused)}


@pytest.mark.parametrize("folder", ["loops", "scenarios/greeter"])
async def test_a_name_that_is_no_text_is_told_and_breaks_nothing(tmp_path: Path, folder: str) -> None:
    workspace, _ = make(tmp_path)
    ending = "dot" if folder == "loops" else "toml"
    path = workspace.root / folder / os.fsdecode(b"\xff\x1b[2J." + ending.encode())
    path.write_text("nonsense")
    (file,) = await refused(workspace)
    assert file == f"{folder}/\ufffd\ufffd.{ending}"


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("loops/pipe.dot", "loops/pipe.dot"),
        ("scenarios/greeter/pipe.toml", "scenarios/greeter/pipe.toml"),
        ("standards.md", "standards.md"),
    ],
)
@pytest.mark.parametrize("kind", ["pipe", "device"])
async def test_what_never_ends_is_not_read(tmp_path: Path, file: str, said: str, kind: str) -> None:
    workspace, _ = make(tmp_path)
    path = workspace.root / file
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    assert "no regular file" in (await refused(workspace))[said]


async def test_of_many_mistakes_the_first_are_told(tmp_path: Path) -> None:
    workspace, _ = make(tmp_path)
    keys = "\n".join(f"key{number} = 1" for number in range(300))
    (workspace.seeds / "many.md").write_text(f"+++\n{keys}\n+++\nDo it.\n")
    told = (await refused(workspace))["seeds/many.md"].splitlines()
    assert len(told) == SHOWN + 1
    assert told[0].startswith("seeds/many.md:2: key0: unknown key")


async def test_no_loop_is_read_from_outside_the_workspaces_loops(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path)
    good = (workspace.loops / "factory.dot").read_text()
    (workspace.root / "evil.dot").write_text(good)
    library = Library(workspace, fit_loop(HANDLERS))
    with pytest.raises(Mistakes, match="there is no such loop"):
        library.loop("../evil")
    async with Floor(workspace, playbooks) as floor:
        for name in ("../evil", str(workspace.root / "evil"), "../loops/factory", "x/../factory"):
            with pytest.raises(RefusedError, match="there is no such loop"):
                await floor.link.command(StartRun("greeter", loop=name, ledger="rehearsal"))
