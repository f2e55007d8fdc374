"""Trajectories: visits of the real harness on Docker cells, beside create, cp, start -a and rm of bare containers.

All run the same product from the same tree, as many at once. A bare container is unfenced and has the product as its
process 1, so that it ends by itself; it is filled before it starts, and removed, by the docker command line and by
docker-py. The quicker of the two is the floor. The harness begins each turn with a full pool of warm cells and fills it
again as it goes; what of that is left at its end is done before a floor begins, and in nobody's time.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bench.containers import by_command_line, by_docker_py, timed
from bench.figures import Figures, beside, median, say
from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.pool import Pool
from factory_tui.cells.protocol import Cell, CellLimits, Cells, Entry, Labels
from factory_tui.config.settings import CellsTable, HarnessTable
from factory_tui.domain.events import AnyFact, VerdictReached
from factory_tui.domain.live import LiveFrame
from factory_tui.domain.state import Run
from factory_tui.harness.corpus import Corpus
from factory_tui.harness.draws import inputs
from factory_tui.harness.scenario import parse
from factory_tui.harness.serving import POLL
from factory_tui.harness.trajectory import run_trajectory
from factory_tui.harness.visit import Visitor, VisitResult

AT_ONCE = HarnessTable().parallel
_NAME = "bench-harness"
_LABELS = Labels(_NAME, _NAME, "trajectory", 1)
_ALONE = 10
_MOST = 48
_APP = """
import http.server, os
class Door(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        data = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *words): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Door).serve_forever()
"""
_SCENARIO = """
kind = "main"
set = "vault"
story = "given a product that echoes, when it is asked for a word, then it says the word"
[draw]
word = { kind = "word" }
"""
_SERVED = f"""
export PORT=8000
python3 app.py &
until exec 3<>/dev/tcp/127.0.0.1/$PORT; do sleep {POLL}; done 2>/dev/null
printf 'GET /word HTTP/1.0\\r\\n\\r\\n' >&3
cat <&3
"""


@dataclass(frozen=True)
class Kind:
    """A product and how it is asked, by a scenario and by a bare container."""

    name: str
    acts: str
    bare: str
    """For `bash -c` in the folder of the tree; its output holds "word"."""

    def corpus(self) -> Corpus:
        """One scenario of the vault, drawn anew each time."""
        return Corpus("bench", (parse(_SCENARIO + self.acts, f"scenarios/bench/{self.name}.toml"),), "c0ffee")


KINDS = (
    Kind("command", '[[act]]\nrun = { command = "printf {word}" }\nexpect = { stdout = "{word}" }\n', "printf word"),
    Kind(
        "service",
        '[[service]]\nname = "app"\ncommand = "python3 app.py"\n'
        '[[act]]\nhttp = { service = "app", path = "/{word}" }\nexpect = { status = 200, body = "/{word}" }\n',
        _SERVED,
    ),
)


def tree() -> list[Entry]:
    """What a small seed's output is like: a program, its tests and some files beside them; 20 files, 90 kB."""
    made = [Entry(folder, "dir", 0o755) for folder in ("docs", "tests")]
    made += [Entry(f"tests/test_{at}.py", "file", data=b"# a test of it\n" * 300) for at in range(10)]
    made += [Entry(f"docs/{at}.md", "file", data=b"Words about it.\n" * 300) for at in range(9)]
    return [*made, Entry("app.py", "file", data=_APP.encode())]


class _Ear:
    """A scribe that keeps nothing."""

    run = _NAME

    async def record(self, *facts: AnyFact) -> None:
        for fact in facts:
            if isinstance(fact, VerdictReached) and not fact.satisfied:
                raise RuntimeError(f"a trajectory that is not satisfied measures nothing: {fact.evidence}")

    def show(self, frame: LiveFrame) -> None:
        raise RuntimeError(f"a visit shows nothing: {frame!r}")


def _run() -> Run:
    return Run(
        id=_NAME,
        seed="bench",
        revision="",
        corpus="c0ffee",
        loop="",
        dot="",
        model="",
        ledger="rehearsal",
        owner="",
        ship_at=0.8,
        alpha=0.01,
        max_passes=10,
        max_trajectories=_MOST,
        cap=Decimal(0),
        scenarios=(),
        unfenced=False,
        queued_at=0,
    )


async def measure(image: str, turns: int) -> Figures:
    """Trajectories a minute and milliseconds; nothing is left."""
    figures: Figures = {}
    kind = DockerCells(connect(), _NAME, image, CellLimits())
    pool = Pool(kind, _NAME, CellsTable().warm)
    pool.fill()
    entries = tree()
    try:
        for what in KINDS:
            figures |= await _together(pool, what, entries, image, turns)
            figures |= await _alone(kind, what, entries)
    finally:
        await pool.close()
        left = connect()
        again = DockerCells(left, _NAME, image, CellLimits())
        await again.sweep()
        await again.close()
    return figures


async def _together(pool: Pool, what: Kind, entries: Sequence[Entry], image: str, turns: int) -> Figures:
    """Trajectories a minute; the sides take turns, each as many trajectories as the visits needed."""
    ours: list[float] = []
    floors: dict[str, list[float]] = {"cli": [], "sdk": []}
    for turn in range(turns):
        say(f"{what.name}: {AT_ONCE} trajectories at once, turn {turn + 1} of {turns}")
        await _filled(pool)
        number, took = await _visits(pool, what, entries)
        ours.append(number / took)
        await _filled(pool)
        for name, one in (("cli", by_command_line), ("sdk", by_docker_py)):
            seconds = await asyncio.to_thread(timed, one, image, what.bare, entries, number=number, at_once=AT_ONCE)
            floors[name].append(number / seconds)
        bare = ", ".join(f"{number / rates[-1]:.1f}" for rates in floors.values())
        say(f"  {number} took {took:.1f} s, bare ones {bare} s")
    found = {name: median(rates) for name, rates in floors.items()}
    return {
        **beside(f"{what.name}_per_min", median(ours) * 60, max(found.values()) * 60, 1),
        **{f"{what.name}_per_min_{name}": round(rate * 60, 1) for name, rate in found.items()},
        **{f"{what.name}_times_{name}": round(median(ours) / rate, 3) for name, rate in found.items()},
    }


async def _filled(pool: Pool) -> None:
    """Wait until there are as many cells as it keeps."""
    async with asyncio.timeout(60):
        while pool.ready < CellsTable().warm:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(POLL)


async def _visits(cells: Cells, what: Kind, entries: Sequence[Entry]) -> tuple[int, float]:
    """A screen and its confirm, as of a pass that ships: how many trajectories, in how many seconds."""
    visitor, parallel, corpus = Visitor(_NAME), asyncio.Semaphore(AT_ONCE), what.corpus()

    async def visit(number: int, found: VisitResult | None) -> VisitResult:
        return await visitor.visit(
            _Ear(),
            run=_run(),
            corpus=corpus,
            entries=entries,
            number=1,
            visit=number,
            kind="confirm" if found else "screen",
            cells=cells,
            parallel=parallel,
            pooled=found.verdicts if found else (),
        )

    began = time.perf_counter()
    result = await visit(2, await visit(1, None))
    took = time.perf_counter() - began
    if result.decision != "ship":
        raise RuntimeError(f"what satisfies did not ship: {result.why}")
    return len(result.verdicts), took


async def _alone(cells: Cells, what: Kind, entries: Sequence[Entry]) -> Figures:
    """Milliseconds of a trajectory with no other beside it, and what of it is not the product's own."""
    scenario = what.corpus().scenarios[0]
    whole, product = [], []
    cell = await cells.start(_LABELS)
    try:
        await cell.plant(entries)
        for index in range(_ALONE):
            values = inputs(scenario, _NAME, 1, index)
            found = await run_trajectory(cells, _LABELS, entries, scenario, values, timeout=60)
            if not found.satisfied:
                raise RuntimeError(found.why)
            whole.append(found.seconds * 1000)
            product.append(await _product(cell, what) * 1000)
    finally:
        await cell.close()
    name = what.name
    return {
        f"{name}_ms": round(median(whole), 1),
        f"{name}_product_ms": round(median(product), 1),
        f"{name}_overhead_ms": round(median(whole) - median(product), 1),
    }


async def _product(cell: Cell, what: Kind) -> float:
    """Seconds that the product takes in a cell that is up, by the cell's own clock: all that the harness waits for."""
    outcome = await cell.run(["bash", "-c", f"{what.bare}\nkill -9 $(jobs -p) 2>/dev/null; true"])
    if b"word" not in outcome.stdout:
        raise RuntimeError(f"exit {outcome.exit}: {outcome.stderr!r}")
    return outcome.seconds
