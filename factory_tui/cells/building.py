"""Building and pulling images by the Docker engine's API: heard as it goes, and stopped when nobody waits any more.

A build's context is made here from bytes that the caller has, so that no link and no path of this machine can get into
it. What is built carries a name by its content, and a label that says it is ours.
"""

from __future__ import annotations

import asyncio
import io
import re
import tarfile
import threading
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import requests
import urllib3

from factory_tui.cells.protocol import NoEngine, Unmade
from factory_tui.domain.hostile import clean, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from factory_tui.cells.client import Engine
    from factory_tui.config.recipe import Build

    Say = Callable[[str], None]

BUILT = "factory-tui-seed"
"""The repository of images built for seeds; the tag is the digest of what they were built from."""
MARK = "factory-tui.image"
"""The label of every image made by this program: `seed` or `host`."""
FILE = "factory-tui.file"
"""The label that names the file an image was built by."""
_SECONDS = 60.0
_TAIL = 12
"""Lines of a failed step's log that its message holds."""
_WIDTH = 300
_BETWEEN = re.compile(r" ---> (Running in )?[0-9a-f]{12}\n|Removing intermediate container ")
"""What the engine says of its own doing between two steps."""
_STEP = re.compile(r"The command '(?:/bin/sh -c )?(?P<command>.*)' returned a non-zero code: (?P<code>\d+)")
_COMMAND = 60
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""The engine has stderr in red."""


class Stop:
    """Ends a request to the engine from another thread: closing the connection is how a build is cancelled."""

    def __init__(self) -> None:
        self.asked = False
        self._lock = threading.Lock()
        self._response: requests.Response | None = None

    def heard(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """The engine began to answer (a hook of requests)."""
        with self._lock:
            self._response = response
            if self.asked:
                self._cut(response)

    def now(self) -> None:
        """End it."""
        with self._lock:
            self.asked = True
            if self._response is not None:
                self._cut(self._response)

    def close(self) -> None:
        """Let go of the connection, read to its end or not."""
        if self._response is not None:
            self._response.close()

    @staticmethod
    def _cut(response: requests.Response) -> None:
        try:
            response.raw.shutdown()
        except (RuntimeError, ValueError, OSError):
            response.close()  # it had ended by itself


def reference_of(build: Build) -> str:
    """The name of the image that the build makes."""
    return f"{BUILT}:{build.digest}"


async def make(client: Engine, build: Build, file: str, network: str, say: Say) -> None:
    """Build the image `reference_of(build)`, wherever it is. `say` hears the log's lines, in another thread.

    Cancelled, it stops the build. Raises Unmade with the log's end, NoEngine.
    """

    def work(own: docker.DockerClient, stop: Stop) -> None:
        _build(own, stop, build, say, file=file, network=network)

    await _until_stopped(client, work)


async def pull(client: Engine, image: str, say: Say) -> None:
    """Have the engine pull an image. Raises Unmade with the engine's reason, NoEngine."""
    await _until_stopped(client, lambda own, stop: _pull(own, stop, image, say))


async def _until_stopped(client: Engine, work: Callable[[docker.DockerClient, Stop], None]) -> None:
    stop = Stop()

    def run() -> None:
        own = client.another(_SECONDS)
        own.api.hooks["response"].append(stop.heard)
        try:
            work(own, stop)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            if not stop.asked:
                raise NoEngine(f"the Docker engine went away: {error}. Remedy: see that it runs") from error
        finally:
            stop.close()
            own.close()

    task = asyncio.ensure_future(asyncio.to_thread(run))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.now()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # heard: nobody waits for what it says
        raise


def _build(client: docker.DockerClient, stop: Stop, build: Build, say: Say, *, file: str, network: str) -> None:
    reference = reference_of(build)
    say(f"building {reference} by {file}")
    log: list[str] = []
    try:
        events = client.api.build(
            fileobj=_context(build),
            custom_context=True,
            dockerfile=build.dockerfile,
            target=build.target or None,
            buildargs=dict(build.args),
            tag=reference,
            labels={MARK: "seed", FILE: file},
            network_mode=network,
            rm=True,
            forcerm=True,
            decode=True,
            timeout=None,  # a step may be silent for long
        )
        for event in events:
            if "error" in event:
                raise _failed(file, one_line(str(event["error"]).strip(), 2 * _WIDTH), log)
            said = str(event.get("stream", ""))
            for line in _lines("" if _BETWEEN.match(said) else said or _progress(event)):
                log[:] = [line] if line.startswith("Step ") else [*log, line][-_TAIL:]
                say(line)
        if not stop.asked:
            client.images.get(reference)
    except docker.errors.ImageNotFound as error:
        raise _failed(file, "the engine ended it without a word", log) from error
    except docker.errors.APIError as error:
        raise _failed(file, one_line(str(error.explanation or error), 2 * _WIDTH), log) from error


def _failed(file: str, why: str, log: list[str]) -> Unmade:
    step = _STEP.fullmatch(why)
    if step:
        why = f"`{one_line(step['command'], _COMMAND)}` ended with {step['code']}"
    base = any(
        word in why for word in ("pull access", "manifest", "registry", "no such host", "dial tcp", "not found:")
    )
    mend = f"mend {file}, then resume the run"
    if base and not step:
        mend = (
            "docker load the image that its FROM names, or write one that is here (docker images); then resume the run"
        )
    tail = f". The log ends:\n{chr(10).join(log)}" if log else ""
    return Unmade(f"{file} cannot be built: {why}. Remedy: {mend}{tail}")


def _pull(client: docker.DockerClient, stop: Stop, image: str, say: Say) -> None:
    say(f"pulling {image}")
    try:
        repository, _, tag = image.rpartition(":") if ":" in image.rsplit("/", 1)[-1] else (image, "", "latest")
        for event in client.api.pull(repository, tag=tag, stream=True, decode=True):
            if "error" in event:
                raise _not_pulled(image, str(event["error"]))
            for line in _lines(_progress(event)):
                say(line)
        if not stop.asked:
            client.images.get(image)
    except docker.errors.APIError as error:
        raise _not_pulled(image, str(error.explanation or error)) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        if stop.asked:
            return
        raise _not_pulled(image, str(error)) from error


def _not_pulled(image: str, why: str) -> Unmade:
    found = f"the image {image} is not on the engine and cannot be pulled: {one_line(why, _WIDTH)}"
    return Unmade(f"{found}. Remedy: docker load it, or name one that is here (docker images)")


def _progress(event: dict[str, Any]) -> str:
    """A change of a layer's state, without the bars that tick."""
    if "status" not in event or "progress" in event:
        return ""
    return f"{event['id']}: {event['status']}" if event.get("id") else str(event["status"])


def _lines(text: str) -> Iterator[str]:
    for line in clean(_COLOURS.sub("", text)).splitlines():
        if line.strip():
            yield one_line(line.rstrip(), _WIDTH)


def _context(build: Build) -> io.BytesIO:
    """The build's files as a tar, the same bytes each time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for one in build.files:
            info = tarfile.TarInfo(one.path)
            info.size, info.mode = len(one.data), one.mode
            tar.addfile(info, io.BytesIO(one.data))
    packed.seek(0)
    return packed
