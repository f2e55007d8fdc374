"""The bundled loop: it is sound, it walks as drawn, and its checkpoints fail closed."""

import subprocess
from pathlib import Path

import pytest

from factory_tui.pipeline import Finish, Go, Graph, Severity, Status, lint, prepare
from tests.pipeline.loops import HANDLERS, after

SOURCE = Path(__file__).parents[2] / "loops" / "factory.dot"
NEEDED = frozenset({"start", "exit", "codergen", "conditional", "checkpoint", "harness", "ship"})

PASSING = "import unittest\nclass T(unittest.TestCase):\n    def test_it(self): self.assertTrue({truth})\n"


@pytest.fixture(scope="module")
def factory() -> Graph:
    return prepare(SOURCE.read_text(), "loops/factory.dot", NEEDED)


def target(found: object) -> str:
    assert isinstance(found, Go), found
    return found.target


def test_nothing_is_to_be_said_against_it(factory: Graph) -> None:
    assert lint(factory, HANDLERS) == []
    assert not [found for found in lint(factory, NEEDED) if found.severity is not Severity.INFO]


def test_a_satisfying_pass_walks_from_start_to_ship(factory: Graph) -> None:
    walk = ["start"]
    context: dict[str, object] = {"outcome": "success"}
    while walk[-1] != "exit":
        walk.append(target(after(factory, walk[-1], context=context)))
    assert walk == ["start", "generate", "byte_compile", "unit_tests", "harness", "satisfied", "ship", "exit"]


@pytest.mark.parametrize("checkpoint", ["byte_compile", "unit_tests"])
def test_a_failed_checkpoint_goes_back_and_closes_the_pass_only_when_its_retries_are_spent(
    factory: Graph, checkpoint: str
) -> None:
    steps = [after(factory, checkpoint, Status.FAIL, attempt=attempt) for attempt in (1, 2, 3, 4)]
    assert [target(found) for found in steps] == ["generate"] * 4
    assert [found.ends_pass for found in steps if isinstance(found, Go)] == [False, False, False, True]


@pytest.mark.parametrize("status", [Status.FAIL, Status.PARTIAL_SUCCESS])
def test_an_unsatisfied_harness_closes_the_pass_and_leads_back_to_generate(factory: Graph, status: Status) -> None:
    found = after(factory, "harness", status)
    assert isinstance(found, Go)
    assert found.ends_pass
    assert target(after(factory, found.target, context={"outcome": str(status)})) == "generate"


def test_a_refusal_to_ship_ends_the_run_without_success(factory: Graph) -> None:
    found = after(factory, "ship", Status.FAIL)
    assert isinstance(found, Finish)
    assert not found.success


def run(factory: Graph, node: str, tree: Path) -> int:
    done = subprocess.run(
        factory.nodes[node].command, shell=True, cwd=tree, capture_output=True, check=False, timeout=60
    )
    return done.returncode


def test_byte_compile_finds_a_syntax_error_and_leaves_no_trace(factory: Graph, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print('fine')\n")
    assert run(factory, "byte_compile", tmp_path) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["app.py"]
    (tmp_path / "app.py").write_text("def broken(:\n")
    assert run(factory, "byte_compile", tmp_path) != 0


@pytest.mark.parametrize("package", [True, False])
@pytest.mark.parametrize("truth", [True, False])
def test_unit_tests_say_what_the_tests_say(factory: Graph, tmp_path: Path, truth: bool, package: bool) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tmp_path / "app.py").write_text("ANSWER = 42\n")
    if package:
        (tests / "__init__.py").touch()
    (tests / "test_app.py").write_text("import app\n" + PASSING.format(truth=truth))
    assert (run(factory, "unit_tests", tmp_path) == 0) == truth


def test_unit_tests_fail_without_a_folder_without_a_test_and_with_skips_only(factory: Graph, tmp_path: Path) -> None:
    assert run(factory, "unit_tests", tmp_path) != 0
    tests = tmp_path / "tests"
    tests.mkdir()
    assert run(factory, "unit_tests", tmp_path) != 0
    (tests / "test_app.py").write_text(
        PASSING.format(truth=True).replace("    def", "    @unittest.skip('no')\n    def")
    )
    assert run(factory, "unit_tests", tmp_path) != 0
