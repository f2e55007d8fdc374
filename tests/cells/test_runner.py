"""How the runner travels into a cell."""

from __future__ import annotations

import ast
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from factory_tui.cells import runner
from factory_tui.cells.runner.files import keyed

LONG = 4096

modules = sorted(Path(runner.__file__).parent.glob("[!_]*.py"))


def test_no_argument_is_long_since_whoever_starts_a_cell_copies_it_many_times() -> None:
    config = {"work": "/work", "uid": 1000, "gid": 1000, "leave": False, "env": {}}
    given = runner.arguments(config)
    assert sum(map(len, given)) < LONG
    assert runner.arguments(config) == given


@pytest.mark.parametrize("module", modules, ids=lambda path: path.stem)
def test_its_modules_can_be_read_by_the_oldest_python_of_a_cell(module: Path) -> None:
    ast.parse(module.read_text("utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize("unfit", [{"algorithm": "fnv"}, {"cutoff": 7}])
def test_where_pythons_own_hash_is_not_keyed_throughout_the_runner_has_one_that_is(
    monkeypatch: pytest.MonkeyPatch, unfit: dict[str, object]
) -> None:
    monkeypatch.setattr(sys, "hash_info", SimpleNamespace(**{"algorithm": "siphash13", "cutoff": 0} | unfit))
    one, other = keyed(), keyed()
    assert one(b"a") == one(b"a") != one(b"b")
    assert one(b"a") != other(b"a")


def test_who_starts_runners_at_once_announces_what_they_hear() -> None:
    every = sys.getswitchinterval()
    for _ in range(5):
        runner._pack.cache_clear()
        start, said = threading.Barrier(4), list[int]()

        def go(start: threading.Barrier = start, said: list[int] = said) -> None:
            start.wait()
            said.append(sum(map(int, runner.arguments({})[-3:-1])))

        threads = [threading.Thread(target=go) for _ in range(4)]
        sys.setswitchinterval(1e-6)
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            sys.setswitchinterval(every)
        assert said == [len(runner.modules())] * 4
