"""The time that a product sees, set and moved on by a scenario."""

from collections.abc import Sequence

import pytest

from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import Cells, Entry, Labels
from factory_tui.config.reading import Mistakes
from factory_tui.harness.draws import inputs
from factory_tui.harness.feedback import evidence
from factory_tui.harness.trajectory import Trajectory, run_trajectory
from tests.harness.product import scenario

WAYS = """
import calendar, datetime, json, time
from datetime import datetime as moment
from time import time as seconds
day = datetime.date.today()
utc = datetime.timezone.utc
ways = {
    "time": seconds(),
    "ns": time.time_ns() / 1e9,
    "gettime": time.clock_gettime(time.CLOCK_REALTIME),
    "now": moment.now().timestamp(),
    "aware": moment.now(utc).timestamp(),
    "utcnow": moment.utcnow().replace(tzinfo=utc).timestamp(),
    "today": moment.today().timestamp(),
    "localtime": time.mktime(time.localtime()),
    "gmtime": calendar.timegm(time.gmtime()),
    "ctime": time.mktime(time.strptime(time.ctime())),
    "asctime": time.mktime(time.strptime(time.asctime())),
    "strftime": time.mktime(time.strptime(time.strftime("%Y-%m-%d %H:%M:%S"), "%Y-%m-%d %H:%M:%S")),
}
print(json.dumps({
    "spread": max(ways.values()) - min(ways.values()),
    "day": str(moment.now(utc).date()),
    "ways": ways,
    "same": isinstance(moment.now(), datetime.datetime) and repr(datetime.datetime(2020, 1, 1)),
    "gone": time.monotonic() > 0 and time.strftime("%Y", time.gmtime(0)),
}))
"""
TOKEN = """
import http.server, os, time
until = time.time() + 3600
class Door(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if time.time() < until else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *words): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Door).serve_forever()
"""
SET = """
kind = "edge"
set = "vault"
story = "given a day, when the product is asked for it, then it says that day, and later the next one"
clock = "{day}T12:00:00Z"
[draw]
day = { kind = "choice", of = ["2024-02-29", "1999-12-31"] }
[let]
next = '"2024-03-01" if day == "2024-02-29" else "2000-01-01"'
[[service]]
name = "door"
command = "python3 token.py"
[[act]]
run = { command = "python3 ways.py" }
[act.expect]
json = { day = "{day}", spread = { max = 2 }, same = "datetime.datetime(2020, 1, 1, 0, 0)", gone = "1970" }
[[act]]
http = { service = "door", path = "/" }
expect = { status = 200 }
[[act]]
clock = "+ 1 d"
[[act]]
run = { command = "python3 ways.py" }
expect = { json = { day = "{next}", spread = { max = 2 } } }
[[act]]
http = { service = "door", path = "/" }
expect = { status = 401 }
"""
TREE = [Entry("ways.py", "file", data=WAYS.encode()), Entry("token.py", "file", data=TOKEN.encode())]


async def told(cells: Cells, text: str = SET, *, more: Sequence[Entry] = ()) -> Trajectory:
    what, labels = scenario(text), Labels("w", "tiny-1", "trajectory", 1)
    return await run_trajectory(cells, labels, [*TREE, *more], what, inputs(what, "tiny-1", 1, 0), timeout=60)


async def test_commands_and_services_see_the_time_that_is_set_and_moved_on(cells: ProcessCells) -> None:
    trajectory = await told(cells)
    assert trajectory.satisfied, evidence(trajectory)


@pytest.mark.parametrize("path", [".clock", ".clock/datetime.py"])
async def test_no_product_keeps_its_clock_from_being_set(cells: ProcessCells, path: str) -> None:
    text = SET.replace("[[act]]", '[[act]]\nrun = { command = "exit 3" }\n[[act]]', 1)
    trajectory = await told(cells, text, more=[Entry(path, "file", data=b"raise SystemExit")])
    assert trajectory.satisfied is False, trajectory.why
    assert "exit: wanted 0, observed 3" in trajectory.why


@pytest.mark.docker
async def test_the_time_is_set_in_a_container_too(docker_workspace: str, cell_image: str) -> None:
    fenced = DockerCells(connect(), docker_workspace, cell_image)
    try:
        trajectory = await told(fenced)
    finally:
        await fenced.close()
    assert trajectory.satisfied, evidence(trajectory)


async def test_a_cell_whose_python_takes_no_clock_makes_it_void(
    cells: ProcessCells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("factory_tui.harness.clocks._SOURCE", "")
    trajectory = await told(cells)
    assert trajectory.satisfied is None
    assert "the clock of the cell cannot be set. Remedy: " in trajectory.why


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"{day}T12', '"{today}T12', "clock: {today} is not drawn"),
        ('"{day}T12:00:00Z"', '"2024-02-29T12:00:00"', "clock: `2024-02-29T12:00:00` is no time"),
        ('clock = "{day}', 'reviewed_for = "{day}', "an act moves a clock that is not set"),
        ('"+ 1 d"', '"+ 1 week"', "act[2].clock: `+ 1 week` is no time"),
    ],
)
def test_a_mistake_in_a_clock_is_told(old: str, new: str, said: str) -> None:
    with pytest.raises(Mistakes) as caught:
        scenario(SET.replace(old, new))
    assert said in str(caught.value)
