"""A tiny real product for the harness to judge: an HTTP counter and a command that sums, with faults to plant."""

import asyncio
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from factory_tui.cells.protocol import Entry
from factory_tui.domain.events import AnyFact, VerdictReached
from factory_tui.domain.live import LiveFrame
from factory_tui.domain.state import Pass, Run
from factory_tui.harness.corpus import Corpus
from factory_tui.harness.scenario import parse
from factory_tui.harness.shapes import Scenario

APP = """
import http.server, json, os, sys
seen = {}
class Door(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path[1:]
        seen[name] = seen.get(name, 0) + STEP
        self.answer(200, {"name": name, "count": seen[name]})
    def do_POST(self):
        data = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        print("asked for", data, file=sys.stderr, flush=True)
        self.answer(201, {"echo": data["note"]})
    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Kind", "counter")
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *words): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Door).serve_forever()
"""
SUM = """
import csv, json, os, sys
from decimal import Decimal
rows = list(csv.DictReader(open("in.csv", encoding="utf-8", newline="")))
os.makedirs("out", exist_ok=True)
with open("out/rows.jsonl", "w", encoding="utf-8") as file:
    for row in rows:
        file.write(json.dumps({"name": row["name"], "qty": int(row["qty"])}, ensure_ascii=False) + "\\n")
total = sum(int(row["qty"]) * Decimal(row["price"]) for row in rows) + SLIP
json.dump({"total": float(total)}, open("out/summary.json", "w"))
print(len(rows))
"""

COUNT = """
kind = "main"
set = "feedback"
story = "given a counter, when a name is asked for n times, then it counts n"
[draw]
name = { kind = "word" }
n = { kind = "int", min = 1, max = 4 }
[[service]]
name = "app"
command = "python3 app.py"
ready = { path = "/ready" }
[[act]]
http = { service = "app", path = "/{name}" }
repeat = "{n}"
[act.expect]
status = 200
[[act]]
name = "look"
http = { service = "app", path = "/{name}" }
capture = { heard = "json:name" }
[act.expect]
json = { "count" = "{after}", "name" = "{name}" }
headers = { x-kind = "counter" }
within = 5.0
"""
COUNT = COUNT.replace("[[service]]", "[let]\nafter = 'n + 1'\n[[service]]")
ECHO = """
kind = "edge"
set = "vault"
story = "given a counter, when a note with anything in it is sent, then the very same note comes back to the user"
[draw]
note = { kind = "text", min = 5 }
[[service]]
name = "app"
command = "python3 app.py"
[[act]]
http = { service = "app", method = "POST", path = "/", json = { note = "{note}" } }
[act.expect]
status = 201
json = { "echo" = "{note}" }
"""
TOTAL = """
kind = "adversarial"
set = "vault"
story = "given orders in a file with quotes and commas, when they are summed, then rows and total are exact"
[draw]
[draw.rows]
kind = "table"
rows = [1, 6]
columns = { name = { kind = "text", breaks = true }, qty = { kind = "int" }, price = { kind = "money" } }
[let]
total = 'sum(row["qty"] * row["price"] for row in rows)'
file = 'csv(rows)'
clean = '[{"name": row["name"], "qty": row["qty"]} for row in rows]'
[[act]]
name = "sum"
run = { command = "python3 sum.py", files = { "in.csv" = "{file}" } }
[act.expect]
stdout = { regex = "^[0-9]+\\\\s*$" }
[act.expect.files]
"out/summary.json" = { json = { "total" = { near = "{total}", tolerance = 0.005 } } }
"out/rows.jsonl" = { jsonl = "{clean}" }
"""


def scenario(text: str, name: str = "one") -> Scenario:
    return parse(text, f"scenarios/tiny/{name}.toml")


def corpus(**texts: str) -> Corpus:
    texts = texts or {"count": COUNT, "echo": ECHO, "total": TOTAL}
    return Corpus("tiny", tuple(scenario(text, name) for name, text in texts.items()), "c0ffee")


def product(step: str = "1", slip: str = "0", app: str = APP) -> list[Entry]:
    """The product's tree; `step` and `slip` are expressions where faults go."""
    return [
        Entry("app.py", "file", data=textwrap.dedent(app).replace("STEP", step).encode()),
        Entry("sum.py", "file", data=textwrap.dedent(SUM).replace("SLIP", slip).encode()),
    ]


def run(ship_at: float = 0.5, max_trajectories: int = 40, alpha: float = 0.1, max_passes: int = 2) -> Run:
    return Run(
        id="tiny-1",
        seed="tiny",
        revision="r",
        corpus="c0ffee",
        loop="factory",
        dot="",
        model="m",
        ledger="rehearsal",
        owner="ada",
        ship_at=ship_at,
        alpha=alpha,
        max_passes=max_passes,
        max_trajectories=max_trajectories,
        cap=Decimal(1),
        scenarios=(),
        unfenced=True,
        queued_at=0,
        passes=(Pass(1, "r", commit="abc"),),
    )


@dataclass
class Notes:
    """A scribe that keeps what it is told."""

    run: str = "tiny-1"
    facts: list[AnyFact] = field(default_factory=list)
    stop_after: int = 0
    judged: asyncio.Event = field(default_factory=asyncio.Event)

    async def record(self, *facts: AnyFact) -> None:
        self.facts += facts
        if self.verdicts:
            self.judged.set()
        if self.stop_after and len(self.verdicts) >= self.stop_after:
            raise KilledError

    def show(self, frame: LiveFrame) -> None:
        raise AssertionError("a visit shows nothing")

    @property
    def verdicts(self) -> Sequence[VerdictReached]:
        return [fact for fact in self.facts if isinstance(fact, VerdictReached)]


class KilledError(Exception):
    """The engine was killed while it wrote."""
