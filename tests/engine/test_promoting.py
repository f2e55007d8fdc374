"""A loop whose ship node says to="twins": what ships lies in twins/ as well, and nothing that a person made is lost."""

from pathlib import Path

from factory_tui.config.workspace import bundled
from factory_tui.domain.commands import Answer
from factory_tui.domain.events import EscalationRaised, Shipped
from factory_tui.domain.questions import GO_ON
from tests.engine.floor import FarFloor, Floor
from tests.engine.greeter import DONE, TRIM, WRITE, make
from tests.playbooks import playbook, rule, runs

LOOP = (bundled() / "loops" / "factory.dot").read_text().replace('label="Ship"]', 'label="Ship", to="twins"]')
TOML = 'cat > twin.toml <<\'E\'\nhost = "api.greeter.example"\ncommand = "python3 greet.py"\ndocument = "greet.py"\nE'
TWIN = playbook("greeter", rule("write it", "greets whoever is named", runs(f"{WRITE}\n{TRIM}\n{TOML}")), DONE)


async def test_a_folder_written_by_hand_is_asked_about_before_the_twin_takes_its_place(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path, loop=LOOP, playbook=TWIN)
    theirs = workspace.twins / "greeter"
    theirs.mkdir(parents=True)
    (theirs / "twin.py").write_text("by hand")
    async with Floor(workspace, playbooks) as floor:
        run = await floor.reach(await floor.start(), "shipped", "failed", "held", "jammed")
        assert run.state == "jammed"
        (asked,) = floor.told(EscalationRaised)
        assert asked.question == (
            "twins/greeter was written or changed by hand, and would be lost. Remedy: move it away, and go on."
        )
        theirs.rename(tmp_path / "theirs")
        await floor.command(Answer(asked.id, GO_ON))
        run = await floor.reach(run.id, "shipped", "failed", "held")
        (shipped,) = floor.told(Shipped)
    assert (run.state, shipped.promoted) == ("shipped", "twins/greeter")
    handed_over = workspace.root / shipped.path
    for name in ("greet.py", "tests/test_greet.py", "twin.toml", "provenance.json"):
        assert (theirs / name).read_bytes() == (handed_over / name).read_bytes()


async def test_a_twin_whose_replacement_was_cut_off_is_back_when_an_engine_starts(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path)
    cut_off, whole = workspace.twins / ".greeter.old", workspace.twins / ".other.old"
    for folder in (cut_off, whole, workspace.twins / "other"):
        folder.mkdir(parents=True)
        (folder / "twin.py").write_text(folder.name)
    async with FarFloor(workspace, playbooks):
        assert (workspace.twins / "greeter" / "twin.py").read_text() == cut_off.name
        assert (workspace.twins / "other" / "twin.py").read_text() == "other"
