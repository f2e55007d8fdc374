"""The bundled loop of twins: it is sound, and its checkpoint compares what a twin answers with its document."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from factory_tui.pipeline import Graph, Severity, lint, prepare
from tests.pipeline.loops import HANDLERS, after
from tests.pipeline.test_factory_loop import NEEDED, target

SOURCE = Path(__file__).parents[2] / "loops" / "twin.dot"
NOTE = {"type": "object", "required": ["id", "text"], "additionalProperties": False} | {
    "properties": {"id": {"type": "string", "pattern": "^n"}, "text": {"$ref": "#/components/schemas/Text"}}
}
KEYED = {"401": {"description": "no key"}, "404": {"description": "not there"}}


def content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


DOCUMENT = {
    "openapi": "3.1.0",
    "security": [{"key": []}],
    "paths": {
        "/notes": {
            "post": {
                "requestBody": {"content": {"application/json": {"example": {"text": "hello"}}}},
                "responses": {"201": content(NOTE), "400": {"description": "malformed"}, **KEYED},
            }
        },
        "/notes/{id}": {"get": {"responses": {"200": content(NOTE), **KEYED}}},
    },
    "components": {
        "schemas": {"Text": {"type": "string"}},
        "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "x-example": "good"}},
    },
}
TWIN = """
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.keyed():
            self.answer(201, {"id": "n1", "text": asked["text"]}) if isinstance(asked, dict) else self.answer(400, {})
    def do_GET(self):
        if self.keyed():
            self.answer(200, {"id": "n1", "text": "hello"}) if self.path == "/notes/n1" else self.answer(404, {})
    def keyed(self):
        good = self.headers["Authorization"] == "Bearer good"
        return good or self.answer(401, {})
    def answer(self, status, document):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())
    def log_message(self, *words): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
TOML = 'host = "notes.example"\ncommand = "exec python3 -I -S twin.py"\ndocument = "api.json"\n'


@pytest.fixture(scope="module")
def twin() -> Graph:
    return prepare(SOURCE.read_text(), "loops/twin.dot", NEEDED)


def conforms(loop: Graph, tree: Path, twin: str = TWIN, toml: str = TOML, document: str = "") -> tuple[int, str]:
    for name, text in (("twin.py", twin), ("twin.toml", toml), ("api.json", document or json.dumps(DOCUMENT))):
        (tree / name).write_text(text)
    command = loop.nodes["conforms"].command
    done = subprocess.run(command, shell=True, cwd=tree, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_nothing_is_to_be_said_against_it(twin: Graph) -> None:
    assert lint(twin, HANDLERS) == []
    assert not [found for found in lint(twin, NEEDED) if found.severity is not Severity.INFO]


def test_a_satisfying_pass_is_compared_with_its_document_before_it_is_judged(twin: Graph) -> None:
    walk = ["start"]
    while walk[-1] != "exit":
        walk.append(target(after(twin, walk[-1], context={"outcome": "success"})))
    assert walk[2:7] == ["byte_compile", "unit_tests", "conforms", "harness", "satisfied"]
    assert walk[7:] == ["ship", "exit"]


def test_a_twin_that_answers_as_its_document_says_conforms(twin: Graph, tmp_path: Path) -> None:
    assert conforms(twin, tmp_path) == (0, "0 differences between 5 answers and api.json\n")


def test_what_differs_from_the_document_is_named(twin: Graph, tmp_path: Path) -> None:
    faulty = TWIN
    for old, new in (
        ("self.answer(400, {})", "self.answer(422, {})"),
        ('{"id": "n1", "text": asked["text"]}', '{"id": "n1", "text": 7, "by": "me"}'),
        ('{"id": "n1", "text": "hello"}', '{"id": "m1"}'),
    ):
        assert faulty.count(old) == 1
        faulty = faulty.replace(old, new)
    code, said = conforms(twin, tmp_path, faulty)
    assert code == 1
    assert said.splitlines() == [
        "POST /notes with [] -> 422, wanted 400, 401, 404",
        'POST /notes with {"text": "hello"} -> 201: body.text is 7',
        'POST /notes with {"text": "hello"} -> 201: body.by is not in the document',
        "GET /notes/n1 -> 200: body.text is missing",
        "GET /notes/n1 -> 200: body.id does not match ^n",
        "5 differences between 5 answers and api.json",
    ]


def test_a_twin_that_asks_for_no_key_does_not_conform(twin: Graph, tmp_path: Path) -> None:
    code, said = conforms(twin, tmp_path, TWIN.replace('"Bearer good"', '"Bearer good" or True'))
    assert code == 1
    assert 'POST /notes with {"text": "hello"} -> 201, wanted 401' in said.splitlines()


def test_a_twin_that_cannot_be_hosted_does_not_conform(twin: Graph, tmp_path: Path) -> None:
    assert conforms(twin, tmp_path, toml='host = "notes.example"\n') == (1, "twin.toml lacks command, document\n")
    code, said = conforms(twin, tmp_path, "import sys; sys.exit(3)")
    assert (code, said) == (1, "the twin does not listen at PORT: exec python3 -I -S twin.py\n")


def test_a_document_in_words_is_left_to_the_scenarios(twin: Graph, tmp_path: Path) -> None:
    code, said = conforms(twin, tmp_path, "", document="# Notes\n\nPOST /notes makes one.\n")
    assert (code, said) == (0, "api.json is in words: scenarios alone compare the twin with it\n")
