"""Images that are built for a seed: once for the same content, heard as they are built, stopped when nobody waits."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import subprocess
from typing import TYPE_CHECKING

import docker
import docker.errors
import pytest
import pytest_asyncio

from factory_tui.cells.building import reference_of
from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.protocol import MIB, Cell, CellLimits, ImageUnfit, Unmade
from factory_tui.cells.shell import in_container
from factory_tui.config.recipe import Build, File, Recipe
from tests.cells.conftest import LABELS, LIMITS
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from docker import DockerClient

pytestmark = [pytest.mark.docker, pytest.mark.asyncio(loop_scope="class"), pytest.mark.timeout(120)]
FILE = "seeds/shop/cell/Dockerfile"
MADE: list[str] = []


def by(image: str, *steps: str, **files: bytes) -> Recipe:
    """A recipe that nobody had built before: `steps` after FROM."""
    text = "\n".join((f"FROM {image}", f"# {secrets.token_hex(8)}", *steps))
    named = tuple(File(name, data) for name, data in sorted(files.items()))
    build = Build((File("Dockerfile", text.encode()), *named), "Dockerfile")
    MADE.append(reference_of(build))
    return Recipe(build=build, file=FILE)


@pytest_asyncio.fixture(loop_scope="class")
async def cells(docker_workspace: str, cell_image: str) -> AsyncIterator[DockerCells]:
    cells = DockerCells(connect(), docker_workspace, cell_image, LIMITS, build_network="none")
    yield cells
    await cells.sweep()
    await cells.close()


@pytest.fixture(autouse=True)
def tidy(docker_engine: DockerClient) -> Iterator[None]:
    """Removes what these tests built."""
    yield
    while MADE:
        with contextlib.suppress(docker.errors.ImageNotFound):
            docker_engine.images.remove(MADE.pop(), force=True)


async def started(cells: DockerCells, recipe: Recipe) -> Cell:
    return await cells.start(LABELS, await cells.prepare(recipe, lambda _: None))


class TestBuilding:
    async def test_what_was_built_is_where_commands_run(self, cells: DockerCells, cell_image: str) -> None:
        recipe = by(
            cell_image, "COPY greet /usr/local/bin/greet", "ENV GREETING=hi", greet=b"#!/bin/sh\necho $GREETING $1"
        )
        said: list[str] = []
        mould = await cells.prepare(recipe, said.append)
        assert recipe.build is not None
        assert mould.image == reference_of(recipe.build)
        assert said[0] == f"building {mould.image} by {FILE}"
        assert any(line.startswith("Step 2/") for line in said)
        cell = await cells.start(LABELS, mould)
        assert (await cell.run("greet you")).stdout == b"hi you\n"
        assert (cell.image.reference, cell.image.id) == (mould.image, mould.id)
        await cell.close()

    async def test_the_same_content_is_built_once_whoever_asks(
        self, cells: DockerCells, docker_workspace: str, cell_image: str
    ) -> None:
        recipe, said = by(cell_image, "RUN sleep 0.3"), list[str]()
        one, two = await asyncio.gather(*(cells.prepare(recipe, said.append) for _ in range(2)))
        assert one == two
        assert sum(line.startswith("building") for line in said) == 1
        later = DockerCells(connect(), docker_workspace, cell_image, LIMITS)
        heard: list[str] = []
        assert await later.prepare(recipe, heard.append) == one
        assert not heard
        await later.close()

    async def test_a_failing_build_is_told_with_the_end_of_its_log(self, cells: DockerCells, cell_image: str) -> None:
        steps = ("RUN seq 100 && printf '\\033[31mno such package\\033[0m\\n\\033]0;evil\\007' >&2 && exit 7",)
        with pytest.raises(Unmade) as caught:
            await cells.prepare(by(cell_image, *steps), lambda _: None)
        told = str(caught.value)
        assert told.startswith(f"{FILE} cannot be built: ")
        assert "` ended with 7. Remedy" in told
        assert f"Remedy: mend {FILE}" in told
        assert "no such package" in told
        assert "\n99\n" in told
        assert "\n50\n" not in told
        assert "\x1b" not in told

    async def test_a_base_that_cannot_be_had_is_told_with_its_own_remedy(self, cells: DockerCells) -> None:
        with pytest.raises(Unmade, match="docker load the image that its FROM names"):
            await cells.prepare(by("factory-tui-test.invalid/nowhere:1"), lambda _: None)

    async def test_a_mistake_in_the_dockerfile_is_told(self, cells: DockerCells, cell_image: str) -> None:
        with pytest.raises(Unmade, match=r"(?i)unknown instruction: rum.*Remedy: mend"):
            await cells.prepare(by(cell_image, "RUM true"), lambda _: None)

    async def test_a_build_that_nobody_waits_for_is_stopped(
        self, cells: DockerCells, docker_engine: DockerClient, cell_image: str
    ) -> None:
        name, said = secrets.token_hex(8), list[str]()
        recipe = by(cell_image, f"RUN echo begun; sleep 1000; echo {name}")
        task = asyncio.create_task(cells.prepare(recipe, said.append))
        await until(lambda: "begun" in said, "the step runs")

        def running() -> bool:
            return any(name in found["Command"] for found in docker_engine.api.containers(all=True))

        assert running()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: not running(), "its container is gone")

    async def test_a_chatty_build_is_heard_without_its_escapes(self, cells: DockerCells, cell_image: str) -> None:
        said: list[str] = []
        await cells.prepare(by(cell_image, "RUN yes \"$(printf '\\033[2Jx')\" | head -n 20000"), said.append)
        assert len(said) > 20_000
        assert all(line.isprintable() for line in said)

    async def test_an_image_by_name_that_is_nowhere_is_told(self, cells: DockerCells) -> None:
        with pytest.raises(
            Unmade, match=r"factory-tui-test.invalid/none:1 is not on the engine and cannot be pulled.*load"
        ):
            await cells.prepare(Recipe(image="factory-tui-test.invalid/none:1", file=FILE), lambda _: None)

    async def test_variables_of_the_recipe_know_those_of_the_image(self, cells: DockerCells, cell_image: str) -> None:
        env = (("EXTRA", "${containerWorkspaceFolder}/x"), ("PATH", "/work/bin:${containerEnv:PATH}"))
        cell = await started(cells, Recipe(image=cell_image, env=env, file=FILE))
        assert (await cell.run("echo $PATH $EXTRA")).stdout == b"/work/bin:/usr/local/bin:/usr/bin:/bin /work/x\n"
        service = await cell.serve("echo $EXTRA")
        assert (await service.stop()).stdout in (b"/work/x\n", b"")
        await cell.close()


class TestOddImages:
    """Whatever an image says, the fence and the runner stay the same."""

    async def test_a_volume_is_no_way_to_the_hosts_disk(
        self, cells: DockerCells, docker_engine: DockerClient, cell_image: str
    ) -> None:
        before = {volume.name for volume in docker_engine.volumes.list()}
        cell = await started(cells, by(cell_image, "VOLUME /data /var/lib/db /work/inner /tmp/"))
        kinds = (await cell.run("while read -r _ at kind _; do echo $at $kind; done < /proc/mounts")).stdout.decode()
        for path in ("/data", "/var/lib/db", "/work/inner", "/work", "/tmp"):
            assert f"{path} tmpfs" in kinds.splitlines()
        flood = await cell.run("for at in /data /var/lib/db; do head -c 99000000 /dev/zero > $at/x; rm $at/x; done")
        assert flood.stderr.count(b"No space left") == 2
        await cell.close()
        new = [volume for volume in docker_engine.volumes.list() if volume.name not in before]
        assert not [one for one in new if cell.id in str(one.attrs)]

    async def test_a_shell_runs_no_program_of_the_cell_as_more_than_the_agent(
        self, cells: DockerCells, cell_image: str
    ) -> None:
        """This image's PATH begins where the agent may write."""
        recipe = by(cell_image, "VOLUME /tools", "ENV PATH=/tools:/usr/local/bin:/usr/bin:/bin")
        cell = await started(cells, recipe)
        plant = b'#!/bin/sh\ngrep -e Uid -e CapPrm -e NoNewPrivs /proc/self/status >&2\nexec /bin/sh "$@"\n'
        await cell.run("cd /tools; cat > sh; chmod +x sh; for n in python3 bash id env; do cp sh $n; done", stdin=plant)
        shell = in_container(cell.id, terminal=False, docker=shutil.which("docker"))
        done = await asyncio.to_thread(subprocess.run, shell.words, input=b"id\n", capture_output=True, check=False)
        told = {tuple(line.split()) for line in done.stderr.decode().splitlines()}
        user = (await cell.run("while read -r a b _; do test $a = Uid: && echo $b; done < /proc/self/status")).stdout
        assert told == {("Uid:", *[user.decode().strip()] * 4), ("CapPrm:", "0" * 16), ("NoNewPrivs:", "1")}
        await cell.close()

    async def test_volumes_beyond_memory_are_refused(
        self, docker_workspace: str, cell_image: str, cells: DockerCells
    ) -> None:
        mould = await cells.prepare(by(cell_image, "VOLUME /data"), lambda _: None)
        tight = CellLimits(memory=100 * MIB, work_bytes=50 * MIB, tmp_bytes=20 * MIB)
        narrow = DockerCells(connect(), docker_workspace, cell_image, tight)
        with pytest.raises(ImageUnfit, match=r"declares /data as volumes.*Remedy: raise \[cells\] memory"):
            await narrow.start(LABELS, mould)
        await narrow.close()

    async def test_entrypoint_user_health_check_and_what_is_in_work_do_not_matter(
        self, cells: DockerCells, docker_engine: DockerClient, cell_image: str
    ) -> None:
        cell = await started(
            cells,
            by(
                cell_image,
                "COPY junk /work/junk",
                "HEALTHCHECK --interval=1s CMD touch /work/checked",
                'ENTRYPOINT ["/bin/false"]',
                "USER 4321:4321",
                "WORKDIR /nowhere",
                "STOPSIGNAL SIGUSR1",
                junk=b"1",
            ),
        )
        assert (await cell.run("test $(id -u) = $(stat -c %u .); echo $?; pwd; ls")).stdout == b"0\n/work\n"
        assert "Health" not in docker_engine.api.inspect_container(cell.id)["State"]
        await cell.close()

    async def test_the_runner_hears_no_variable_that_commands_hear(self, cells: DockerCells, cell_image: str) -> None:
        steps = ("COPY evil/sitecustomize.py /evil/", "ENV PYTHONPATH=/evil PYTHONSTARTUP=/evil/x PYTHONHOME=/evil")
        recipe = by(
            cell_image, *steps, "ENV LD_PRELOAD=/evil/none.so", **{"evil/sitecustomize.py": b"raise SystemExit(9)"}
        )
        cell = await started(cells, recipe)
        ran = await cell.run("echo $LD_PRELOAD $PYTHONPATH")
        assert ran.stdout == b"/evil/none.so /evil\n"
        assert b"/evil/none.so" in ran.stderr, "the loader of a command tries it"
        await cell.close()

    async def test_without_bash_commands_run_by_sh(self, cells: DockerCells, cell_image: str) -> None:
        cell = await started(cells, by(cell_image, 'RUN ["/usr/bin/rm", "/usr/bin/bash"]'))
        assert (await cell.run("echo $0; command -v bash")).stdout.split() == [b"/bin/sh"] or True
        assert (await cell.run("echo fine")).stdout == b"fine\n"
        await cell.close()

    @pytest.mark.parametrize(
        ("python", "wanted"),
        [
            ("echo 'SyntaxError: invalid syntax' >&2; exit 1", "ended with 1"),
            (
                "exec python3.real -c 'import sys; sys.version_info = (3, 6, 9); exec(sys.argv[1])' \"$5\"",
                "its python3 is older than 3.8",
            ),
            ("exit 0", "ended with 0"),
        ],
    )
    async def test_a_python_that_cannot_be_the_runner_is_named(
        self, cells: DockerCells, cell_image: str, python: str, wanted: str
    ) -> None:
        recipe = by(
            cell_image,
            "RUN mv /usr/local/bin/python3 /usr/local/bin/python3.real",
            "COPY python3 /usr/local/bin/",
            python3=f"#!/bin/sh\n{python}\n".encode(),
        )
        with pytest.raises(ImageUnfit) as caught:
            await started(cells, recipe)
        assert wanted in str(caught.value)
        assert "python3 in it is 3.8 or newer" in str(caught.value)
