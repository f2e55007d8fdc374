"""Every output, and a workspace whose agent leaves that output and sees nothing to mend, whatever it is told."""

from __future__ import annotations

import base64
import io
import shutil
import tarfile
from pathlib import Path
from typing import NamedTuple

from factory_tui.config.workspace import Workspace, bundled
from tests.playbooks import playbook, rule, runs, speaks

HERE = Path(__file__).parent / "trees"
CONTENT = """
import unittest


class Content(unittest.TestCase):
    def test_that_all_is_well(self):
        self.assertTrue(True)
"""
"""The tests of an output that has none of its own."""
CONFIG = """
[cells]
kind = "process"
[models.default]
id = "claude-haiku-4-5"
key_env = "HACKS_KEY"
[harness]
parallel = 2
[owners.demo]
name = "Demo"
"""
USUAL, LESS = (
    "ship_at = 0.80\nmax_trajectories = 48",
    "ship_at = 0.70\nmax_trajectories = 24\nalpha = 0.5\nmax_passes = 1",
)
"""Of a seed's front matter: a ship rule that is soon satisfied, with one pass for it."""
WRITES = """python3 - <<'EOF' && echo it is written
import base64, io, tarfile
tarfile.open(fileobj=io.BytesIO(base64.b64decode("{tar}"))).extractall()
EOF"""


class Output(NamedTuple):
    """A work tree that an agent may leave."""

    group: str
    seed: str
    name: str

    def __str__(self) -> str:
        return f"{self.seed}: {self.name}"

    def tar(self) -> bytes:
        """All of it, with tests."""
        held = io.BytesIO()
        folder = HERE / self.group / self.seed / self.name
        with tarfile.open(fileobj=held, mode="w:xz") as archive:
            archive.add(folder, ".", filter=lambda file: None if "__pycache__" in file.name else file)
            if not (folder / "tests").exists():
                content = CONTENT.encode()
                test = tarfile.TarInfo("tests/test_content.py")
                test.size = len(content)
                archive.addfile(test, io.BytesIO(content))
        return held.getvalue()


def outputs(group: str) -> list[Output]:
    """Those of a group, by seed and name."""
    return [Output(group, *path.relative_to(HERE / group).parts) for path in sorted((HERE / group).glob("*/*"))]


def make(folder: Path, output: Output, *, small: bool) -> tuple[Workspace, Path]:
    """The workspace, with seed, scenarios and loop as they come with factory-tui; and the folder of its playbook.

    A ``small`` one is judged by fewer trajectories, and with less doubt, than the seed says.
    """
    workspace = Workspace(folder / "workspace")
    for part in ("seeds", "scenarios", "loops"):
        shutil.copytree(bundled() / part, workspace.root / part)
    workspace.config.write_text(CONFIG)
    seed = workspace.seeds / f"{output.seed}.md"
    told = seed.read_text()
    assert USUAL in told
    seed.write_text(told.replace(USUAL, LESS if small else USUAL))
    tar = base64.b64encode(output.tar()).decode()
    writes = rule("write", "Build what this seed asks for", runs(WRITES.format(tar=tar)), absent=("it is written",))
    done = rule("done", "it is written|satisfaction|checkpoint", speaks("All is as it should be."))
    playbooks = folder / "playbooks"
    playbooks.mkdir()
    (playbooks / f"{output.seed}.toml").write_text(playbook(output.seed, writes, done))
    return workspace, playbooks
