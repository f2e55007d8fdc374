"""Trajectories against a real product in real process cells."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import ANY, CellError, Entry, Labels, Mould
from factory_tui.harness.draws import inputs
from factory_tui.harness.feedback import evidence
from factory_tui.harness.trajectory import Trajectory, run_trajectory
from tests.harness.product import APP, COUNT, ECHO, TOTAL, product, scenario
from tests.waiting import eventually

STOPS = """
import os, signal
def parent(pid):
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rsplit(")", 1)[1].split()[1])
def runs_us(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return b"marshal" in file.read()
above = [os.getpid()]
while above[-1] > 1:
    above.append(parent(above[-1]))
os.kill([pid for pid in above if pid and runs_us(pid)][-1], signal.SIGSTOP)
signal.pause()
"""
"""A product that stops what runs it."""
LABELS = Labels("w", "tiny-1", "trajectory", 1)


async def judged(
    cells: ProcessCells, text: str, entries: list[Entry], index: int = 0, timeout: float = 30
) -> Trajectory:
    what = scenario(text)
    return await run_trajectory(cells, LABELS, entries, what, inputs(what, "tiny-1", 1, index), timeout=timeout)


@pytest.mark.parametrize("text", [COUNT, ECHO, TOTAL])
async def test_a_good_product_satisfies_whatever_is_drawn(cells: ProcessCells, text: str) -> None:
    for index in range(3):
        trajectory = await judged(cells, text, product(), index)
        assert trajectory.satisfied, evidence(trajectory)
        assert trajectory.near_miss == 1.0


async def test_a_wrong_count_is_told_with_what_was_wanted_and_observed(cells: ProcessCells) -> None:
    trajectory = await judged(cells, COUNT, product(step="2"))
    assert trajectory.satisfied is False
    assert 0 < trajectory.near_miss < 1
    told = evidence(trajectory)
    assert "then: GET /" in told
    assert "wanted json count: " in told
    assert ", observed " in told


async def test_a_total_off_by_cents_is_nearer_than_a_crash(cells: ProcessCells) -> None:
    close = await judged(cells, TOTAL, product(slip='Decimal("0.01")'))
    crash = await judged(cells, TOTAL, product(slip="1/0"))
    assert close.satisfied is crash.satisfied is False
    assert close.near_miss > crash.near_miss
    assert "ZeroDivisionError" in evidence(crash)


@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("import sys; sys.exit('no such thing')", "ended before it was ready"),
        ("import time; time.sleep(60)", "was not ready in 1 s"),
        (APP.replace("seen = {}", "seen = {}; import threading"), ""),
    ],
)
async def test_a_service_that_never_comes_up_is_a_verdict(cells: ProcessCells, app: str, said: str) -> None:
    text = ECHO.replace('command = "python3 app.py"', 'command = "python3 app.py"\nready = { timeout = 1.0 }')
    if not said:
        text = ECHO
    trajectory = await judged(cells, text, product(app=app))
    assert trajectory.satisfied is (not said)
    assert said in trajectory.why
    if "exit" in app:
        assert "no such thing" in trajectory.logs


async def test_too_long_and_too_much_are_verdicts(cells: ProcessCells) -> None:
    slow = await judged(cells, TOTAL, [Entry("sum.py", "file", data=b"import time; time.sleep(60)")], timeout=1.0)
    assert slow.satisfied is False
    assert "longer than 1 s" in slow.why
    flood = await judged(cells, TOTAL, [Entry("sum.py", "file", data=b"print('x' * 9_000_000)")])
    assert flood.satisfied is False
    assert "more than" in flood.why


async def test_a_product_that_kills_its_cell_is_unsatisfied_not_void(cells: ProcessCells) -> None:
    murder = b"import os, signal\nos.system('rm -rf ../work'); os.kill(os.getppid(), signal.SIGKILL)\n"
    trajectory = await judged(cells, TOTAL, [Entry("sum.py", "file", data=murder)])
    assert trajectory.satisfied is False


async def test_a_product_that_stops_its_cell_is_waited_for_no_longer_than_it_may_take(
    cells: ProcessCells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("factory_tui.harness.serving.STOP", 0.2)
    trajectory = await judged(cells, COUNT, [Entry("app.py", "file", data=STOPS.encode())], timeout=1.0)
    assert trajectory.satisfied is False
    assert "no log of app: it did not end within 0.2 s" in trajectory.logs


async def test_a_captured_value_that_makes_no_request_is_unsatisfied(cells: ProcessCells) -> None:
    text = COUNT + '[[act]]\nhttp = { service = "app", path = "/{heard} x" }\n'
    assert (await judged(cells, text, product())).satisfied is False


async def test_a_tree_that_is_in_the_way_of_an_input_is_unsatisfied_not_void(cells: ProcessCells) -> None:
    trajectory = await judged(cells, TOTAL, [*product(), Entry("in.csv/mine", "file", data=b"")])
    assert trajectory.satisfied is False, "else who knows the name of an input chooses what is counted"
    assert "the file 'in.csv' cannot be put in place: Is a directory" in trajectory.why


async def test_an_answer_that_breaks_the_judging_is_unsatisfied_not_void(
    cells: ProcessCells, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RecursionError("a fault that an answer found")

    monkeypatch.setattr("factory_tui.harness.acting.judge_outcome", broken)
    trajectory = await judged(cells, TOTAL, product())
    assert trajectory.satisfied is False
    assert "a fault that an answer found" in trajectory.why


async def test_a_cell_that_will_not_go_takes_no_verdict_back(cells: ProcessCells) -> None:
    class Sticky(ProcessCells):
        async def start(self, labels: Labels, mould: Mould = ANY):  # type: ignore[no-untyped-def]
            cell = await super().start(labels, mould)
            close = cell.close

            async def stuck() -> None:
                await close()
                raise CellError("it does not go")

            cell.close = stuck  # type: ignore[method-assign]
            return cell

    trajectory = await judged(Sticky("w", cells._state), TOTAL, product(slip="1/0"))
    assert trajectory.satisfied is False
    assert "exit" in evidence(trajectory)


async def test_what_breaks_on_our_side_is_void_with_the_reason(cells: ProcessCells) -> None:
    class Broken(ProcessCells):
        tries = 0

        async def start(self, labels: Labels, mould: Mould = ANY):  # type: ignore[no-untyped-def]
            self.tries += 1
            raise CellError("no room for another cell")

    broken = Broken("w", Path("/nonexistent"))
    trajectory = await judged(broken, TOTAL, product())
    assert trajectory.satisfied is None
    assert "no room for another cell" in trajectory.why
    assert broken.tries == 2


async def test_the_cell_is_told_no_story_no_name_and_no_expectation(cells: ProcessCells) -> None:
    secrets = ("secretname", "tolerance", "given orders", "summary.json", "adversarial", "scenario")
    spy = "import os, pathlib, sys\nseen = [str(os.environ), open('/proc/self/cmdline').read(), os.getcwd()]\n"
    spy += "seen += [f'{p}{p.read_text()}' for p in pathlib.Path('.').rglob('*') if p.name != 'sum.py']\n"
    spy += f"print([word for word in {secrets!r} if word in str(seen)], 'in.csv' in str(seen))\nsys.exit(1)\n"
    what = scenario(TOTAL, "secretname")
    entries = [Entry("sum.py", "file", data=spy.encode())]
    trajectory = await run_trajectory(cells, LABELS, entries, what, inputs(what, "tiny-1", 1, 0), timeout=30)
    assert trajectory.steps[0].answered == "exit 1 [] True\n".strip()


async def test_cancelling_closes_the_cell(cells: ProcessCells, tmp_path: Path) -> None:
    sign = tmp_path / "runs"
    slow = f"import pathlib, time; pathlib.Path({str(sign)!r}).touch(); time.sleep(60)"
    task = asyncio.create_task(judged(cells, TOTAL, [Entry("sum.py", "file", data=slow.encode())]))

    async def runs() -> bool:
        await asyncio.sleep(0)
        return sign.exists()

    await eventually(runs)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


LISTS = """
kind = "main"
set = "feedback"
story = "given a folder, when reports are made, then each is there, in full, and nothing besides"
[[act]]
repeat = 3
run = { command = "mkdir -p out/deep && printf 'a,b' > out/one.csv && printf x > out/deep/two.csv" }
[act.expect]
files = { "out/one.csv" = { size = 3, sha256 = "0da0d6f5b0f96f1c0f5a1d2a4e2f1d6b" } }
listing = { "out/**/*.csv" = ["out/deep/two.csv", "out/one.csv"], "out/*" = { length = 2 }, "*.tmp" = [] }
within = { p50 = 20.0, p95 = 20.0, max = 20.0 }
""".replace("0da0d6f5b0f96f1c0f5a1d2a4e2f1d6b", hashlib.sha256(b"a,b").hexdigest())


async def test_what_is_in_a_folder_its_sizes_and_how_long_it_took(cells: ProcessCells) -> None:
    trajectory = await judged(cells, LISTS, [])
    assert trajectory.satisfied, evidence(trajectory)
    missed = await judged(cells, LISTS.replace("p95 = 20.0", "p95 = 0.000001").replace("size = 3", "size = 4"), [])
    assert "wanted size of out/one.csv: 4, observed 3" in evidence(missed)
    slow = await judged(cells, LISTS.replace("p95 = 20.0", "p95 = 0.000001"), [])
    assert "wanted p95 of 3 times: within 1e-06 s, observed " in evidence(slow)
    extra = await judged(cells, LISTS.replace('"*.tmp" = []', '"*.*" = []'), [Entry("a.tmp", "file", data=b"")])
    assert 'wanted listing of *.*: [], observed ["a.tmp"]' in evidence(extra)
