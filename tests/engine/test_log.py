"""What the engine says beside the journal."""

import subprocess
import sys
from pathlib import Path

import pytest

from factory_tui.engine.serve import LOG_SIZE
from tests.engine.floor import ROOT
from tests.engine.greeter import make

TALK = """
import logging, sys
from pathlib import Path
from factory_tui.config.workspace import Workspace
from factory_tui.engine.serve import log_to
log_to(Workspace(Path(sys.argv[1])))
for number in range(3000):
    logging.warning("line %d %s", number, "x" * 1000)
"""


@pytest.mark.parametrize("ours", [True, False])
def test_the_log_of_an_engine_that_talks_for_ever_is_bounded(tmp_path: Path, ours: bool) -> None:
    workspace, _ = make(tmp_path)
    workspace.state.mkdir()
    path = workspace.log if ours else tmp_path / "terminal"
    with path.open("ab") as stderr:
        subprocess.run([sys.executable, "-c", TALK, str(workspace.root)], stderr=stderr, check=True, cwd=ROOT)
    assert "line 2999 " in path.read_text().splitlines()[-1]
    sizes = [one.stat().st_size for one in workspace.state.glob("engine.log*")]
    assert len(sizes) == (2 if ours else 0), "what is not the workspace's log is left alone"
    assert all(size <= LOG_SIZE for size in sizes)
