"""Small products, honest ones, for the worked examples in docs/scenarios.md."""

from factory_tui.cells.protocol import Entry

WORDS = """
import argparse, collections, sys
parser = argparse.ArgumentParser(description="Reads words from stdin, prints the most frequent with their counts.")
parser.add_argument("--top", type=int, default=10, help="how many to print")
top = parser.parse_args().top
for word, count in collections.Counter(sys.stdin.read().split()).most_common(top):
    print(count, word)
"""
ORDERS = """
import csv, json, sys
from decimal import Decimal
with open(sys.argv[1], encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))
total = sum(int(row["qty"]) * Decimal(row["price"]) for row in rows)
print(json.dumps({"orders": len(rows), "sum": {"total": float(total), "currency": "EUR"}}))
"""
NOTES = """
import hashlib, http.server, json, os
notes = {}
class Door(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.removeprefix("/notes").strip("/")
        if not name:
            return self.answer(200, [{"id": key, **note} for key, note in notes.items()])
        self.answer(200, notes[name]) if name in notes else self.answer(404, {"error": "no such note"})
    def do_POST(self):
        name = f"n{len(notes) + 1}"
        notes[name] = self.body()
        self.answer(201, {"id": name, **notes[name]})
    def do_PUT(self):
        notes[self.path.rpartition("/")[2]] = self.body()
        self.answer(200, {})
    def do_DELETE(self):
        self.answer(405, {"error": "not here"}, Allow="GET, POST")
    def body(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))
    def answer(self, status, body, **headers):
        data = json.dumps(body).encode()
        etag = '"' + hashlib.sha256(data).hexdigest()[:8] + '"'
        if self.headers.get("If-None-Match") == etag:
            status, data = 304, b""
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "ETag": etag, **headers}.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Door).serve_forever()
"""
SPLIT = """
import csv, json, os, sys
with open(sys.argv[1], encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))
os.makedirs(sys.argv[2])
with open(f"{sys.argv[2]}/summary.jsonl", "w") as summary:
    for country in sorted({row["country"] for row in rows}):
        mine = [row for row in rows if row["country"] == country]
        with open(f"{sys.argv[2]}/{country}.csv", "w", newline="") as file:
            out = csv.DictWriter(file, rows[0].keys())
            out.writeheader()
            out.writerows(mine)
        print(json.dumps({"country": country, "orders": len(mine)}), file=summary)
"""
MENU = """
import os, termios, tty
drinks, at = ["coffee", "tea", "water"], 0
before = termios.tcgetattr(0)
tty.setraw(0)
print(end="\\x1b[?1049h\\x1b[HWhat would you like?", flush=True)
while True:
    for row, drink in enumerate(drinks):
        print(end=f"\\x1b[{row + 2};1H{'>' if row == at else ' '} {drink}", flush=True)
    key = os.read(0, 3)
    if key == b"\\r":
        break
    at = min(at + (key == b"\\x1b[B"), 2)
print(end="\\x1b[?1049l", flush=True)
termios.tcsetattr(0, termios.TCSADRAIN, before)
open("order.txt", "w").write(drinks[at] + "\\n")
print("ordered", drinks[at])
"""
PAY = """
import json, os, sys, time, urllib.error, urllib.request
charge = {"amount": int(sys.argv[1]), "currency": "eur", "source": "tok_visa"}
headers = {"Authorization": f"Bearer {os.environ['PAYMENTS_KEY']}", "Content-Type": "application/json"}
for attempt in range(3):
    asked = urllib.request.Request(os.environ["PAYMENTS_URL"] + "/v1/charges", json.dumps(charge).encode(), headers)
    try:
        with urllib.request.urlopen(asked, timeout=5) as answer:
            print("paid", json.load(answer)["id"])
            sys.exit(0)
    except urllib.error.HTTPError as error:
        if error.code != 429:
            sys.exit(f"not paid: {error.read().decode()}")
        time.sleep(int(error.headers["Retry-After"]))
sys.exit("not paid")
"""
LEASE = """
import datetime, http.server, json, os
lease = {}
class Door(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        lease["until"] = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        self.answer(201, {"until": lease["until"].isoformat()})
    def do_GET(self):
        here = lease and datetime.datetime.now(datetime.timezone.utc) < lease["until"]
        self.answer(200 if here else 410, {})
    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *words): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Door).serve_forever()
"""
PRODUCT = [
    Entry(name, "file", data=source.encode())
    for name, source in {
        "words.py": WORDS,
        "orders.py": ORDERS,
        "notes.py": NOTES,
        "split.py": SPLIT,
        "menu.py": MENU,
        "pay.py": PAY,
        "lease.py": LEASE,
    }.items()
]
