"""Every worked example in docs/scenarios.md is a scenario, and judges a product as it says."""

import re
from pathlib import Path

import pytest

from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import Entry, Labels
from factory_tui.config.twin import load_twin
from factory_tui.harness.corpus import load_corpus
from factory_tui.harness.draws import inputs
from factory_tui.harness.feedback import evidence
from factory_tui.harness.trajectory import Trajectory, run_trajectory
from tests.harness.examples import PRODUCT
from tests.harness.product import scenario

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scenarios.md").read_text("utf-8").partition("\n## Worked examples\n")[2].partition("\n## ")[0]
EXAMPLES = dict(re.findall(r"^### (.*?)\n.*?^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


async def judged(cells: ProcessCells, title: str, product: list[Entry]) -> Trajectory:
    what = scenario(EXAMPLES[title])
    twins = [load_twin(ROOT / "twins", one.name) for one in what.twins]
    labels = Labels("w", "tiny-1", "trajectory", 1)
    drawn = inputs(what, "tiny-1", 1, 0)
    return await run_trajectory(cells, labels, product, what, drawn, timeout=60, twins=twins)


def test_there_is_one_for_each_thing() -> None:
    files = [scenario(text) for text in EXAMPLES.values()]
    assert len(files) >= 10
    acts = [act for one in files for act in one.acts]
    for kind in ("run", "http", "terminal", "property", "twin", "clock"):
        assert any(getattr(act, kind) is not None for act in acts), kind
    assert any(one.judge for one in files)
    assert {one.kind for one in files} == {"main", "edge", "adversarial"}


def test_together_they_are_a_corpus_that_a_run_can_begin_with(tmp_path: Path) -> None:
    (folder := tmp_path / "scenarios" / "examples").mkdir(parents=True)
    (tmp_path / "twins").symlink_to(ROOT / "twins")
    for number, text in enumerate(EXAMPLES.values()):
        (folder / f"{number}.toml").write_text(text)
    corpus = load_corpus(folder, "examples")
    assert [str(one.problem) for one in corpus.problems if one.level == "error"] == []


@pytest.mark.parametrize("title", EXAMPLES)
async def test_an_honest_product_satisfies_it(cells: ProcessCells, title: str) -> None:
    trajectory = await judged(cells, title, PRODUCT)
    assert trajectory.satisfied, evidence(trajectory)


@pytest.mark.chaos
@pytest.mark.parametrize("title", EXAMPLES)
async def test_a_product_that_answers_yes_to_everything_does_not(cells: ProcessCells, title: str) -> None:
    yes = [Entry(entry.path, "file", data=YES.encode()) for entry in PRODUCT]
    trajectory = await judged(cells, title, yes)
    assert trajectory.satisfied is False


YES = """
import http.server, os, sys
class Door(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
    do_POST = do_PUT = do_DELETE = do_GET
    def log_message(self, *words): pass
if "PORT" in os.environ:
    http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Door).serve_forever()
print("{}")
"""
