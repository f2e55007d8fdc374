"""Docker cells: containers with the fence's defaults and the runner as process 1.

Owns everything that is said to a Docker engine about containers. docker-py runs in a small thread pool, never on the
event loop; only the attach stream is asyncio's.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import docker
import docker.errors
import requests
from msgspec.structs import replace

from factory_tui.cells import building, containers, fence, oddities, runner, unfit
from factory_tui.cells.attach import AttachWire, attach
from factory_tui.cells.cell import RunnerCell
from factory_tui.cells.client import Engine, answering
from factory_tui.cells.connection import Connection
from factory_tui.cells.holder import lives
from factory_tui.cells.knock import knock
from factory_tui.cells.protocol import (
    ANY,
    MIB,
    Cell,
    CellDied,
    CellError,
    CellLimits,
    Image,
    Kind,
    Labels,
    Mould,
    NoEngine,
    Say,
)
from factory_tui.cells.reach import find

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from factory_tui.cells.reach import Address
    from factory_tui.config.recipe import Recipe

log = logging.getLogger(__name__)

T = TypeVar("T")
_SECONDS = 60
_SOON = 3
"""Seconds within which an engine answers whether it is there."""


def connect(where: Address | None = None) -> Engine:
    """A client of the engine there; without an address, of the one that the environment names.

    Raises NoEngine or NoPermission with the remedy.
    """
    where = where or find()
    version = knock(where)
    try:
        return Engine(where, version, _SECONDS)
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise NoEngine(
            f"the Docker engine at {where} ({where.source}) cannot be used: {error}. Remedy: see that "
            "`docker version` works"
        ) from error


def create_options(
    mould: Mould, config: dict[str, Any], workspace: str, labels: Labels, *, user: int, fenced: dict[str, Any]
) -> dict[str, Any]:
    """What the engine is asked for: the fence, and the runner behind it. ``config`` is the image's."""
    env = {"HOME": fence.TMP, "TMPDIR": fence.TMP, "USER": "agent", "LANG": "C.UTF-8", "TERM": "dumb"}
    asked = {
        "work": fence.WORK,
        "uid": user,
        "gid": user,
        "leave": False,
        "env": {**env, **oddities.unheard(config), **dict(mould.env)},
        "cgroup": "/sys/fs/cgroup",
    }
    if mould.hosts:
        asked["annex"] = {"work": fence.ANNEX, **dict.fromkeys(("uid", "gid"), fence.neighbour(user))}
    return {
        "image": mould.image,
        "command": runner.arguments(asked),
        "entrypoint": ["python3"],
        "stop_signal": "SIGKILL",  # an engine that stops waits ten seconds for less, and nothing here needs them
        "environment": dict.fromkeys(oddities.unheard(config), ""),
        "labels": {
            fence.LABEL + "workspace": workspace,
            fence.LABEL + "run": labels.run,
            fence.LABEL + "role": labels.role,
            fence.LABEL + "number": str(labels.number),
            fence.LABEL + "user": str(user),
            fence.LABEL + "holder": labels.holder,
            fence.LABEL + "hosts": " ".join(mould.hosts),
        },
        **fenced,
        "stdin_open": True,
        "detach": True,  # else docker-py asks for stdin to close with the first attachment
        "tty": False,
        "working_dir": "/",
    }


class DockerGround:
    """One container."""

    kind: Kind = "docker"
    gauged = True
    work = fence.WORK

    def __init__(
        self, cells: DockerCells, name: str, work_bytes: int, image: Image, hosts: tuple[str, ...] = ()
    ) -> None:
        self.id = name
        self.annex = fence.ANNEX if hosts else ""
        self.hosts: Mapping[str, str] = fence.addresses(hosts)
        self.fenced = cells.fenced
        self.image = image
        self.work_bytes = work_bytes
        self._cells = cells
        self._ports = itertools.count(8000)
        self._wire: AttachWire | None = None

    async def dial(self) -> AttachWire:
        """Attach to the container; an engine that refuses says so as OSError."""
        self._wire = await attach(self._cells.where, self.id, self._cells.version)
        return self._wire

    async def why(self) -> tuple[bool, str]:
        """Whether the container has ended, and how. Raises NoEngine."""
        said = self._wire.said.decode("utf-8", "replace").strip()[-500:] if self._wire else ""
        try:
            state = await self._cells.ask(lambda c: containers.state_of(c, self.id))
        except NoEngine:
            raise
        except CellError as error:
            return False, str(error)
        if not state:
            return True, "the cell's container is gone"
        if state["Running"]:
            return False, f"the cell's container runs but its runner does not answer. {said}".strip()
        return True, f"the cell's container ended with {containers.ending(state)}. {said}".strip()

    def port(self) -> int:
        """Any port: the cell has a loopback of its own."""
        return next(self._ports)

    async def freeze(self) -> None:
        """Freeze the container. Raises CellError when the engine cannot: under load it sometimes does not."""
        await self._cells.ask(lambda c: containers.stand(c, self.id, still=True))

    async def thaw(self) -> None:
        """Thaw the container; one that is not frozen is fine. Raises CellError."""
        await self._cells.ask(lambda c: containers.stand(c, self.id, still=False))

    async def remove(self) -> None:
        """Remove the container."""
        await self._cells.remove(self.id)


class DockerCells:
    """Docker cells of one workspace; from `image`, where a mould names no other.

    ``fenced`` is for whoever looked to say: see `proof`.
    """

    kind: Kind = "docker"

    def __init__(
        self,
        client: Engine,
        workspace: str,
        image: str,
        limits: CellLimits | None = None,
        terms: fence.Terms = fence.PLAIN,
        *,
        build_network: str = "default",
    ) -> None:
        self._client, self._workspace, self._image = client, workspace, image
        self.limits = limits or CellLimits()
        self.fenced = True
        self._terms = terms
        self._build_network = build_network
        self._making: dict[str, asyncio.Lock] = {}
        needed = self.limits.work_bytes + self.limits.tmp_bytes + fence.SHM
        if needed >= self.limits.memory:
            raise CellError(
                f"[cells] work and temp space ({needed // MIB} MiB with shared memory) must stay below the memory limit"
                f" ({self.limits.memory // MIB} MiB). Remedy: raise memory or lower work_bytes"
            )
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="docker")
        self.where, self.version = client.where, str(client.api.api_version)
        self._attached: dict[str, RunnerCell] = {}
        self._left: set[str] = set()
        """Containers that were to be removed, by id or name, while no engine answered."""

    async def ask(self, question: Callable[[Engine], T]) -> T:
        """One call of docker-py in the pool. Raises CellError for what the engine, or the way to it, could not do."""
        with answering():
            return await asyncio.get_running_loop().run_in_executor(self._threads, question, self._client)

    async def start(self, labels: Labels, mould: Mould = ANY) -> RunnerCell:
        """A started cell with an empty work tree. Raises CellError with the remedy."""
        reference = mould.image or self._image
        moulded = replace(mould, image=reference)
        await self._remove_left()
        called = f"factory-tui-{secrets.token_hex(8)}"
        created = asyncio.ensure_future(self.ask(lambda c: self._create(c, called, moulded, labels)))
        try:
            name, image = await asyncio.shield(created)
        except NoEngine:
            self._left.add(called)  # it may have been made all the same
            raise
        except asyncio.CancelledError:
            await asyncio.shield(self._undo(created, called))
            raise
        ground = DockerGround(self, name, self.limits.work_bytes, Image(reference, image), mould.hosts)
        connection = Connection(ground.dial, ground.why)
        try:
            opened = asyncio.create_task(self._open(connection, name, reference))
            await opened
        except BaseException as trouble:
            await connection.close()
            await self.remove(name)
            if isinstance(trouble, CellDied):
                raise unfit.no_runner(reference, trouble) from trouble
            raise
        cell = RunnerCell(ground, connection)
        self._attached[name] = cell
        return cell

    async def _undo(self, created: asyncio.Future[tuple[str, str]], called: str) -> None:
        """Remove what is being made, once it is there: who asked for it is cancelled, and may be again."""
        await asyncio.gather(created, return_exceptions=True)
        await self.remove(called)

    async def _open(self, connection: Connection, name: str, image: str) -> None:
        await self.ask(lambda c: containers.begin(c, name, image))
        await connection.open(torn=False, first=runner.modules())

    async def prepare(self, recipe: Recipe, say: Say) -> Mould:
        """What cells by this recipe are made from; an image that is not there is built, or pulled."""
        reference = building.reference_of(recipe.build) if recipe.build else recipe.image or self._image
        found = await self.ask(lambda c: containers.inspect_image(c, reference))
        if found is None and (recipe.build or recipe.image):
            async with self._making.setdefault(reference, asyncio.Lock()):
                found = await self.ask(lambda c: containers.inspect_image(c, reference))
                if found is None:
                    await self._make(recipe, reference, say)
                    found = await self.ask(lambda c: containers.inspect_image(c, reference))
        if found is None:
            raise unfit.gone(reference)
        return Mould(reference, found["Id"], recipe.variables(oddities.variables(found["Config"]), fence.WORK))

    async def _make(self, recipe: Recipe, reference: str, say: Say) -> None:
        if recipe.build is None:
            await building.pull(self._client, reference, say)
        else:
            await building.make(self._client, recipe.build, recipe.file, self._build_network, say)

    def _create(self, client: docker.DockerClient, called: str, mould: Mould, labels: Labels) -> tuple[str, str]:
        """The container's id, and its image's."""
        found = containers.inspect_image(client, mould.image)
        if found is None:
            raise unfit.gone(mould.image)
        volumes = oddities.volumes(mould.image, found["Config"], self.limits)
        user = fence.draw()
        fenced = fence.options(self.limits, user, self._terms, volumes, mould.hosts)
        try:
            container = client.containers.create(
                name=called, **create_options(mould, found["Config"], self._workspace, labels, user=user, fenced=fenced)
            )
        except docker.errors.ImageNotFound as error:
            raise unfit.gone(mould.image) from error
        except docker.errors.APIError as error:
            raise unfit.refused(error, mould.image) from error
        return str(container.id), str(container.attrs["Image"])

    async def adopt(self) -> list[tuple[Labels, Cell]]:
        """This workspace's running containers, attached again; one that does not answer is left for the sweep."""
        adopted: list[tuple[Labels, Cell]] = []
        for found in await self._list(running=True):
            name = found["Id"]
            if name in self._attached:
                continue
            hosts = tuple(found["Labels"].get(fence.LABEL + "hosts", "").split())
            ground = DockerGround(self, name, self.limits.work_bytes, Image(found["Image"], found["ImageID"]), hosts)
            connection = Connection(ground.dial, ground.why)
            try:
                if found["State"] == "paused":
                    await ground.thaw()
                await connection.open(torn=True)
            except NoEngine:
                raise
            except CellError as trouble:
                log.warning("container %s is not taken over: %s", name[:12], trouble)
                await connection.close()
                continue
            cell = RunnerCell(ground, connection)
            self._attached[name] = cell
            adopted.append((containers.labels_of(found["Labels"]), cell))
        return adopted

    async def _list(self, *, running: bool) -> list[dict[str, Any]]:
        """Those of this workspace, without what another process that lives has for itself."""
        only = {"label": [f"{fence.LABEL}workspace={self._workspace}"]}
        found = await self.ask(lambda c: c.api.containers(all=not running, filters=only))
        return [one for one in found if not lives(containers.labels_of(one["Labels"]).holder)]

    async def sweep(self, keep: Collection[str] = ()) -> int:
        """Remove every container of this workspace that is not kept. Raises CellError for those that stay."""
        names = [found["Id"] for found in await self._list(running=False) if found["Id"] not in keep]
        stay = [why for why in await asyncio.gather(*map(self.remove, names)) if why]
        if stay:
            _, _, remedy = stay[0].partition(". Remedy: ")
            raise CellError(f"{'; '.join(why.partition('. Remedy: ')[0] for why in stay)}. Remedy: {remedy}")
        return len(names)

    async def remove(self, name: str) -> str:
        """Remove a container; one that is gone is fine. Why it stays: for good, or where no engine answers for now."""
        self._attached.pop(name, None)
        return await asyncio.shield(self._remove(name))

    async def _remove(self, name: str) -> str:
        silent: NoEngine | None = None
        for _ in range(2):  # a kept line that dropped says so to the first who uses it
            try:
                await self.ask(lambda c: containers.remove(c, name))
            except NoEngine as error:
                silent = error
            except CellError as error:
                log.warning("%s", error)
                return str(error)
            else:
                return ""
        self._left.add(name)
        log.warning("container %s is left for now: %s", name[:12], silent)
        return ""

    async def _remove_left(self) -> None:
        for name in list(self._left):
            try:
                await self.ask(lambda c, name=name: containers.remove(c, name))  # type: ignore[misc]
            except NoEngine:
                raise
            except CellError as error:
                log.warning("%s", error)
            self._left.discard(name)

    async def answers(self) -> bool:
        """Whether the engine answers, within seconds."""
        try:
            async with asyncio.timeout(_SOON):
                await self.ask(lambda c: c.ping())
        except (CellError, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        """Detach from every cell and end the threads; containers stay, but for those that were left for now."""
        if self._left and await self.answers():
            with suppress(NoEngine):
                await self._remove_left()
        for cell in list(self._attached.values()):
            await cell.detach()
        self._attached.clear()
        await asyncio.to_thread(self._threads.shutdown)
        self._client.close()
