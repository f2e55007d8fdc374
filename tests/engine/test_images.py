"""A run whose seed brings its own image: built as the run begins, told in its trace, held when it cannot be."""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import docker.errors
import pytest

from factory_tui.cells.building import reference_of
from factory_tui.config.recipe import Build, File
from factory_tui.config.workspace import Workspace
from factory_tui.console.trace import lines
from factory_tui.domain.commands import Resume, Stop
from factory_tui.domain.events import (
    CellClosed,
    CellStarted,
    ImageLogged,
    ImageReady,
    Noticed,
    Prompted,
    RunReseeded,
    VisitBegan,
)
from factory_tui.engine.doctor import examine
from tests.engine.floor import FarFloor, Floor
from tests.engine.greeter import SEED, make
from tests.engine.test_workbench import piped
from tests.waiting import until

if TYPE_CHECKING:
    from docker import DockerClient

DOCKERFILE = "seeds/greeter/cell/Dockerfile"
MADE: list[str] = []


@pytest.fixture
def tidy(docker_engine: "DockerClient") -> Iterator[None]:
    yield
    while MADE:
        with contextlib.suppress(docker.errors.ImageNotFound):
            docker_engine.images.remove(MADE.pop(), force=True)


def with_cell(folder: Path, image: str, *steps: str, kind: str = "docker") -> tuple[Workspace, Path]:
    """The greeter, with a Dockerfile that nobody has built yet."""
    workspace, playbooks = make(folder, kind=kind, image=image)
    workspace.config.write_text(workspace.config.read_text().replace("[cells]", '[cells]\nbuild_network = "none"'))
    (workspace.seeds / "greeter.md").unlink()
    (workspace.seeds / "greeter" / "cell").mkdir(parents=True)
    (workspace.seeds / "greeter" / "seed.md").write_text(SEED)
    write(workspace, image, *steps)
    return workspace, playbooks


def write(workspace: Workspace, image: str, *steps: str) -> None:
    text = "\n".join((f"FROM {image}", f"# {secrets.token_hex(8)}", *steps))
    (workspace.root / DOCKERFILE).write_text(text)
    MADE.append(reference_of(Build((File("Dockerfile", text.encode()),), "Dockerfile")))


@pytest.mark.docker
@pytest.mark.timeout(240)
@pytest.mark.usefixtures("tidy")
async def test_a_run_builds_its_image_and_every_cell_of_it_is_made_from_that(tmp_path: Path, cell_image: str) -> None:
    # No other run's layers, from which Docker would take it without a word.
    said = f"RUN echo made for greeting {secrets.token_hex(8)}"
    floor = Floor(*with_cell(tmp_path, cell_image, said, "RUN seq 1000"))
    async with floor:
        run = await floor.start()
        shipped = await floor.reach(run, "shipped", "signoff", "held", "jammed", "failed")
        assert shipped.state == "shipped", shipped.why
        (ready,) = floor.told(ImageReady)
        assert {fact.image for fact in floor.told(CellStarted)} == {ready.image}
        assert {fact.image for fact in floor.told(VisitBegan)} == {ready.image}
        logged = floor.told(ImageLogged)
        assert logged[0].text.startswith(f"building {ready.image} by {DOCKERFILE}")
        assert any("1000" in fact.text for fact in logged)
        assert sum(len(fact.text.splitlines()) + fact.left_out for fact in logged) > 1000
        assert sum(len(fact.text.splitlines()) for fact in logged) < 200
        shown = [line.text for event in floor.events for line in lines(event)]
        assert any(line.startswith("docker cell up") and f"image {ready.image}" in line for line in shown)
        assert any(line.startswith(f"{ready.image} ready in") for line in shown)
        provenance = (floor.workspace.root / shipped.shipped / "provenance.json").read_text()
        assert ready.image in provenance
        assert floor.told(CellStarted)[0].image_id in provenance
        assert not [fact for fact in floor.told(Prompted) if "made for greeting" in fact.content], "it is not shown"
        code, said = await piped(floor.workspace, "exit 3\n", "shell", run, "--pass", "1")
        assert (code, said.strip()) == (
            3,
            f"A shell in a copy of {run}'s pass 1, from {ready.image}, gone when you leave.",
        )


@pytest.mark.docker
@pytest.mark.timeout(240)
@pytest.mark.usefixtures("tidy")
async def test_a_build_that_fails_holds_the_run_until_it_is_mended(tmp_path: Path, cell_image: str) -> None:
    floor = Floor(*with_cell(tmp_path, cell_image, "RUN echo no such package && exit 3"))
    async with floor:
        run = await floor.start()
        held = await floor.reach(run, "held", "failed", "jammed", "shipped")
        assert (held.state, held.reason, held.retry_at) == ("held", "config", None)
        assert f"{DOCKERFILE} cannot be built" in held.why
        assert f"Remedy: mend {DOCKERFILE}" in held.why
        assert "no such package" in held.why
        assert not held.passes, "no pass began on it"
        write(floor.workspace, cell_image)
        await floor.fact(RunReseeded)
        await floor.command(Resume(run))
        await floor.fact(CellStarted)
        (begun,) = floor.state.runs[run].passes
        assert begun.revision != held.revision


@pytest.mark.docker
@pytest.mark.timeout(240)
@pytest.mark.usefixtures("tidy")
async def test_a_seed_that_changes_its_image_gets_a_new_cell_at_its_next_pass(tmp_path: Path, cell_image: str) -> None:
    workspace, playbooks = with_cell(tmp_path, cell_image)
    async with Floor(workspace, playbooks) as floor:
        run = await floor.start()
        await floor.fact(CellStarted)
        write(workspace, cell_image, "ENV NEW=1")
        await floor.fact(RunReseeded)
        judged = await floor.fact(VisitBegan, lambda fact: fact.number == 2)
        first, second = [fact.image for fact in floor.told(CellStarted)]
        assert first != second
        assert [fact.image for fact in floor.told(VisitBegan)] == [first, second]
        assert floor.state.runs[run].passes[1].image == second, judged
        assert not [fact for fact in floor.told(CellClosed) if fact.lost]


@pytest.mark.docker
@pytest.mark.timeout(120)
@pytest.mark.usefixtures("tidy")
async def test_a_run_that_is_stopped_stops_its_build(
    tmp_path: Path, docker_engine: "DockerClient", cell_image: str
) -> None:
    name = secrets.token_hex(8)
    floor = Floor(*with_cell(tmp_path, cell_image, f"RUN echo begun; sleep 1000; echo {name}"))
    async with floor:
        run = await floor.start()
        await floor.fact(ImageLogged, lambda fact: "begun" in fact.text)
        await floor.command(Stop(run))
        assert (await floor.reach(run, "stopped")).state == "stopped"

        def running() -> bool:
            return any(name in found["Command"] for found in docker_engine.api.containers(all=True))

        await until(lambda: not running(), "its container is gone")


@pytest.mark.docker
@pytest.mark.timeout(120)
@pytest.mark.usefixtures("tidy")
async def test_an_engine_that_is_killed_stops_its_build_and_the_next_one_builds_anew(
    tmp_path: Path, docker_engine: "DockerClient", cell_image: str
) -> None:
    name = secrets.token_hex(8)
    workspace, playbooks = with_cell(tmp_path, cell_image, f"RUN echo begun; sleep 5; echo {name}")
    floor = FarFloor(workspace, playbooks)
    await floor.open()
    run = await floor.start()
    await floor.fact(ImageLogged, lambda fact: "begun" in fact.text)
    await floor.kill()

    def running() -> bool:
        return any(name in found["Command"] for found in docker_engine.api.containers(all=True))

    await until(lambda: not running(), "its container is gone")
    async with Floor(workspace, playbooks) as again:
        await again.fact(CellStarted)
        assert again.told(ImageReady)
        assert again.state.runs[run].state == "running"


async def test_process_cells_say_that_they_have_no_image(tmp_path: Path) -> None:
    async with Floor(*with_cell(tmp_path, "nowhere", kind="process")) as floor:
        shipped = await floor.reach(await floor.start(), "shipped", "signoff", "held", "jammed", "failed")
        assert shipped.state == "shipped", shipped.why
        assert any("process cells have no image" in fact.text for fact in floor.told(Noticed))
        assert not floor.told(ImageLogged)


@pytest.mark.docker
async def test_the_doctor_says_which_image_a_seed_brings_and_what_of_it_is_not_done(
    tmp_path: Path, cell_image: str
) -> None:
    workspace, _ = with_cell(tmp_path, cell_image)
    container = '{"build": {"dockerfile": "Dockerfile"}, "mounts": [], "features": {}}'
    (workspace.seeds / "greeter" / "cell" / "devcontainer.json").write_text(container)
    findings = await examine(workspace.root)
    (image,) = [one for one in findings if one.what == "image of greeter"]
    assert image.found.endswith(f"is not here, for {DOCKERFILE}")
    assert "it is built when a run begins" in image.remedy
    said = [one.found for one in findings if one.what == "seed greeter"]
    assert any("mounts: never done" in one for one in said)
    assert any("features: not done here" in one for one in said)
