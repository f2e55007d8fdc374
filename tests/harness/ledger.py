"""A tiny real twin, a ledger of charges, and a product that charges by it."""

import textwrap
from pathlib import Path

from factory_tui.cells.protocol import Entry
from factory_tui.config.twin import Twin, load_twin

TWIN = """
import http.server, json, os, sys
state = {"charges": []}
if os.environ.get("TWIN_DATA"):
    state.update(json.load(open(os.environ["TWIN_DATA"])))
if state.get("refuse"):
    sys.exit("no such data: " + state["refuse"])
class Door(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/crash":
            os._exit(3)
        if self.path == "/break":
            return self.answer(500, {"error": "a bug of mine"})
        self.answer(200, {"data": state["charges"], "count": len(state["charges"]), "at": os.times().elapsed})
    def do_POST(self):
        data = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if data["amount"] <= 0:
            return self.answer(402, {"error": {"code": "amount_too_small"}})
        charge = {"id": f"ch_{len(state['charges']) + 1}", "amount": data["amount"], "host": self.headers["Host"]}
        state["charges"].append(charge)
        self.answer(201, charge)
    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *words): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Door).serve_forever()
"""
TOML = """
host = "api.ledger.example"
command = "python3 twin.py"
document = "openapi.json"
ready = { path = "/charges", timeout = 10 }
volatile = ["at"]
"""
PAY = """
import json, os, sys, urllib.error, urllib.request
url, amount = os.environ["LEDGER_URL"], int(sys.argv[1])
def ask(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url + path, data=data), timeout=0.7) as answer:
        return json.load(answer)
for attempt in range(1, TRIES + 1):
    try:
        done = [ask("/charges", {"amount": amount}) for _ in range(CHARGES)]
        print(attempt, done[0]["id"])
        sys.exit(0)
    except urllib.error.HTTPError as error:
        if error.code not in (429, 500, 502):
            sys.exit(f"refused with {error.code}")
        print("status", error.code, error.headers.get("retry-after"), file=sys.stderr)
    except OSError as error:
        print("no answer", file=sys.stderr)
sys.exit("gave up")
"""
AROUND = """
import json, os, urllib.request
rows = [line.split() for line in open("/proc/net/tcp")][1:]
ports = {int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A"}
for port in ports:
    try:
        body = json.dumps({"amount": 1}).encode()
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/charges", data=body)
        print(1, json.load(urllib.request.urlopen(asked, timeout=2))["id"])
    except (OSError, ValueError):
        continue
"""
"""A product that looks for the twin's own port."""


RAW = """
import os, socket, urllib.parse
door = urllib.parse.urlsplit(os.environ["LEDGER_URL"])
line = socket.create_connection((door.hostname, door.port), 5)
line.sendall(b"REQUEST\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
print(line.makefile("rb").readline().split()[1].decode())
"""
"""What a product says that speaks HTTP itself, and badly."""


def ledger(twins: Path, code: str = TWIN, toml: str = TOML) -> Twin:
    """The twin, as it lies in the folder `twins`."""
    folder = twins / "ledger"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "twin.py").write_text(textwrap.dedent(code))
    (folder / "openapi.json").write_text("{}")
    (folder / "twin.toml").write_text(toml)
    return load_twin(twins, "ledger")


def payer(tries: int = 3, charges: int = 1, first: str = "") -> list[Entry]:
    """A product that charges an amount; `first` is the path of the twin that it asks before that."""
    code = PAY.replace("TRIES", str(tries)).replace("CHARGES", str(charges))
    if first:
        code = f'import os, urllib.request\nurllib.request.urlopen(os.environ["LEDGER_URL"] + "{first}")\n' + code
    return [Entry("pay.py", "file", data=code.encode())]
