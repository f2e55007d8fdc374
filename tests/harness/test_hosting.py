"""Twins that run in a trajectory's cell, and a real product that asks them."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from factory_tui.cells.bubblewrap import Bubble
from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import CellError, Cells, Entry, Labels, Mould
from factory_tui.config.reading import Mistakes
from factory_tui.harness import trajectory as trajectory_
from factory_tui.harness.draws import inputs
from factory_tui.harness.feedback import evidence
from factory_tui.harness.hosting import settle_in
from factory_tui.harness.spoiling import Spoiling
from factory_tui.harness.trajectory import Trajectory, run_trajectory
from factory_tui.twins.front import Front, fits
from tests.harness.ledger import AROUND, RAW, TOML, TWIN, ledger, payer
from tests.harness.product import scenario
from tests.waiting import until

LABELS = Labels("w", "tiny-1", "trajectory", 1)
PAID = """
kind = "main"
set = "feedback"
story = "given a ledger, when an amount is charged, then it stands in the ledger once"
[draw]
amount = { kind = "int", min = 1, max = 900 }
[[twin]]
name = "ledger"
TWIN
[[act]]
run = { command = "python3 pay.py {amount}" }
capture = { attempts = "stdout:^([0-9]+)" }
expect.stdout = { regex = "ch_1\\n$" }
[[act]]
name = "look"
twin = { name = "ledger", method = "POST", path = "/charges" }
expect.json = EXPECT
"""
ONCE = '{ "count" = 1, "requests.0.json.amount" = "{amount}", "requests.0.status" = 201 }'
AGAIN = '{ "count" = 2, "requests.0.fault" = "FAULT", "requests.1.status" = 201 }'


RUDE = """
import os, socket, sys
host, _, port = os.environ["LEDGER_URL"].removeprefix("http://").partition(":")
for asked in ("GET /a\\1b", "GET /a\\x7fb", "GET /\u00e9", "G\u00c9T /", "FOO /"):
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(f"{asked} HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n".encode())
        print(line.recv(100).split()[1].decode(), end=" ")
"""

WAITS = """
import os, time, urllib.error, urllib.request
def status():
    try:
        return urllib.request.urlopen(os.environ["LEDGER_URL"] + "/charges").status
    except urllib.error.HTTPError as error:
        return error.code
open(SEEN, "w").close()
while status() != 500: time.sleep(0.01)
open(SEEN, "w").write("500")
while status() != 200: time.sleep(0.01)
"""
"""It asks until its twin fails, and until it is fine again; then it pays."""

OTHERWISE = """
import atexit, http.client, os
@atexit.register
def again():
    line = http.client.HTTPConnection(os.environ["LEDGER_URL"].removeprefix("http://"))
    line.request("POST", "PATH", '{"amount": 1}')
    line.getresponse().read()
"""
FLOODS = """
import json, os, sys, urllib.request
url, amount = os.environ["LEDGER_URL"] + "/charges", json.dumps({"amount": int(sys.argv[1])}).encode()
print(1, json.load(urllib.request.urlopen(url, amount))["id"])
for _ in range(72):
    urllib.request.urlopen(urllib.request.Request(url, headers={"x": "x" * 60_000})).read()
urllib.request.urlopen(url, amount)
"""
"""It charges twice, and asks so much in between that the second time is not kept."""
NESTS = """
import os, urllib.request
for depth in (*range(900, 1000, 5), 5000):
    try:
        body = b"[" * depth + b"]" * depth
        urllib.request.urlopen(os.environ["LEDGER_URL"] + "/charges", data=body, timeout=5)
    except OSError:
        pass
"""
"""Its JSON can be read in the cell, and hardly where it is judged."""
SIX = """
import contextlib, json, os, socket
rows = [line.split() for line in open("/proc/net/tcp")][1:]
body = json.dumps({"amount": 1})
for port in {int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A"}:
    with contextlib.suppress(OSError), socket.create_connection(("::ffff:127.0.0.1", port), timeout=5) as line:
        line.sendall(f"POST /charges HTTP/1.0\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n{body}".encode())
        line.shutdown(socket.SHUT_WR)
        while line.recv(4096):
            continue
"""
"""It looks for the twin's own port, asks by IPv6, and is the first to end the connection."""

RESET = '[[act]]\ntwin = { name = "ledger", reset = true }\nexpect.json = { "count" = 0 }\n'


async def judged(
    cells: Cells,
    tmp_path: Path,
    *,
    twin: str = "",
    expect: str = ONCE,
    product: Sequence[Entry] = (),
    code: str = TWIN,
    more: str = "",
    spoiling: Spoiling | None = None,
) -> Trajectory:
    what = scenario(PAID.replace("TWIN", twin).replace("EXPECT", expect) + more)
    values = inputs(what, "tiny-1", 1, 0)
    twins = [ledger(tmp_path / "twins", code, TOML.replace("10", "0.5") if "sleep" in code else TOML)]
    return await run_trajectory(
        cells, LABELS, product or payer(), what, values, timeout=30, twins=twins, spoiling=spoiling
    )


async def test_a_product_asks_its_twin_and_the_scenario_sees_what_it_asked(cells: ProcessCells, tmp_path: Path) -> None:
    trajectory = await judged(cells, tmp_path, product=payer(first=f"/charges?x={'y' * 9000}"))
    assert trajectory.satisfied, evidence(trajectory)
    assert max(len(step.asked) for step in trajectory.steps) < 2000, "it cannot push the others out of sight"
    assert any(step.asked.startswith("(asked the twin ledger) POST /charges") for step in trajectory.steps)


async def test_a_product_that_asks_too_often_is_told_of_what_the_twin_was_asked(
    cells: ProcessCells, tmp_path: Path
) -> None:
    trajectory = await judged(cells, tmp_path, product=payer(charges=2))
    assert trajectory.satisfied is False
    assert "wanted json count: 1, observed 2" in evidence(trajectory)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ('{ path = "/charges", status = 500 }', "500"),
        ('{ path = "/*", timeout = true }', "timeout"),
        ("{ drop = true }", "drop"),
    ],
)
async def test_a_fault_spoils_so_many_requests_and_no_more(
    cells: ProcessCells, tmp_path: Path, fault: str, told: str
) -> None:
    twin, expect = f"faults = [{fault}]", AGAIN.replace("FAULT", told)
    trajectory = await judged(cells, tmp_path, twin=twin, expect=expect)
    assert trajectory.satisfied, evidence(trajectory)
    assert f"(by a fault: {told})" in str(trajectory.steps)


async def test_a_product_that_gives_up_is_unsatisfied_not_void(cells: ProcessCells, tmp_path: Path) -> None:
    refused = '[{ method = "POST", status = 429, headers = { retry-after = "1" } }]'
    trajectory = await judged(cells, tmp_path, twin=f"faults = {refused}", product=payer(tries=1))
    assert trajectory.satisfied is False
    assert "status 429 1\ngave up" in evidence(trajectory)


async def test_what_was_done_though_its_answer_was_lost_is_done_twice_by_who_asks_again(
    cells: ProcessCells, tmp_path: Path
) -> None:
    lost = "faults = [{ drop = true, reached = true }]"
    trajectory = await judged(cells, tmp_path, twin=lost)
    assert trajectory.satisfied is False
    assert "ch_2" in evidence(trajectory), "the twin did it both times"
    assert "drop after it was done" in evidence(trajectory)


async def test_latency_and_rules_and_data_are_changed_by_an_act(cells: ProcessCells, tmp_path: Path) -> None:
    more = """
[[act]]
[act.twin]
name = "ledger"
reset = true
data = { charges = [{ id = "ch_7", amount = "{amount}" }] }
latency = 0.3
faults = [{ after = 1, status = 429 }]
[act.expect]
json = { "count" = 0 }
[[act]]
run = { command = "python3 pay.py 5; python3 pay.py 6" }
expect.stdout = "1 ch_2\\n2 ch_3\\n"
[[act]]
twin = { name = "ledger" }
expect.json = { "count" = 3, "requests.0.seconds" = { min = 0.3 }, "requests.1.fault" = "429" }
"""
    trajectory = await judged(cells, tmp_path, more=more)
    assert trajectory.satisfied, evidence(trajectory)


@pytest.mark.parametrize(
    ("code", "first", "why"),
    [
        ("import sys; sys.exit('cannot be')", "", "it ended with 1"),
        ("import time; time.sleep(60)", "", "it was not ready in 0.5 s"),
        (TWIN, "/break", "GET /break got 500, which no fault asked for: "),
        (TWIN, "/crash", "GET /crash got no answer"),
    ],
)
async def test_a_twin_that_breaks_makes_it_void_with_what_broke_it(
    cells: ProcessCells, tmp_path: Path, code: str, first: str, why: str
) -> None:
    trajectory = await judged(cells, tmp_path, product=payer(first=first), code=code)
    assert (trajectory.satisfied, trajectory.twin) == (None, "ledger"), evidence(trajectory)
    assert f"the twin ledger is at fault: {why}" in trajectory.why
    if "cannot be" in code:
        assert "cannot be" in evidence(trajectory), "what the twin said is evidence"


@pytest.mark.parametrize("request_line", [r"GET /\x01 HTTP/1.1", r"GET /\xc3\xa9 HTTP/1.1"])
async def test_what_is_no_request_is_no_fault_of_the_twin(
    cells: ProcessCells, tmp_path: Path, request_line: str
) -> None:
    (pay,) = payer()
    badly = Entry(pay.path, "file", data=RAW.replace("REQUEST", request_line).encode() + (pay.data or b""))
    trajectory = await judged(cells, tmp_path, product=[badly])
    assert (trajectory.satisfied, trajectory.twin) == (True, ""), evidence(trajectory)
    assert "400" in str(trajectory.steps)


async def test_a_product_cannot_blame_its_twin_for_requests_that_are_none(cells: ProcessCells, tmp_path: Path) -> None:
    trajectory = await judged(cells, tmp_path, product=[Entry("pay.py", "file", data=RUDE.encode())])
    assert (trajectory.satisfied, trajectory.twin) == (False, ""), evidence(trajectory)
    assert "400 400 400 400 501" in evidence(trajectory)


@pytest.mark.parametrize("path", ["/%63harges", "http://x/charges"])
async def test_a_product_hides_nothing_by_how_it_spells_a_path(cells: ProcessCells, tmp_path: Path, path: str) -> None:
    (pay,) = payer()
    code = OTHERWISE.replace("PATH", path).encode() + (pay.data or b"")
    trajectory = await judged(cells, tmp_path, product=[Entry("pay.py", "file", data=code)])
    assert trajectory.satisfied is False
    assert "wanted json count: 1, observed 2" in evidence(trajectory)


@pytest.mark.parametrize("path", ["/a b/c", "/a%20b/c", "/*/c", "/a%20b/*"])
def test_a_path_is_meant_however_a_scenario_spells_it(path: str) -> None:
    assert fits({"path": path}, "GET", "/a b/c")


def test_no_product_is_blamed_for_a_connection_of_the_front(monkeypatch: pytest.MonkeyPatch) -> None:
    front = Front({"address": "127.1.0.1"})
    front._inner = 5000

    def connections() -> Iterator[str]:
        yield f"0: 0100007F:9C40 0100007F:{front._inner:04X} 01"
        front._ours.add(0x9C40)  # which it knows a moment after it is there

    monkeypatch.setattr("factory_tui.twins.front._connections", connections)
    assert front.state()["around"] == 0


async def test_a_product_hides_nothing_in_a_flood(cells: ProcessCells, tmp_path: Path) -> None:
    trajectory = await judged(cells, tmp_path, product=[Entry("pay.py", "file", data=FLOODS.encode())])
    assert trajectory.satisfied is False
    assert "it asked the twin ledger for more than can be kept" in trajectory.why


async def test_what_a_product_nests_too_deeply_is_its_own_failure(cells: ProcessCells, tmp_path: Path) -> None:
    product = [Entry("pay.py", "file", data=NESTS.encode())]
    trajectory = await judged(cells, tmp_path, twin="faults = [{ times = 99, status = 400 }]", product=product)
    assert (trajectory.satisfied, trajectory.twin) == (False, ""), trajectory.why


async def test_data_that_a_twin_refuses_is_a_twin_fault(cells: ProcessCells, tmp_path: Path) -> None:
    trajectory = await judged(cells, tmp_path, twin='data = { refuse = "{amount}" }')
    assert (trajectory.satisfied, trajectory.twin) == (None, "ledger")
    assert "no such data" in trajectory.logs


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "ledger", method', 'name = "leger", method', "act[1].twin.name: the twin `leger` is not asked for"),
        ("status = 429", "", "a fault is exactly one of status, timeout and drop"),
        ("status = 429", "status = 429, drop = true", "a fault is exactly one of"),
        ("status = 429", 'drop = true, body = "x"', "without a status there is no answer"),
        ("status = 429", 'status = 429, body = "x", json = {}', "it has two bodies"),
        ("status = 429", 'status = 429, path = "charges"', "twin[0].faults[0].path: `charges` is no path"),
        ("status = 429", 'status = 429, headers = { x = "{n}" }', "{n} is not drawn"),
        ('path = "/charges" }', 'path = "/charges", data = {} }', "a twin takes data only as it begins"),
        ("[[act]]", '[[twin]]\nname = "ledger"\n[[act]]', "the twin `ledger` is asked for twice"),
        ("expect.json", "expect.within = 1.0\nexpect.json", "it says nothing about this kind of act"),
        ('{ name = "ledger",', '{ name = "ledger", x = 1,', "unknown key `x`"),
        ('name = "look"', 'capture = { x = "body:a" }', "cannot capture `body:a`. Remedy: Use json,"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told_by_its_line(old: str, new: str, said: str) -> None:
    text = PAID.replace("TWIN", "faults = [{ status = 429 }]").replace("EXPECT", ONCE)
    assert old in text
    with pytest.raises(Mistakes) as told:
        scenario(text.replace(old, new, 1))
    assert said in str(told.value)


def set_by_hand(faults: dict[str, str], said: list[str] | None = None) -> Spoiling:
    """What operators have the twins of every run do."""

    async def say(_run: str, line: str) -> None:
        if said is not None:
            said.append(line)

    return Spoiling(lambda _run: faults, say)


async def test_a_twin_answers_as_an_operator_set_it_and_the_verdict_says_so(
    cells: ProcessCells, tmp_path: Path
) -> None:
    spoiling = set_by_hand({"ledger": "429", "bank": "500"})
    trajectory = await judged(cells, tmp_path, product=payer(tries=1), spoiling=spoiling)
    assert trajectory.satisfied is False, "what it made of it is seen"
    assert trajectory.faults == ("ledger 429",), "it has no bank"
    assert "status 429 (by a fault: 429 by an operator)" in evidence(trajectory)
    late = await judged(cells, tmp_path, expect='{ "count" = 1 }', spoiling=set_by_hand({"ledger": "latency=300"}))
    assert (late.satisfied, late.faults) == (True, ("ledger latency=300",)), evidence(late)
    assert late.seconds > 0.3


async def test_a_second_try_is_under_the_faults_of_the_first_too(
    cells: ProcessCells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever sets a fault that breaks a cell, and clears it, would choose what is drawn again."""
    faults, with_twins = {"ledger": "500"}, trajectory_._with_twins

    async def breaks(*told: Any) -> Trajectory:
        if faults:
            faults.clear()
            raise CellError("it went away")
        return await with_twins(*told)

    monkeypatch.setattr(trajectory_, "_with_twins", breaks)
    trajectory = await judged(cells, tmp_path, spoiling=set_by_hand(faults))
    assert (trajectory.satisfied, trajectory.faults) == (True, ("ledger 500",)), evidence(trajectory)


async def test_a_cell_that_could_not_be_told_is_told_when_it_is_joined_again(
    cells: ProcessCells, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = await cells.start(LABELS, Mould(hosts=("ledger",)))
    try:
        spoiling, plant, told = set_by_hand({}), cell.plant, list[str]()

        async def planted(entries: Sequence[Entry], *, annex: bool = False) -> None:
            told.append(entries[0].path)
            if len(told) == 1:
                raise CellError("it does not answer")
            await plant(entries, annex=annex)

        monkeypatch.setattr(cell, "plant", planted)
        with pytest.raises(CellError):
            await spoiling.join("tiny-1", cell, ["ledger"])
        await spoiling.join("tiny-1", cell, ["ledger"])
        assert len(told) == 2
    finally:
        await cell.close()


async def test_a_fault_that_is_set_while_a_product_asks_is_met_and_one_that_is_cleared_is_over(
    cells: ProcessCells, tmp_path: Path
) -> None:
    faults: dict[str, str] = {}
    spoiling = set_by_hand(faults)
    seen = tmp_path / "seen"
    (pay,) = payer()
    waits = Entry("pay.py", "file", data=WAITS.replace("SEEN", repr(str(seen))).encode() + (pay.data or b""))
    going = asyncio.create_task(judged(cells, tmp_path, product=[waits], spoiling=spoiling))
    await until(seen.exists)
    faults["ledger"] = "500"
    spoiling.heed("another run")
    spoiling.heed("tiny-1")
    await until(lambda: seen.read_text() == "500")
    faults.clear()
    spoiling.heed("tiny-1")
    trajectory = await going
    assert (trajectory.satisfied, trajectory.faults) == (True, ("ledger 500",)), evidence(trajectory)
    await spoiling.close()


async def test_whoever_set_it_hears_of_a_cell_that_could_not_be_told(cells: ProcessCells) -> None:
    said: list[str] = []
    spoiling = set_by_hand({}, said)
    cell = await cells.start(LABELS, Mould(hosts=("api.ledger.example",)))
    await spoiling.join("tiny-1", cell, ["ledger"])
    await cell.close()
    spoiling.heed("tiny-1")
    await until(lambda: bool(said))
    assert said[0].startswith("tiny-1: a cell was not told of what its twins are to do: ")


class InAFence:
    """A twin has an address and a user of its own, and the product can go no other way."""

    where = ""

    async def test_it_is_reached_by_its_name(self, fenced: Cells, tmp_path: Path) -> None:
        asked = ONCE[:-2] + f', "requests.0.headers.host" = "{self.where}" }}'
        trajectory = await judged(fenced, tmp_path, expect=asked)
        assert trajectory.satisfied, evidence(trajectory)

    @pytest.mark.parametrize(("code", "more"), [(SIX, ""), (AROUND, RESET)])
    async def test_a_product_that_goes_around_the_front_is_seen(
        self, fenced: Cells, tmp_path: Path, code: str, more: str
    ) -> None:
        pay = Entry("pay.py", "file", data=code.encode())
        sneaks = await judged(fenced, tmp_path, product=[pay], expect='{ "count" = 0 }', more=more)
        assert sneaks.satisfied is False
        assert sneaks.why == "it asked the twin ledger behind the address that it was given", evidence(sneaks)


@pytest.mark.docker
class TestDocker(InAFence):
    where = "api.ledger.example"

    @pytest.fixture
    async def fenced(self, docker_workspace: str, cell_image: str) -> AsyncIterator[DockerCells]:
        cells = DockerCells(connect(), docker_workspace, cell_image)
        yield cells
        assert await cells.sweep() == 0, "a cell was left behind"
        await cells.close()

    async def test_an_agent_finds_its_twin_after_its_engine_began_anew(
        self, fenced: DockerCells, docker_workspace: str, cell_image: str, tmp_path: Path
    ) -> None:
        twin = ledger(tmp_path / "twins")
        cell = await fenced.start(Labels(docker_workspace, "tiny-1", "agent"), Mould(hosts=(twin.host,)))
        await settle_in(cell, [twin])
        await cell.plant(payer())
        assert (await cell.run("python3 pay.py 5")).stdout == b"1 ch_1\n"
        await cell.detach()
        later = DockerCells(connect(), docker_workspace, cell_image)
        ((_, found),) = await later.adopt()
        assert (await found.run("python3 pay.py 6")).stdout == b"1 ch_2\n", "the same twin, and what it was told"
        faults = {"ledger": "500"}
        await set_by_hand(faults).join("tiny-1", found, ["ledger"])
        assert (await found.run("python3 pay.py 7")).exit == 1
        await found.detach()
        last = DockerCells(connect(), docker_workspace, cell_image)
        ((_, found),) = await last.adopt()
        assert (await found.run("python3 pay.py 7")).exit == 1, "a fault outlives its engine, as its twin does"
        faults.clear()
        await set_by_hand(faults).join("tiny-1", found, ["ledger"])
        assert (await found.run("python3 pay.py 7")).stdout == b"1 ch_3\n"
        await found.close()
        await later.close()
        await last.close()


class TestBubblewrap(InAFence):
    where = "api.ledger.example:8000"

    @pytest.fixture
    async def fenced(self, bubble: Bubble, tmp_path: Path) -> AsyncIterator[Cells]:
        cells = ProcessCells("w", tmp_path / "cells", bubble=bubble)
        yield cells
        assert await cells.sweep() == 0, "a cell was left behind"
