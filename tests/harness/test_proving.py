"""Properties: many drawn cases in one trajectory, and the smallest input that fails."""

import re
from base64 import b64decode
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import Entry, Labels
from factory_tui.config.reading import Mistakes
from factory_tui.harness.draws import draw_all, inputs
from factory_tui.harness.feedback import evidence
from factory_tui.harness.shapes import (
    BytesDraw,
    ChoiceDraw,
    DateDraw,
    Draw,
    IntDraw,
    MoneyDraw,
    TableDraw,
    TextDraw,
    UrlDraw,
    WordDraw,
)
from factory_tui.harness.shrinking import simpler
from factory_tui.harness.trajectory import Trajectory, run_trajectory
from tests.harness.product import scenario

KEEPER = """
import http.server, json, os
kept = []
class Door(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        data = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        FAULT
        kept.append(data)
        self.answer({"at": len(kept) - 1})
    def do_GET(self):
        self.answer(kept[int(self.path[1:])] if self.path != "/" else {})
    def answer(self, body):
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *words): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Door).serve_forever()
"""
KEEPS = """
kind = "main"
set = "vault"
story = "given a keeper, when anything is put in, then it comes out as it was, whatever else was put in before"
[[service]]
name = "keeper"
command = "python3 keeper.py"
[[act]]
name = "what goes in comes out"
[act.property]
times = 40
[act.property.for_all]
note = { kind = "text", max = 20 }
count = { kind = "int", max = 100 }
[act.property.let]
double = "count * 2"
[[act.property.act]]
http = { service = "keeper", method = "POST", path = "/", json = { note = "{note}", double = "{double}" } }
capture = { at = "json:at" }
[[act.property.act]]
http = { service = "keeper", path = "/{at}" }
expect = { json = { "" = { equals = { note = "{note}", double = "{double}" } } } }
"""


async def kept(cells: ProcessCells, fault: str = "pass", text: str = KEEPS, index: int = 0) -> Trajectory:
    what = scenario(text)
    entries = [Entry("keeper.py", "file", data=KEEPER.replace("FAULT", fault).encode())]
    drawn = inputs(what, "tiny-1", 1, index)
    return await run_trajectory(cells, Labels("w", "tiny-1", "trajectory", 1), entries, what, drawn, timeout=30)


async def test_a_property_that_holds_is_one_step(cells: ProcessCells) -> None:
    trajectory = await kept(cells)
    assert trajectory.satisfied, evidence(trajectory)
    assert [(step.asked, step.answered) for step in trajectory.steps] == [("for all note, count", "held in 40 cases")]


async def test_the_smallest_input_that_fails_is_told(cells: ProcessCells) -> None:
    trajectory = await kept(cells, 'data["double"] = min(data["double"], 84)')
    assert trajectory.satisfied is False
    told = evidence(trajectory)
    assert 'observed fails for note = "a", count = 43 (case ' in told
    assert 'got: status 200 {"note": "a", "double": 84}' in told
    assert 0 < trajectory.near_miss < 1


async def test_each_trajectory_draws_cases_of_its_own_and_the_same_ones_again(cells: ProcessCells) -> None:
    assert scenario(KEEPS).drawn
    fault = 'data["note"] = data["note"].replace("a", "")'
    first, again, other = [(await kept(cells, fault, index=index)).why for index in (0, 0, 1)]
    assert first == again
    assert first.split("(")[1] != other.split("(")[1]


async def test_a_product_that_the_case_ends_is_not_asked_for_a_smaller_one(cells: ProcessCells) -> None:
    trajectory = await kept(cells, 'data["note"].isascii() or os._exit(1)')
    assert "no response: " in trajectory.why
    drawn = re.search('fails for note = "(.*)", count', trajectory.why)
    assert drawn
    assert not drawn[1].isascii()


async def test_a_scenario_that_fails_on_its_own_draws_is_void(cells: ProcessCells) -> None:
    trajectory = await kept(cells, text=KEEPS.replace("count * 2", "1 / (count - count)"))
    assert trajectory.satisfied is None
    assert trajectory.why.startswith("the let of a property failed on these draws: ")


async def test_a_smaller_input_that_makes_no_sense_does_not_void_what_failed(cells: ProcessCells) -> None:
    trajectory = await kept(cells, 'data["double"] = 0', KEEPS.replace("count * 2", "100 / count"))
    assert trajectory.satisfied is False
    assert "count = 1 (case " in trajectory.why


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("count * 2", "cont * 2", "act[0].property.let.double: unknown cont"),
        ('path = "/{at}"', 'path = "/{ate}"', "{ate} is not drawn"),
        ("max = 100 }", "max = -1 }", "min is above max"),
        ('http = { service = "keeper", path', 'http = { service = "keper", path', "service `keper` is not declared"),
        ("times = 40", "times = 0", "act[0].property.times"),
    ],
)
def test_a_mistake_in_a_property_is_told_by_its_place(old: str, new: str, said: str) -> None:
    assert old in KEEPS
    with pytest.raises(Mistakes) as caught:
        scenario(KEEPS.replace(old, new))
    assert said in str(caught.value)


DRAWS: dict[str, Draw] = {
    "n": IntDraw(min=-50, max=1000),
    "m": MoneyDraw(),
    "w": WordDraw(),
    "t": TextDraw(min=2),
    "c": ChoiceDraw(of=[3, 1, 2]),
    "u": UrlDraw(),
    "d": DateDraw(),
    "b": BytesDraw(),
    "rows": TableDraw(columns={"n": IntDraw(), "t": TextDraw()}, rows=(1, 5)),
}


@settings(deadline=None, max_examples=30)
@given(st.integers())
def test_what_is_simpler_could_have_been_drawn_and_ends_at_the_least_of_everything(seed: int) -> None:
    values, steps = draw_all(DRAWS, Random(seed)), 0
    while (found := list(simpler(DRAWS, values))) and steps < 300:
        for other in found:
            assert -50 <= other["n"] <= 1000
            assert other["m"] >= Decimal("0.01")
            assert len(other["w"]) >= 4
            assert len(other["t"]) >= 2
            assert other["t"] == other["t"].strip()
            assert 1 <= len(other["rows"]) <= 5
        values, steps = found[steps % 2 and -1], steps + 1
    least = {"n": 0, "m": Decimal("0.01"), "w": "aaaa", "t": "aa", "c": 3, "d": "2020-01-01"}
    assert {name: values[name] for name in least} == least
    assert values["rows"] == [{"n": 0, "t": "a"}]
    assert len(b64decode(values["b"])) == 8
